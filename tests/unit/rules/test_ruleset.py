"""Rules from files to alerts: loading, statuses, errors, the shipped set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sensor.config import Config, RuleLimits
from sensor.errors import ConfigError
from sensor.query.document_rows import DocumentRows, ecs_type_of
from sensor.rules.describe import check_paths, format_rule
from sensor.rules.files import Suppression
from sensor.rules.rule import RulesError
from sensor.rules.ruleset import RuleSet
from sensor.rules.suppression import Suppressor
from tests.running import ROOT

SHIPPED = str(ROOT / "rules")
_NAMES = """
@timestamp event.kind event.category event.type event.action event.dataset event.id event.outcome
source.ip source.port destination.ip destination.port network.transport network.protocol
network.direction source.packets destination.packets network.packets sensor.flow.verdict
sensor.flow.evidence
"""
FIELDS = {name: ecs_type_of(name) for name in _NAMES.split()}
SECOND = 1_000_000_000
EXTERNAL = "Accepted Telnet Connection to External Network"
ACCEPTED = "Accepted Default Telnet Port Connection"

UPSTREAM = """
(event.dataset:network_traffic.flow or event.category:(network or network_traffic)) and
event.type:(connection and not (denied or end)) and
not event.action:(flow_dropped or flow_denied or denied or deny or flow_terminated or timeout or
  Reject or network_flow or client-rst or server-rst or connection-denied or connection-end) and
not (event.dataset:netflow.log and network.packets:1) and
(network.protocol:telnet or not network.protocol:*) and destination.port:23
"""
"""What today's text of the first rule asks for, in words of our own."""


def flow(action: str = "flow_started", ip: str = "8.8.4.4", **more: Any) -> dict[str, Any]:
    types = {
        "flow_started": ["connection", "start", "allowed"],
        "flow_denied": ["connection", "start", "denied"],
        "flow_dropped": ["connection", "start", "denied"],
        "network_flow": ["connection", "end"],
    }
    return {
        "@timestamp": "2026-01-02T03:04:05.678901000Z",
        "event": {"kind": "event", "category": ["network"], "dataset": "network_traffic.flow",
                  "type": types[action], "action": action, "id": f"{action}/{ip}"},
        "source": {"ip": "192.0.2.10", "port": 50432}, "destination": {"ip": ip, "port": 23},
        "network": {"transport": "tcp", "direction": "outbound"},
        "sensor": {"flow": {"verdict": "accepted", "evidence": "handshake"}},
        **more,
    }


def rule_text(query: str = "destination.port:23", extra: str = "", **keys: Any) -> str:
    table = {"rule_id": "r1", "name": "Test rule", "description": "d", "type": "query",
             "language": "kuery", "severity": "medium", "risk_score": 47, **keys}
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items() if value is not None]
    return "[metadata]\n[rule]\n" + "\n".join(lines) + f"\nquery = '''\n{query}\n'''\n{extra}"


def load(folder: Path, *texts: str, config: Config | None = None, **options: Any) -> RuleSet:
    for number, text in enumerate(texts):
        (folder / f"rule{number}.toml").write_text(text, "utf-8")
    return RuleSet.load([str(folder)], config=config or Config(), known_fields=FIELDS, **options)


def shipped(**settings: Any) -> RuleSet:
    return RuleSet.load([SHIPPED], config=Config(**settings), known_fields=FIELDS)


def errors(folder: Path, *texts: str) -> list[str]:
    with pytest.raises(RulesError) as caught:
        load(folder, *texts)
    return [str(error) for error in caught.value.errors]


# --- the shipped rules


def test_the_shipped_rules_load_and_say_what_a_tap_cannot_see() -> None:
    rules = shipped()
    assert [(row["name"], row["status"]) for row in rules.describe()] == [
        (ACCEPTED, "runs"), (EXTERNAL, "runs"),
        ("Connection to External Network via Telnet", "cannot_run"),
    ]
    (notice,) = rules.notices
    assert ("runs on network evidence only: accepted_telnet_connection_to_external_network covers "
            "its network leg") in notice


@pytest.mark.parametrize("query", [UPSTREAM, None])
@pytest.mark.parametrize("protocol", [{}, {"protocol": "telnet"}])
def test_both_texts_fire_once_per_accepted_connection(
    query: str | None, protocol: dict[str, str], tmp_path: Path
) -> None:
    rules = shipped() if query is None else load(tmp_path, rule_text(query))
    life = [flow("flow_started"), flow("network_flow"), flow("flow_denied"), flow("flow_dropped")]
    for document in life:
        document["network"].update(protocol)
    alerts = [alert for alert in rules.match(DocumentRows(life))
              if alert.rule_name in (ACCEPTED, "Test rule")]
    assert [alert.document["event"]["action"] for alert in alerts] == ["flow_started"]


@pytest.mark.parametrize(("ip", "literal", "strict"), [
    ("8.8.4.4", 1, 1), ("2606:4700::1111", 1, 1),
    ("10.0.0.1", 0, 0), ("::ffff:10.0.0.1", 0, 0), ("198.51.100.7", 0, 0), ("fe80::1", 0, 0),
    ("::1", 0, 0), ("ff02::1", 0, 0),
    # What the literal list takes for external:
    ("fc00::1", 1, 0), ("fdff::1", 1, 0), ("::", 1, 0), ("0.0.0.1", 1, 0), ("2001:db8::1", 1, 0),
    ("100::1", 1, 0), ("2002::1", 1, 0), ("5f00::1", 1, 0), ("3fff::1", 1, 0),
    # NAT64 means the IPv4 address inside: never hidden
    ("64:ff9b::808:404", 1, 1),
])
def test_which_addresses_are_external(ip: str, literal: int, strict: int) -> None:
    for setting, expected in ((False, literal), (True, strict)):
        alerts = shipped(strict_external=setting).match(DocumentRows([flow(ip=ip)]))
        assert sum(alert.rule_name == EXTERNAL for alert in alerts) == expected


def test_show_says_which_list_is_in_force() -> None:
    for strict, word in ((False, "literal"), (True, "strict_external")):
        rule = shipped(strict_external=strict).find(EXTERNAL)
        assert rule is not None
        shown = format_rule(rule)["external_list"]
        assert shown["in_force"] == word
        assert ("fc00::/7" in shown["networks"]) == strict
        assert "10.0.0.0/8" in shown["networks"]


def test_rules_can_be_found_by_id_name_and_file() -> None:
    rules = shipped()
    rule = rules.find(ACCEPTED)
    assert rule is not None
    assert rules.find(rule.text.id) is rule
    assert rules.find("accepted_default_telnet_port_connection") is rule
    assert rules.find(ACCEPTED.upper()) is rule
    with pytest.raises(ConfigError, match="no rule 'nothing'; there are: accepted_default_"):
        rules.find("nothing")


# --- alerts


def test_an_alert_is_the_event_and_what_the_rule_says() -> None:
    alert = shipped().match(DocumentRows([flow(ip="198.51.100.7")]))[0]
    assert alert.message == (
        "Accepted Default Telnet Port Connection: 192.0.2.10:50432 -> 198.51.100.7:23 "
        "tcp accepted (handshake) outbound")
    document = alert.document
    assert document["message"] == alert.message
    assert document["event"]["kind"] == "alert"
    assert (document["event"]["severity"], document["event"]["risk_score"]) == (47, 47)
    assert document["event"]["action"] == "flow_started"
    assert document["destination"] == {"ip": "198.51.100.7", "port": 23}
    assert document["rule"]["name"] == ACCEPTED
    assert document["rule"]["id"] == document["rule"]["uuid"] == alert.rule_id
    assert document["threat"]["tactic"]["id"] == ["TA0011", "TA0008", "TA0001"]
    assert document["threat"]["technique"]["id"] == ["T1021", "T1190"]
    assert document["threat"]["technique"]["reference"][0].endswith("/techniques/T1021/")
    assert document["sensor"]["alert"] == {"id": alert.id, "suppressed_count": 0}
    assert document["sensor"]["flow"]["verdict"] == "accepted"
    # 2026-01-02T03:04:05Z is 1,767,323,045 seconds after 1970 (date -u -d ... +%s)
    assert alert.time_ns == 1_767_323_045_678_901_000


def test_alert_ids_depend_on_rule_and_event_only() -> None:
    first = shipped().match(DocumentRows([flow(), flow(ip="9.9.9.9")]))
    again = shipped().match(DocumentRows([flow()]))
    assert [alert.id for alert in first[:2]] == [alert.id for alert in again]
    assert len({alert.id for alert in first}) == 4


def test_subtechniques_and_ipv6_and_control_characters(tmp_path: Path) -> None:
    extra = ('[[rule.threat]]\nframework = "MITRE ATT&CK"\ntactic = {id = "TA1", name = "T"}\n'
             '[[rule.threat.technique]]\nid = "T1"\nname = "One"\n'
             '[[rule.threat.technique.subtechnique]]\nid = "T1.001"\nname = "Sub"\n')
    rules = load(tmp_path, rule_text(extra=extra, name="Bad\u001b[2J \u202ename"))
    (alert,) = rules.match(DocumentRows([flow(ip="2001:db8::1")]))
    assert "[2001:db8::1]:23" in alert.message
    assert alert.message.isprintable()
    assert "\\x1b[2J \\u{202e}name" in alert.message
    assert alert.document["threat"]["technique"]["subtechnique"]["id"] == ["T1.001"]


def test_alerts_come_in_row_then_rule_order() -> None:
    batch = [flow(ip="8.8.4.4"), flow("flow_denied"), flow(ip="8.8.8.8")]
    found = [(alert.document["destination"]["ip"], alert.rule_name)
             for alert in shipped().match(DocumentRows(batch))]
    assert found == [("8.8.4.4", ACCEPTED), ("8.8.4.4", EXTERNAL),
                     ("8.8.8.8", ACCEPTED), ("8.8.8.8", EXTERNAL)]


# --- the limit and suppression


def window(rules: RuleSet, seconds: list[int], cut: int) -> list[str]:
    """The alerts' messages for flows known at those seconds, in batches of `cut`."""
    alerts = []
    for start in range(0, len(seconds), cut):
        part = seconds[start : start + cut]
        rows = DocumentRows([flow(ip=f"8.8.{at // 256}.{at % 256}") for at in part],
                            [at * SECOND for at in part])
        alerts += rules.match(rows)
    return [alert.message for alert in alerts + rules.finish()]


@pytest.mark.parametrize("cut", [1, 2, 3, 100])
def test_what_exceeds_the_limit_is_counted_and_summed_up(cut: int, tmp_path: Path) -> None:
    config = Config(rule=RuleLimits(max_signals=2))
    rules = load(tmp_path, rule_text(), config=config)
    # Windows are [0, 300) and [300, 600): four and three matches, two allowed in each.
    messages = window(rules, [1, 2, 3, 299, 300, 301, 302], cut)
    assert ["8.8.0.1:23" in messages[0], "8.8.0.2:23" in messages[1]] == [True, True]
    assert "2 more alerts from 1970-01-01 00:00:00 to 1970-01-01 00:05:00" in messages[2]
    assert "8.8.1.44:23" in messages[3]  # second 300
    assert "1 more alert from 1970-01-01 00:05:00" in messages[5]
    assert len(messages) == 6
    ledger = rules.ledger()["r1"]
    assert (ledger["matches"], ledger["suppressed"], ledger["alerts"]) == (7, 3, 6)
    assert rules.finish() == []


def test_a_rule_names_its_own_limit(tmp_path: Path) -> None:
    rules = load(tmp_path, rule_text(max_signals=1))
    assert len(window(rules, [1, 2, 3], 10)) == 2


SUPPRESSION = ('[rule.alert_suppression]\ngroup_by = ["source.ip", "network.direction"]\n'
               'duration = {value = 1, unit = "m"}\nmissing_fields_strategy = "STRATEGY"\n')


def suppressed_counts(rules: RuleSet, documents: list[dict[str, Any]], at: list[int]) -> list[int]:
    alerts = rules.match(DocumentRows(documents, [second * SECOND for second in at]))
    return [alert.document["sensor"]["alert"]["suppressed_count"] for alert in alerts]


def test_suppression_counts_on_the_next_alert(tmp_path: Path) -> None:
    rules = load(tmp_path, rule_text(extra=SUPPRESSION.replace("STRATEGY", "suppress")))
    other = flow(source={"ip": "192.0.2.11", "port": 1})
    documents = [flow(), flow(), other, flow(), flow()]
    # The first group: 0 alerts, 10 and 59 are held back, 60 is a minute later.
    assert suppressed_counts(rules, documents, [0, 10, 20, 59, 60]) == [0, 0, 2]
    assert rules.ledger()["r1"]["suppressed"] == 2


@pytest.mark.parametrize(("strategy", "alerts"), [("suppress", 1), ("doNotSuppress", 3)])
def test_missing_group_fields(strategy: str, alerts: int, tmp_path: Path) -> None:
    rules = load(tmp_path, rule_text(extra=SUPPRESSION.replace("STRATEGY", strategy)))
    without = [flow(network={"transport": "tcp"}) for _ in range(3)]
    assert len(suppressed_counts(rules, without, [0, 1, 2])) == alerts


def test_suppression_is_bounded(tmp_path: Path) -> None:
    config = Config(rule=RuleLimits(suppression_keys_max=1))
    rules = load(tmp_path, rule_text(extra=SUPPRESSION.replace("STRATEGY", "suppress")),
                 config=config)
    other = flow(source={"ip": "192.0.2.11", "port": 1})
    # The second group pushes the first out, so that it alerts again.
    assert suppressed_counts(rules, [flow(), other, flow()], [0, 1, 2]) == [0, 0, 0]
    assert rules.ledger()["r1"]["evicted"] == 2


def test_building_blocks_are_hidden_unless_asked_for(tmp_path: Path) -> None:
    text = rule_text(building_block_type="default")
    hidden = load(tmp_path, text)
    assert hidden.match(DocumentRows([flow()])) == []
    assert hidden.running[0].counters.hidden == 1
    assert len(load(tmp_path, text, show_building_blocks=True).match(DocumentRows([flow()]))) == 1


# --- what is wrong with rules


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


def test_check_lists_good_and_bad(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(rule_text())
    (tmp_path / "bad.toml").write_text(rule_text("(", rule_id="r2"))
    rows = check_paths([str(tmp_path)], config=Config(), known_fields=FIELDS)
    assert [(Path(row.file).name, row.status) for row in rows] == [
        ("bad.toml", "error"), ("good.toml", "runs")]
    assert "^" in rows[0].reason


def test_a_threshold_rule_is_suppressed_by_its_own_groups(tmp_path):
    """Such rules name a duration and no `group_by`."""
    text = rule_text(type="threshold", extra="[rule.threshold]\nfield = ['source.ip']\nvalue = 5\n"
                     "[rule.alert_suppression.duration]\nunit = 'h'\nvalue = 1\n")
    (rule,) = load(tmp_path, text).rules
    assert rule.status == "runs"
    assert rule.text.suppression == Suppression(("source.ip",), 3600 * SECOND, False)


def test_a_rule_whose_filters_narrow_its_query_does_not_run_without_them(tmp_path):
    text = rule_text(extra="[[rule.filters]]\n[rule.filters.meta]\nnegate = true\n"
                     "[rule.filters.query.wildcard.'source.ip']\nvalue = '10.*'\n")
    (rule,) = load(tmp_path, text).describe()
    assert rule["status"] == "cannot_run" and "filters" in rule["reason"]


def test_a_rule_with_another_event_category_does_not_run_by_the_usual_one(tmp_path):
    def text(number: int, field: str) -> str:
        return rule_text("network where true", type="eql", language="eql", rule_id=f"r{number}",
                         event_category_override=field)

    rules = load(tmp_path, text(0, "event.type"), text(1, "event.category")).describe()
    assert [rule["status"] for rule in rules] == ["cannot_run", "runs"]
    assert "event_category_override (event.type)" in rules[0]["reason"]


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


def test_a_tactic_without_techniques_is_shown(tmp_path):
    line = {"rule_id": "r1", "name": "n", "description": "d", "type": "query", "query": "tags:x",
            "severity": "low", "risk_score": 21,
            "threat": [{"tactic": {"id": "TA0001", "name": "Entry"}, "technique": None}]}
    (tmp_path / "export.ndjson").write_text(json.dumps(line))
    (rule,) = load(tmp_path).rules
    assert format_rule(rule)["threat"] == ["Entry (TA0001)"]


def test_an_export_says_null_where_a_rule_is_no_building_block_and_has_no_filters(tmp_path):
    rule = {"rule_id": "r1", "name": "n", "description": "d", "type": "query", "language": "kuery",
            "severity": "low", "risk_score": 21, "query": "destination.port:23",
            "building_block_type": None, "filters": []}
    (tmp_path / "export.ndjson").write_text(json.dumps(rule) + "\n")
    ruleset = RuleSet.load([str(tmp_path)], config=Config(), known_fields=FIELDS)
    assert len(ruleset.match(DocumentRows([flow()]))) == 1


def test_an_unknown_field_of_several_values_is_said_once(tmp_path):
    assert len(errors(tmp_path, rule_text("destination.pot:(22 or 23 or 24)"))) == 1


def test_a_field_of_packetbeat_is_absent_not_a_mistake(tmp_path):
    """Elastic's network rules ask for both names of a field; one rule must not stop all others."""
    query = "network_traffic.icmp.request.type:(5 or 137) or destination.port:23"
    (rule,) = load(tmp_path, rule_text(query)).describe()
    assert (rule["status"], rule["reason"]) == (
        "degraded", "not on a tap: network_traffic.icmp.request.type")


def test_a_byte_order_mark_in_front_of_a_rule_says_nothing(tmp_path):
    assert len(load(tmp_path, "\ufeff" + rule_text()).rules) == 1


def test_a_group_over_the_limit_is_not_silenced() -> None:
    """Suppression let it through, the limit did not: its next event may leave, and counts both."""
    suppressor = Suppressor(60_000_000_000, 10)
    assert suppressor.admit("a", 0) == 0
    suppressor.retract("a", 0)
    assert suppressor.admit("a", 1) == 1
    assert suppressor.admit("a", 2) is None


def test_a_rule_disabled_in_its_export_does_not_run(tmp_path: Path) -> None:
    rule = {"rule_id": "r", "name": "n", "description": "d", "type": "query", "severity": "low",
            "risk_score": 21, "language": "kuery", "query": "destination.port:23",
            "enabled": False}
    (tmp_path / "export.ndjson").write_text(json.dumps(rule) + "\n")
    loaded = RuleSet.load([str(tmp_path)], config=Config(), known_fields=FIELDS)
    assert [(each.status, each.reason) for each in loaded.rules] == [
        ("cannot_run", "disabled in its export")
    ]
