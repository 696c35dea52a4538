"""Exception files: what they except, from which rules, until when, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sensor.config import Config
from sensor.errors import ConfigError
from sensor.query.document_rows import DocumentRows, ecs_type_of
from sensor.rules.exceptions import read_exceptions
from sensor.rules.ruleset import RuleSet

_NAMES = "event.action source.ip source.port destination.ip destination.port tags"
FIELDS = {name: ecs_type_of(name) for name in _NAMES.split()} | {
    "telnet.login.outcome": "keyword", "tls.established": "boolean"}
RULE = """
[rule]
rule_id = "ID"
name = "Rule ID"
description = "d"
type = "query"
severity = "low"
risk_score = 21
query = "destination.port:23"
"""
FLOWS: dict[str, dict[str, Any]] = {
    "a": {"source.ip": "10.0.0.1", "source.port": 1, "destination.port": 23, "tags": ["x", "y"]},
    "b": {"source.ip": "10.0.1.1", "source.port": 2, "destination.port": 23, "tags": "Lab-1"},
    "c": {"source.ip": "fd00::1", "source.port": 3, "destination.port": 23},
    "d": {"source.port": 4, "destination.port": 23,
          "file": [{"name": "f", "size": 1}, {"name": "g", "size": 2}]},
}


def alerted(folder: Path, content: str, name: str = "exceptions.toml", day: int = 0) -> str:
    """The flows that still alert, by name."""
    (folder / "rule.toml").write_text(RULE)
    (folder / name).write_text(content, "utf-8")
    rules = RuleSet.load([str(folder / "rule.toml")], exceptions=[str(folder / name)],
                         config=Config(), known_fields=FIELDS)
    rows = DocumentRows(list(FLOWS.values()), [day * 86400 * 10**9 + row for row in range(4)])
    alerts = rules.match(rows)
    counters = rules.running[0].counters
    assert (counters.matches, counters.excepted) == (4, 4 - len(alerts))
    ports = {alert.document["source"]["port"] for alert in alerts}
    return "".join(key for key, flow in FLOWS.items() if flow["source.port"] in ports)


def item(entries: str, extra: str = "") -> str:
    return f'[[item]]\ncomment = "known"\n{extra}\nentries = [{entries}]\n'


@pytest.mark.parametrize(("entries", "left"), [
    ('{field = "source.ip", type = "match", value = "10.0.0.1"}', "bcd"),
    ('{field = "source.ip", type = "match", value = "10.0.0.0/16"}', "cd"),
    ('{field = "source.ip", type = "match", value = "10.0.0.0/16", operator = "excluded"}', "ab"),
    ('{field = "source.port", type = "match", value = 2}', "acd"),
    ('{field = "source.port", type = "match", value = "2"}', "acd"),
    ('{field = "tags", type = "match", value = "y"}', "bcd"),
    ('{field = "tags", type = "match", value = "lab-1"}', "abcd"),
    ('{field = "source.port", type = "match_any", value = [1, "4"]}', "bc"),
    ('{field = "tags", type = "match_any", value = ["x", "Lab-1"], operator = "excluded"}', "ab"),
    ('{field = "source.ip", type = "exists"}', "d"),
    ('{field = "source.ip", type = "exists", operator = "excluded"}', "abc"),
    ('{field = "tags", type = "wildcard", value = "Lab-?"}', "acd"),
    ('{field = "tags", type = "wildcard", value = "*y*"}', "bcd"),
    ('{field = "source.ip", type = "list", list = {path = "ips", type = "ip"}}', "bd"),
    ('{field = "source.ip", type = "list", list = {path = "ranges", type = "ip_range"}}', "cd"),
    ('{field = "tags", type = "list", list = {path = "words", type = "keyword"}}', "acd"),
    ('{field = "tags", type = "list", operator = "excluded", list = {id = "words", '
     'type = "keyword"}}', "b"),
    ('{field = "file", type = "nested", entries = [{field = "name", type = "match", value = "f"}, '
     '{field = "size", type = "match", value = 1}]}', "abc"),
    ('{field = "file", type = "nested", entries = [{field = "name", type = "match", value = "f"}, '
     '{field = "size", type = "match", value = 2}]}', "abcd"),
    ('{field = "source.port", type = "match_any", value = [1, 2]}, '
     '{field = "tags", type = "match", value = "x"}', "bcd"),
])
def test_entries(entries: str, left: str, tmp_path: Path) -> None:
    (tmp_path / "ips").write_text("# lab\n10.0.0.1\n\nfd00::1\n")
    (tmp_path / "ranges").write_text("10.0.0.0 - 10.0.0.255\n10.0.1.0/24\n")
    (tmp_path / "words").write_text("Lab-1\nLab-2\n")
    assert alerted(tmp_path, item(entries)) == left


FIRST = '{field = "source.port", type = "match", value = 1}'


def test_items_are_alternatives(tmp_path: Path) -> None:
    second = '{field = "source.port", type = "match", value = 2}'
    assert alerted(tmp_path, item(FIRST) + item(second)) == "cd"


@pytest.mark.parametrize(("rules", "left"), [
    ('["ID"]', "bcd"), ('["Rule ID"]', "bcd"), ('["rule"]', "bcd"), ("[]", "bcd"),
    ('["other"]', "abcd"),
])
def test_items_for_some_rules(rules: str, left: str, tmp_path: Path) -> None:
    assert alerted(tmp_path, item(FIRST, f"rules = {rules}")) == left


@pytest.mark.parametrize("written", ["1970-01-11", '"1970-01-11"', "1970-01-12T00:00:00Z"])
def test_items_expire_in_packet_time_at_the_end_of_their_day(written: str, tmp_path: Path) -> None:
    # The eleventh of January 1970 is the day that begins ten days after the first.
    assert alerted(tmp_path, item(FIRST, f"expires = {written}"), day=10) == "bcd"
    assert alerted(tmp_path, item(FIRST, f"expires = {written}"), day=12) == "abcd"


def test_kibana_exports(tmp_path: Path) -> None:
    container = {"list_id": "lab", "type": "detection", "name": "Lab"}
    first = {"item_id": "i1", "list_id": "lab", "name": "one", "comments": [{"comment": "ok"}],
             "expire_time": "1970-01-02T00:00:00.000Z", "type": "simple", "entries": [
                 {"field": "source.port", "operator": "included", "type": "match", "value": "1"}]}
    lines = [container, first, {"exported_exception_list_count": 1}]
    text = "\n".join(map(json.dumps, lines))
    assert alerted(tmp_path, text, "export.ndjson") == "bcd"
    assert alerted(tmp_path, text, "export.ndjson", day=1) == "abcd"


def test_an_exception_for_endpoints_of_one_system_is_for_those_alone(tmp_path: Path) -> None:
    entries = [{"field": "destination.port", "type": "match", "value": "23"}]
    item = {"item_id": "i", "description": "why", "entries": entries, "os_types": ["windows"]}
    assert alerted(tmp_path, json.dumps(item), "e.ndjson") == "abcd"


def test_a_rule_whose_list_is_not_loaded_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(RULE + 'exceptions_list = [{list_id = "lab"}]\n')
    rules = RuleSet.load([str(tmp_path / "a.toml")], config=Config(), known_fields=FIELDS)
    assert rules.notices == [
        "rule 'Rule ID': no exception of its list 'lab' is loaded: --exceptions FILE"]


@pytest.mark.parametrize(("lines", "left"), [("f\n", "abc"), ("# f\nz\n", "abcd")])
def test_a_list_inside_of_an_object(lines: str, left: str, tmp_path: Path) -> None:
    (tmp_path / "names").write_text(lines)
    inner = [{"field": "name", "type": "list", "list": {"id": "names", "type": "keyword"}},
             {"field": "size", "type": "match", "value": "1"}]
    item = {"item_id": "i", "description": "why", "entries": [
        {"field": "file", "type": "nested", "entries": inner}]}
    assert alerted(tmp_path, json.dumps(item), "e.ndjson") == left


def test_a_list_that_rules_name_is_theirs_alone(tmp_path: Path) -> None:
    entries = [{"field": "destination.port", "type": "match", "value": "23"}]
    (tmp_path / "e.ndjson").write_text(json.dumps(
        {"item_id": "i", "list_id": "lab", "description": "why", "entries": entries}))
    (tmp_path / "a.toml").write_text(
        RULE.replace("ID", "A") + 'exceptions_list = [{list_id = "lab"}]\n')
    (tmp_path / "b.toml").write_text(RULE.replace("ID", "B"))
    rules = RuleSet.load([str(tmp_path / "a.toml"), str(tmp_path / "b.toml")],
                         exceptions=[str(tmp_path / "e.ndjson")], config=Config(),
                         known_fields=FIELDS)
    assert [alert.rule_id for alert in rules.match(DocumentRows([FLOWS["a"]]))] == ["B"]


@pytest.mark.parametrize(("content", "reason"), [
    (item(FIRST).replace('comment = "known"', ""), "a comment is required"),
    (item(FIRST).replace('"known"', '" "'), "a comment is required"),
    (item(""), "at least one entry"),
    ("[[item]]\ncomment = \"c\"\n", "at least one entry"),
    (item(FIRST, 'rule = ["x"]'), "unknown key 'rule'"),
    (item(FIRST, 'rules = "x"'), "'rules' must list"),
    (item(FIRST, 'expires = "soon"'), "'expires' must be a date"),
    (item('{type = "match", value = 1}'), "needs a 'field'"),
    (item('{field = "source.prt", type = "match", value = 1}'), "unknown field 'source.prt'"),
    (item('{field = "telnet.login.outcom", type = "match", value = "x"}'),
     "unknown field 'telnet.login.outcom': did you mean 'telnet.login.outcome'?"),
    (item('{field = "tls.established", type = "match", value = "yes"}'),
     "'tls.established' is true or false, 'yes' is neither"),
    (item('{field = "source.port", type = "matches", value = 1}'), "unknown entry type 'matches'"),
    (item('{field = "source.port", type = "match"}'), "needs a 'value'"),
    (item('{field = "source.port", type = "match_any", value = 1}'), "needs a 'value'"),
    (item('{field = "source.port", type = "match", value = 1, operator = "not"}'), "'operator' is"),
    (item('{field = "source.port", type = "match", valeu = 1}'), "unknown key 'valeu'"),
    (item('{field = "source.ip", type = "list", list = {path = "none", type = "ip"}}'),
     "none cannot be read"),
    (item('{field = "source.ip", type = "list", list = {path = "bad", type = "ip"}}'),
     "bad:2: '10.0.0.0/99' is no address"),
    (item('{field = "source.ip", type = "list"}'), "needs list ="),
    ("[[exception]]\n", "unknown key 'exception'"),
    ("[[item]\n", "TOML: "),
])
def test_bad_items(content: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("10.0.0.1\n10.0.0.0/99\n")
    with pytest.raises(ConfigError) as caught:
        alerted(tmp_path, content)
    assert reason in str(caught.value)
    assert "exceptions.toml" in str(caught.value)


def test_all_bad_items_are_reported_with_their_places(tmp_path: Path) -> None:
    bad = item(FIRST).replace('comment = "known"\n', "")
    with pytest.raises(ConfigError) as caught:
        alerted(tmp_path, bad + item(FIRST) + bad)
    found = [line.split("exceptions.toml:")[1].split(":")[0]
             for line in str(caught.value).split("\n")]
    # Three lines for a bad item, four for the good one between them.
    assert found == ["1", "8"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "rule.toml").write_text(RULE)
    (tmp_path / "bad.ndjson").write_text("{\n")
    with pytest.raises(ConfigError) as caught:
        RuleSet.load([str(tmp_path / "rule.toml")], config=Config(), known_fields=FIELDS,
                     exceptions=[str(tmp_path / "none.toml"), str(tmp_path / "bad.ndjson")])
    first, second = str(caught.value).split("\n")
    assert "none.toml: cannot be read" in first
    assert "bad.ndjson:1: JSON" in second


@pytest.mark.parametrize(("value", "path", "in_kibana", "on_endpoint"), [
    ("C:\\\\Tools\\\\*.exe", "C:\\Tools\\x.exe", True, False),
    ("C:\\Tools\\*.exe", "C:\\Tools\\x.exe", False, True),
    ("*\\*", "a*", True, False), ("*\\?", "a?", True, False), ("*\\?", "ab", False, False),
    ("*.exe", "x.exe", True, True),
])
def test_a_backslash_in_a_pattern_means_what_its_list_s_reader_makes_of_it(
    value: str, path: str, in_kibana: bool, on_endpoint: bool, tmp_path: Path
) -> None:
    item = {"item_id": "i", "list_id": "l", "name": "n", "description": "known", "entries": [
        {"field": "tags", "type": "wildcard", "operator": "included", "value": value}]}
    for kind, expected in (("detection", in_kibana), ("endpoint", on_endpoint)):
        file = tmp_path / f"{kind}.ndjson"
        file.write_text("\n".join(map(json.dumps, ({"list_id": "l", "type": kind}, item))))
        (read,) = read_exceptions([str(file)], FIELDS.get)
        assert bool(read.predicate(DocumentRows([{"tags": path}]))[0]) is expected
