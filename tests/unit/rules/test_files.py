"""Rule files: what is in them, and the places of mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sensor.config import Config
from sensor.errors import QueryError
from sensor.query.document_rows import DocumentRows
from sensor.query.kql import parser as kql
from sensor.rules.files import Suppression, read_file
from sensor.rules.rule import RulesError
from sensor.rules.ruleset import RuleSet
from tests.rule_files import FIELDS, RULE, SECOND, errors, flow, load, of_files, rule_text, written


def test_all_bad_rules_are_reported_at_once_with_their_places(tmp_path: Path) -> None:
    found = errors(
        tmp_path,
        rule_text("destination.port:(23 or"),
        rule_text("destination.prt:23", rule_id="r2"),
        rule_text(rule_id="r3", name=None, severity="huge"),
        rule_text(rule_id="r3x", type="qeury"),
        "[rule\n",
        rule_text("any where a == 'x'", rule_id="r4", type="eql", language="eql"),
    )
    assert [Path(error.split(":")[0]).name for error in found] == [
        "rule0.toml", "rule1.toml", "rule2.toml", "rule2.toml", "rule3.toml", "rule4.toml",
        "rule5.toml"]
    # The query begins on line 11: two headings, seven keys and the opening quotes before it.
    assert ":11:24: the query ends too early" in found[0]
    assert found[0].split("\n")[1:] == [
        "    destination.port:(23 or", "    " + " " * 23 + "^"]
    assert "unknown field 'destination.prt': did you mean 'destination.port'?" in found[1]
    assert "[rule] has no 'name'" in "".join(found[2:4])
    assert "unknown severity 'huge'" in "".join(found[2:4])
    assert "unknown rule type 'qeury'" in found[4]
    assert "TOML: " in found[5] and ":1:6" in found[5]
    assert "double quotes" in found[6]


def test_a_query_on_one_line_has_its_caret_in_the_file(tmp_path: Path) -> None:
    text = rule_text().replace("query = '''\ndestination.port:23\n'''", 'query = "a.b:(c"')
    (error,) = errors(tmp_path, text)
    place, line, caret = error.split("\n")
    assert line == '    query = "a.b:(c"'
    # Column 16 of the line is the closing quote: where the text ends.
    assert ":10:16: " in place and caret.index("^") == 4 + 15


def test_a_mistake_in_an_exported_query_is_shown_with_a_caret(tmp_path: Path) -> None:
    query = "destination.port:23 and\n  sorce.ip:192.0.2.1"
    path = written(tmp_path / "x.ndjson", RULE, {**RULE, "rule_id": "r2", "query": query})
    with pytest.raises(RulesError) as caught:
        of_files(path)
    assert str(caught.value).splitlines() == [
        f"{path}:2: unknown field 'sorce.ip': did you mean 'source.ip'? (query line 2, column 3)",
        "      sorce.ip:192.0.2.1", "      ^"]


def test_missing_paths_and_empty_folders(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin.toml").write_bytes(b"[rule]\nname = '\xff'\n")
    with pytest.raises(RulesError) as caught:
        RuleSet.load([str(tmp_path / name) for name in ("none", "empty", "latin.toml")],
                     config=Config(), known_fields=FIELDS)
    assert [error.reason.split(" ")[0:2] for error in caught.value.errors] == [
        ["no", "such"], ["no", "rule"], ["not", "UTF-8"]]


def test_kibana_exports_load(tmp_path: Path) -> None:
    rule = {"rule_id": "k1", "name": "From Kibana", "description": "d", "type": "eql",
            "language": "eql", "severity": "high", "risk_score": 73, "version": 4,
            "query": "network where destination.port == 23", "enabled": True, "threat": []}
    bad = {**rule, "rule_id": "k2", "query": "network where"}
    path = tmp_path / "export.ndjson"
    path.write_text(json.dumps(rule) + '\n{"exported_count": 1}\n')
    rules = RuleSet.load([str(path)], config=Config(), known_fields=FIELDS)
    (alert,) = rules.match(DocumentRows([flow()]))
    assert (alert.severity, alert.document["rule"]["version"]) == ("high", "4")
    path.write_text(json.dumps(rule) + "\n" + json.dumps(bad) + "\n")
    with pytest.raises(RulesError, match=r"export.ndjson:2: the query ends too early"):
        RuleSet.load([str(path)], config=Config(), known_fields=FIELDS)


def test_an_empty_query_is_one_for_all_events(tmp_path):
    line = {"rule_id": "r1", "name": "n", "description": "d", "type": "query", "query": "",
            "language": "kuery", "severity": "low", "risk_score": 21, "filters": []}
    filtered = {**line, "rule_id": "r2", "filters": [{"meta": {}, "query": {}}]}
    (tmp_path / "export.ndjson").write_text(f"{json.dumps(line)}\n{json.dumps(filtered)}\n")
    rules = load(tmp_path)
    assert [rule["status"] for rule in rules.describe()] == ["runs", "cannot_run"]
    assert len(rules.match(DocumentRows([flow(), {"message": "x"}]))) == 2
    with pytest.raises(RulesError):
        load(tmp_path, rule_text("", type="eql", language="eql"))


def test_an_export_says_null_where_a_rule_is_no_building_block_and_has_no_filters(tmp_path):
    rule = {"rule_id": "r1", "name": "n", "description": "d", "type": "query", "language": "kuery",
            "severity": "low", "risk_score": 21, "query": "destination.port:23",
            "building_block_type": None, "filters": []}
    (tmp_path / "export.ndjson").write_text(json.dumps(rule) + "\n")
    ruleset = RuleSet.load([str(tmp_path)], config=Config(), known_fields=FIELDS)
    assert len(ruleset.match(DocumentRows([flow()]))) == 1


def test_a_byte_order_mark_in_front_of_a_rule_says_nothing(tmp_path):
    assert len(load(tmp_path, "\ufeff" + rule_text()).rules) == 1


def test_a_threshold_rule_is_suppressed_by_its_own_groups(tmp_path):
    """Such rules name a duration and no `group_by`."""
    text = rule_text(type="threshold", extra="[rule.threshold]\nfield = ['source.ip']\nvalue = 5\n"
                     "[rule.alert_suppression.duration]\nunit = 'h'\nvalue = 1\n")
    (rule,) = load(tmp_path, text).rules
    assert rule.status == "runs"
    assert rule.text.suppression == Suppression(("source.ip",), 3600 * SECOND, False)


def test_an_edit_after_the_file_was_read_misplaces_no_caret(tmp_path: Path) -> None:
    path = tmp_path / "rule.toml"
    path.write_text(rule_text("destination.port:(23 or"))
    (text,) = read_file(path)
    path.write_text("# a line more\n" * 20 + rule_text())
    with pytest.raises(QueryError) as caught:
        kql.parse(text.query)
    place, line, _ = str(text.with_location(caught.value)).split("\n")
    assert ":11:24: " in place and line == "    destination.port:(23 or"
    assert text.line_of("r1") == 3


@pytest.mark.parametrize("wrapped", [
    {"attributes": RULE, "id": "r1_1", "type": "security-rule"},
    {"page": 1, "perPage": 20, "total": 1, "data": [{**RULE, "immutable": True}]},
    [[{"attributes": RULE, "id": "r1_1", "type": "security-rule"}]],
])
@pytest.mark.parametrize("indent", [None, 2])
def test_rules_are_found_in_what_kibana_wraps_them_in(
    wrapped: Any, indent: int | None, tmp_path: Path
) -> None:
    """As the package of prebuilt rules, and as the answer of the API that finds rules."""
    (tmp_path / "rule.json").write_text(json.dumps(wrapped, indent=indent))
    (tmp_path / "events.json").write_text('{"not": a rule}')
    for path in (tmp_path, tmp_path / "rule.json"):
        (rule,) = RuleSet.load([str(path)], config=Config(), known_fields=FIELDS).rules
        assert (rule.text.id, rule.status) == ("r1", "runs")


@pytest.mark.parametrize(("name", "text", "kind"), [
    ("a.yml", "title: t\nlogsource:\n  product: zeek\ndetection:\n  condition: x\n", "Sigma rule"),
    ("a.rules", 'alert tcp any any -> any 23 (msg:"telnet"; sid:1;)\n', "Suricata"),
    ("a.rules", '# alert http $HOME_NET any <> any any (msg:"x"; sid:2;)\n', "Suricata"),
    ("a.json", '{"title": "t", "logsource": {}, "detection": {}}', "Sigma rule"),
])
def test_rules_of_other_programs_are_named_as_such(
    name: str, text: str, kind: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    paths = [tmp_path / name] if name.endswith("json") else [tmp_path, tmp_path / name]
    for path in paths:
        with pytest.raises(RulesError, match=kind):
            RuleSet.load([str(path)], config=Config(), known_fields=FIELDS)
