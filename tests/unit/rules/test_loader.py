"""What is said of rule files that can be read but hardly mean what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sensor.config import Config
from sensor.errors import ConfigError
from sensor.rules.describe import format_rule
from sensor.rules.rule import RulesError
from sensor.rules.ruleset import RuleSet
from tests.command import DEMO, sensor
from tests.unit.rules.test_ruleset import FIELDS, load, rule_text

RULE: dict[str, Any] = {
    "rule_id": "r1", "name": "Exported", "description": "d", "type": "query", "language": "kuery",
    "severity": "low", "risk_score": 21, "query": "destination.port:23",
}
ITEM = {"item_id": "i", "list_id": "l", "name": "n", "description": "known", "entries": [
    {"field": "source.ip", "type": "match", "operator": "included", "value": "192.0.2.1"}]}
EVENT = {"@timestamp": "2026-01-02T03:04:05Z", "destination": {"port": 23}}


def of_files(*rules: Path, exceptions: tuple[Path, ...] = ()) -> RuleSet:
    return RuleSet.load(map(str, rules), exceptions=map(str, exceptions), config=Config(),
                        known_fields=FIELDS)  # fmt: skip


def written(path: Path, *values: Any) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


@pytest.mark.parametrize(("keys", "query", "reason"), [
    ({}, "destination.prt:23",
     "no event is known to have 'destination.prt': did you mean 'destination.port'?"),
    ({"type": "eql", "language": "eql"}, "netwrok where destination.port == 23",
     "no event is known to be of the category 'netwrok': did you mean 'network'?"),
    ({"type": "eql", "language": "eql"}, "sequence by sorce.ip [any where true] [any where true]",
     "no event is known to have 'sorce.ip': did you mean 'source.ip'?"),
])
def test_names_that_look_misspelt_are_told_where_any_event_may_come(
    keys: dict[str, str], query: str, reason: str, tmp_path: Path
) -> None:
    rules = load(tmp_path, rule_text(query, **keys), any_event=True)
    assert rules.notices == [f"rule 'Test rule' runs degraded: {reason}"]


def test_a_misspelt_group_is_told_where_any_event_may_come(tmp_path: Path) -> None:
    extra = '[rule.threshold]\nfield = ["source.ipp"]\nvalue = 2\n'
    rules = load(tmp_path, rule_text(extra=extra, type="threshold"), any_event=True)
    assert "no event is known to have 'source.ipp': did you mean 'source.ip'?" in rules.notices[0]


def test_fields_of_other_products_are_no_typing_errors(tmp_path: Path) -> None:
    query = "panw.panos.action:deny and acme.box.verdict:x and process.nam:y and event.category:z"
    assert load(tmp_path, rule_text(query), any_event=True).notices == []


@pytest.mark.parametrize(("values", "told"), [
    ([ITEM], "these are exception items: give them to --exceptions"),
    ([EVENT, EVENT], "these look like events: give them to --events"),
    ([{"a": 1}], "something else is in it"), ([], "it is empty"),
])
@pytest.mark.parametrize("suffix", ["ndjson", "json"])
def test_a_file_without_rules_is_an_error(
    values: list[Any], told: str, suffix: str, tmp_path: Path
) -> None:
    path = written(tmp_path / f"x.{suffix}", *values)
    with pytest.raises(RulesError) as caught:
        of_files(path)
    assert str(caught.value) == f"{path}: no rule in it: {told}"
    with pytest.raises(RulesError, match=rf"^{tmp_path}: no rule in its files .x") as caught:
        written(tmp_path / "x.ndjson", *values)
        of_files(tmp_path)


def test_other_files_may_lie_beside_rules(tmp_path: Path) -> None:
    written(tmp_path / "events.ndjson", EVENT)
    written(tmp_path / "rules.ndjson", RULE)
    assert [rule.text.name for rule in of_files(tmp_path).rules] == ["Exported"]


@pytest.mark.parametrize(("values", "told"), [
    ([RULE], "these are rules: give them to --rules"),
    ([EVENT], "these look like events: give them to --events"),
])
def test_exceptions_without_an_item_are_an_error(
    values: list[Any], told: str, tmp_path: Path
) -> None:
    rules = written(tmp_path / "rules.ndjson", RULE)
    path = written(tmp_path / "x.ndjson", *values)
    with pytest.raises(ConfigError) as caught:
        of_files(rules, exceptions=(path,))
    assert str(caught.value) == f"{path}: no exception item in it: {told}"


def test_an_exported_list_may_be_empty_and_rules_may_hold_their_items(tmp_path: Path) -> None:
    container = {"list_id": "l", "type": "detection", "name": "n"}
    counts = {"exported_exception_list_count": 1}
    empty = written(tmp_path / "empty.ndjson", container, counts)
    both = written(tmp_path / "both.ndjson", RULE, container, ITEM, counts)
    assert of_files(both, exceptions=(empty,)).rules[0].exceptions == []
    assert len(of_files(both, exceptions=(both,)).rules[0].exceptions) == 1


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("many", [True, False])
def test_json_may_be_an_array_or_spread_over_lines(
    indent: int | None, many: bool, tmp_path: Path
) -> None:
    path = tmp_path / "rules.json"
    rules = [RULE, {**RULE, "rule_id": "r2"}]
    path.write_text(json.dumps(rules if many else RULE, indent=indent))
    assert len(of_files(path).rules) == (2 if many else 1)
    path.write_text(json.dumps([RULE, {**RULE, "query": "sorce.ip:1"}], indent=indent))
    with pytest.raises(RulesError, match=rf":{1 if indent is None else 12}: unknown field"):
        of_files(path)


@pytest.mark.parametrize(("content", "line"), [
    ('[{"rule_id": "r1"', 1), ('[\n{"a": 1},\n', 0), ('{"a": 1}\n{"b": }', 2), ("[" * 9999, 0),
])
def test_broken_json_says_where(content: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(content)
    with pytest.raises(RulesError) as caught:
        of_files(path)
    assert str(caught.value).startswith(f"{path}:{line}: JSON: " if line else f"{path}: JSON: ")


def test_a_mistake_in_an_exported_query_is_shown_with_a_caret(tmp_path: Path) -> None:
    query = "destination.port:23 and\n  sorce.ip:192.0.2.1"
    path = written(tmp_path / "x.ndjson", RULE, {**RULE, "rule_id": "r2", "query": query})
    with pytest.raises(RulesError) as caught:
        of_files(path)
    assert str(caught.value).splitlines() == [
        f"{path}:2: unknown field 'sorce.ip': did you mean 'source.ip'? (query line 2, column 3)",
        "      sorce.ip:192.0.2.1", "      ^"]


def test_the_places_of_both_rules_with_one_id_are_told(tmp_path: Path) -> None:
    path = written(tmp_path / "x.ndjson", {**RULE, "rule_id": "r2"}, RULE, RULE)
    plain = tmp_path / "rule.toml"
    plain.write_text(rule_text())
    with pytest.raises(RulesError) as caught:
        of_files(plain, path)
    line = rule_text().splitlines().index('rule_id = "r1"') + 1
    assert str(caught.value).splitlines() == [
        f"{path}:{number}: rule id r1 is already used by {plain}:{line}" for number in (2, 3)]


@pytest.mark.parametrize(("query", "meant"), [
    ("destination.port=23", "destination.port:23"),
    ("destination.port == 23", "destination.port:23"),
    ("event.action:x and (source.ip != 192.0.2.1)", "not source.ip:192.0.2.1"),
    ("sorce.ip=192.0.2.1", "sorce.ip:192.0.2.1"),
])  # fmt: skip
@pytest.mark.parametrize("any_event", [True, False])
def test_a_comparison_of_other_languages_is_no_bare_value(
    query: str, meant: str, any_event: bool, tmp_path: Path
) -> None:
    with pytest.raises(RulesError, match="'=' does not compare in KQL") as caught:
        load(tmp_path, rule_text(query), any_event=any_event)
    assert f"did you mean '{meant}'?" in str(caught.value)


def test_a_bare_value_may_have_an_equals_sign(tmp_path: Path) -> None:
    query = 'a=b or "destination.port=23" or Q2Fsbw== or event.action:"destination.port=23"'
    assert load(tmp_path, rule_text(query)).rules[0].status == "runs"


def suppressed(group_by: str, unit: str = "m") -> str:
    return (f"[rule.alert_suppression]\ngroup_by = ['{group_by}']\n"
            f"duration = {{ value = 5, unit = '{unit}' }}\n")  # fmt: skip


def test_what_suppression_groups_by_is_checked(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match=r"unknown field 'sorce\.ip'") as caught:
        load(tmp_path, rule_text(extra=suppressed("sorce.ip")))
    assert "rule0.toml:14: alert_suppression: " in str(caught.value)
    (rule,) = load(tmp_path, rule_text(extra=suppressed("process.name"))).rules
    assert (rule.status, rule.reason) == (
        "degraded", "alert_suppression: not on a tap: process.name")
    (rule,) = load(tmp_path, rule_text(extra=suppressed("sorce.ip")), any_event=True).rules
    assert (rule.status, rule.reason) == (
        "degraded", "no event is known to have 'sorce.ip': did you mean 'source.ip'?")
    with pytest.raises(RulesError, match=r"'duration' must be like .* \(s, m, h, d\)"):
        load(tmp_path, rule_text(extra=suppressed("source.ip", "w")))


def test_a_rule_tells_how_it_is_suppressed(tmp_path: Path) -> None:
    (rule,) = load(tmp_path, rule_text(extra=suppressed("source.ip"))).rules
    assert format_rule(rule)["suppression"] == "one alert for each source.ip within 5 min"


def test_a_file_of_several_rules_is_no_name_of_one(tmp_path: Path) -> None:
    rules = of_files(written(tmp_path / "export.ndjson", RULE, {
        **RULE, "rule_id": "r2", "name": "Other"}))
    for name, reason in (("export", "several rules are 'export'"),
                         ("Another", "no rule 'Another'")):
        with pytest.raises(ConfigError) as caught:
            rules.find(name)
        assert str(caught.value) == f"{reason}; there are: Exported, Other"
    assert rules.find("other").text.id == "r2"


def test_rules_are_listed_and_shown_as_where_they_are_to_run(tmp_path: Path) -> None:
    path = tmp_path / "rule.toml"
    path.write_text(rule_text("process.name:sh and acme.box.verdict:x"))
    for command in (["list", "--rules", str(path)], ["show", "r1", "--rules", str(path)],
                    ["check", str(path)]):
        alone = sensor("rules", *command)
        assert alone.code == 0 and "process.name" in alone.out.replace("process.name:sh", "")
        with_events = sensor("rules", *command, "--events", "--host")
        assert with_events.code == 0 and "not on a tap" not in with_events.out


def test_the_files_with_errors_are_counted(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(rule_text("sorce.ip:1 and destination.prt:2"))
    (tmp_path / "good.toml").write_text(rule_text(rule_id="r2"))
    checked = sensor("rules", "check", str(tmp_path))
    assert checked.out.splitlines()[-1] == "1 sound rule, 2 errors in 1 file"


def test_files_of_the_wrong_kind_are_named_once(tmp_path: Path) -> None:
    told = sensor("replay", "--quiet", "--events", DEMO)
    assert told.code == 1
    assert told.err.strip().endswith(
        f"{DEMO}: this is a pcap file, not documents: give it as PATH")
    archive = tmp_path / "events.zip"
    archive.write_bytes(b"PK\x03\x04" + bytes(600))
    told = sensor("replay", "--quiet", "--events", str(archive))
    assert told.code == 1 and "this is an archive of files, not text" in told.err
    assert len(told.err.splitlines()) == 1
    documents = written(tmp_path / "events.ndjson", EVENT)
    told = sensor("replay", "--quiet", str(documents))
    assert told.code == 1 and "documents are given to --events, rules to --rules" in told.err
