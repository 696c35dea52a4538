"""What is said of rule files that can be read but hardly mean what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sensor.config import Config
from sensor.errors import ConfigError
from sensor.query.document_rows import DocumentRows
from sensor.rules.rule import RulesError
from sensor.rules.ruleset import RuleSet
from tests.command import DEMO, sensor
from tests.rule_files import (
    EVENT,
    FIELDS,
    ITEM,
    RULE,
    errors,
    flow,
    load,
    of_files,
    rule_text,
    written,
)


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


def test_fields_of_other_products_are_no_typing_errors(tmp_path: Path) -> None:
    query = "panw.panos.action:deny and acme.box.verdict:x and process.nam:y and event.category:z"
    assert load(tmp_path, rule_text(query), any_event=True).notices == []


def test_an_exported_list_may_be_empty_and_rules_may_hold_their_items(tmp_path: Path) -> None:
    container = {"list_id": "l", "type": "detection", "name": "n"}
    counts = {"exported_exception_list_count": 1}
    empty = written(tmp_path / "empty.ndjson", container, counts)
    both = written(tmp_path / "both.ndjson", RULE, container, ITEM, counts)
    assert of_files(both, exceptions=(empty,)).rules[0].exceptions == []
    assert len(of_files(both, exceptions=(both,)).rules[0].exceptions) == 1


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


def test_a_file_of_several_rules_is_no_name_of_one(tmp_path: Path) -> None:
    rules = of_files(written(tmp_path / "export.ndjson", RULE, {
        **RULE, "rule_id": "r2", "name": "Other"}))
    for name, reason in (("export", "several rules are 'export'"), ("Third", "no rule 'Third'")):
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


def test_two_rules_with_one_id_name_both_files(tmp_path: Path) -> None:
    (error,) = errors(tmp_path, rule_text(), rule_text())
    assert "rule0.toml" in error and "rule1.toml" in error and "r1" in error


@pytest.mark.parametrize(("kind", "word"), [
    ("machine_learning", "machine learning"), ("esql", "ES|QL"), ("saved_query", "Kibana"),
])
def test_types_that_are_not_evaluated_are_refused_by_name(
    kind: str, word: str, tmp_path: Path
) -> None:
    rules = load(tmp_path, rule_text(type=kind, language=None), rule_text(rule_id="r2"))
    assert [rule.status for rule in rules.rules] == ["cannot_run", "runs"]
    assert kind in rules.notices[0] and word in rules.notices[0]
    assert len(rules.match(DocumentRows([flow()]))) == 1


@pytest.mark.parametrize(("query", "status", "reason"), [
    ("destination.port:23", "runs", ""),
    ("destination.port:23 or process.name:telnet", "degraded", "process.name"),
    ("destination.port:23 and process.name:telnet", "cannot_run", "process.name"),
    ("destination.port:23 and not process.name:telnet", "degraded", "process.name"),
    ("process.name:null and winlog.event_id:*", "cannot_run", "winlog.event_id"),
    ("destination.port:23 and not event.dataset:x or netflow.x:1", "degraded", "netflow.x"),
])
def test_fields_that_a_tap_lacks(query: str, status: str, reason: str, tmp_path: Path) -> None:
    (rule,) = load(tmp_path, rule_text(query)).rules
    assert rule.status == status
    assert reason in rule.reason


@pytest.mark.parametrize(("query", "status"), [
    ('process where process.name == "telnet"', "cannot_run"),
    ("network where ?process.name == null", "runs"),
    ('network where process.name != "x" and destination.port == 23', "degraded"),
    ("sequence [network where true] [network where true]", "runs"),
    ("sequence [process where true] [network where true]", "cannot_run"),
    ("sequence with maxspan=1s [network where true] ![process where true]", "degraded"),
    ("sequence by process.pid [network where true] [network where true]", "cannot_run"),
    ("sequence by ?process.pid [network where true] [network where true]", "runs"),
    ("sample by source.ip [network where true] [network where destination.port == 23]", "runs"),
])
def test_eql_on_a_tap(query: str, status: str, tmp_path: Path) -> None:
    (rule,) = load(tmp_path, rule_text(query, type="eql", language="eql")).rules
    assert rule.status == status


@pytest.mark.parametrize(("query", "reason"), [
    ("destination.ip:10.0.0.0/33", "neither an address nor a network"),
    ("destination.port:telnet", "is a number"),
    ("source.port > x", "is a number"),
    ('@timestamp > "now-5m"', "packet time"),
    ("sensor.flow.verdcit:accepted", "did you mean 'sensor.flow.verdict'"),
])
def test_constants_that_can_never_fit(query: str, reason: str, tmp_path: Path) -> None:
    (error,) = errors(tmp_path, rule_text(query))
    assert reason in error


def test_the_filters_of_a_rule_narrow_its_query(tmp_path: Path) -> None:
    text = rule_text(extra="[[rule.filters]]\n[rule.filters.meta]\nnegate = true\n"
                     "[rule.filters.query.wildcard.'network.direction']\nvalue = 'out*'\n")
    ruleset = load(tmp_path, text)
    for direction, alerts in (("outbound", 0), ("inbound", 1)):
        event = flow(network={"transport": "tcp", "direction": direction})
        assert len(ruleset.match(DocumentRows([event]))) == alerts


def test_what_is_wrong_in_a_filter_is_an_error_and_what_is_not_read_a_reason(
    tmp_path: Path,
) -> None:
    filters = "[[rule.filters]]\n[rule.filters.query.{}]\n"
    assert "filters: unknown field 'source.ipp'" in errors(
        tmp_path, rule_text(extra=filters.format("match_phrase") + "'source.ipp' = 'x'\n"))[0]
    (rule,) = load(tmp_path, rule_text(extra=filters.format("script") + "source = 'x'\n")).rules
    assert (rule.status, "'script'" in rule.reason) == ("cannot_run", True)


def test_a_rule_may_have_its_category_in_another_field(tmp_path: Path) -> None:
    def text(number: int, word: str, field: str) -> str:
        return rule_text(f"{word} where destination.port == 23", type="eql", language="eql",
                         rule_id=f"r{number}", event_category_override=field)

    ruleset = load(tmp_path, text(0, "tcp", "network.transport"),
                   text(1, "network", "event.category"), text(2, "network", "event.kind"))
    assert [rule.status for rule in ruleset.rules] == ["runs", "runs", "cannot_run"]
    alerts = ruleset.match(DocumentRows([flow()]))
    assert sorted(alert.rule_id for alert in alerts) == ["r0", "r1"]


@pytest.mark.parametrize(("query", "type_", "directions"), [
    ("network.direction:egress", "query", {"egress", "outbound", "internal"}),
    ("network.direction:(ingress or incoming)", "query",
     {"ingress", "incoming", "inbound", "internal"}),
    ("network.direction:inbound", "query", {"inbound"}),
    ("not network.direction:outgoing", "query",
     {"egress", "ingress", "incoming", "inbound", "external"}),
    ('network where network.direction == "egress"', "eql", {"egress", "outbound", "internal"}),
    ('network where network.direction != "egress"', "eql",
     {"ingress", "incoming", "outgoing", "inbound", "external"}),
    ('network where network.direction : ("Incoming", "x")', "eql",
     {"incoming", "inbound", "internal"}),
])
def test_a_host_s_word_for_a_direction_means_the_network_s_too(
    query: str, type_: str, directions: set[str], tmp_path: Path
) -> None:
    """A connection between two hosts inside comes in at one of them and goes out at the other."""
    ruleset = load(tmp_path, rule_text(
        query, type=type_, language="eql" if type_ == "eql" else "kuery"), any_event=True)
    words = ("egress", "ingress", "outgoing", "incoming", "outbound", "inbound", "internal",
             "external")
    assert {word for word in words if ruleset.match(DocumentRows([flow(
        network={"direction": word})]))} == directions


@pytest.mark.parametrize("query", [
    'kibana.alert.severity:low', 'ticket.number:"INC001"', 'azure.x.status_code:"Accepted"',
    'vulnerability.severity:"Critical"', 'okta.client.ip:"unknown"', 'x.y.created:yesterday',
])
def test_only_fields_of_ecs_have_types(query: str, tmp_path: Path) -> None:
    ruleset = load(tmp_path, rule_text(query), any_event=True)
    (rule,) = ruleset.rules
    name, value = query.split(":")
    event = {"@timestamp": "2026-01-02T03:04:05Z", name: value.strip('"')}
    assert (rule.status, len(ruleset.match(DocumentRows([event])))) == ("runs", 1)


@pytest.mark.parametrize("name", ["related.entity", "request", "processor.name", "blocklist_label"])
def test_a_field_that_resembles_none_is_absent_and_no_mistake(name: str, tmp_path: Path) -> None:
    alone, beside = load(tmp_path, rule_text(f"{name}:x"),
                         rule_text(f"{name}:x or destination.port:23", rule_id="r2")).rules
    assert (alone.status, beside.status) == ("cannot_run", "degraded")
    assert name in alone.reason and name in beside.reason


def test_a_pattern_of_names_may_mean_any_field_of_a_document(tmp_path: Path) -> None:
    ruleset = load(tmp_path, rule_text("azure.*.name:x"), any_event=True)
    event = {"@timestamp": "2026-01-02T03:04:05Z", "azure": {"platform": {"name": "x"}}}
    assert len(ruleset.match(DocumentRows([event]))) == 1


def test_an_unknown_field_of_several_values_is_said_once(tmp_path):
    assert len(errors(tmp_path, rule_text("destination.pot:(22 or 23 or 24)"))) == 1


def test_a_field_of_packetbeat_is_absent_not_a_mistake(tmp_path):
    """Elastic's network rules ask for both names of a field; one rule must not stop all others."""
    query = "network_traffic.nfs.opcode:(5 or 137) or destination.port:23"
    (rule,) = load(tmp_path, rule_text(query)).describe()
    assert (rule["status"], rule["reason"]) == (
        "degraded", "not on a tap: network_traffic.nfs.opcode")


def test_a_rule_disabled_in_its_export_does_not_run(tmp_path: Path) -> None:
    rule = {"rule_id": "r", "name": "n", "description": "d", "type": "query", "severity": "low",
            "risk_score": 21, "language": "kuery", "query": "destination.port:23",
            "enabled": False}
    (tmp_path / "export.ndjson").write_text(json.dumps(rule) + "\n")
    loaded = RuleSet.load([str(tmp_path)], config=Config(), known_fields=FIELDS)
    assert [(each.status, each.reason) for each in loaded.rules] == [
        ("cannot_run", "disabled in its export")
    ]


def test_a_wrong_rule_of_a_folder_leaves_the_others_in_force(tmp_path: Path) -> None:
    texts = (rule_text(), rule_text("(", rule_id="r2"), rule_text("source.prt:1", rule_id="r3"),
             rule_text("tags:x", rule_id="r1"), "not toml")
    ruleset = load(tmp_path, *texts, strict=False)
    assert [rule.text.id for rule in ruleset.rules] == ["r1"]
    left_out = [notice.split("\n")[0] for notice in ruleset.notices]
    assert [notice.startswith("rule left out: ") for notice in left_out] == [True] * 4
    for number, word in ((1, "ends too early"), (2, "unknown field 'source.prt'"),
                         (3, "rule id r1 is already used"), (4, "TOML")):
        assert any(f"rule{number}.toml:" in notice and word in notice for notice in left_out)


def test_a_wrong_file_that_is_named_itself_stays_fatal(tmp_path: Path) -> None:
    load(tmp_path, rule_text())
    bad = tmp_path / "bad.toml"
    bad.write_text(rule_text("(", rule_id="r2"))
    with pytest.raises(RulesError, match=r"bad\.toml"):
        RuleSet.load([str(tmp_path), str(bad)], config=Config(), known_fields=FIELDS, strict=False)
    with pytest.raises(RulesError, match="no such file"):
        RuleSet.load([str(tmp_path), str(tmp_path / "none")], config=Config(), known_fields=FIELDS,
                     strict=False)


def test_a_folder_without_any_sound_rule_is_fatal(tmp_path: Path) -> None:
    with pytest.raises(RulesError):
        load(tmp_path, rule_text("("), strict=False)


def test_all_that_is_wrong_with_a_rule_is_told_at_once(tmp_path: Path) -> None:
    text = rule_text("source.prt:1 or destination.ip:x", severity="urgent", risk_score=101)
    text += "[rule.alert_suppression]\ngroup_by = ['source.ipp']\n"
    found = "\n".join(errors(tmp_path, text))
    for word in ("unknown severity 'urgent'", "'risk_score'", "'source.prt'", "'x' is neither",
                 "alert_suppression: unknown field 'source.ipp'"):
        assert word in found


@pytest.mark.parametrize("query", [
    "destination.port:23 and " + "tags:x or " * 500 + "source.prt:1" + " or tags:y" * 500,
    "source.ip:" + "x" * 5000,
    "sensor." + "p" * 5000 + ":1",
    "(" + "tags:x or " * 4000,
])
def test_a_long_line_is_quoted_around_the_place(tmp_path: Path, query: str) -> None:
    (error,) = errors(tmp_path, rule_text(query))
    _, line, caret = error.split("\n")
    assert len(line.strip()) <= 200 and len(error) < 1000
    at = caret.index("^")
    assert line[at : at + 6] in ("source", "sensor", "xxxxxx", "") or at == len(line.rstrip())
