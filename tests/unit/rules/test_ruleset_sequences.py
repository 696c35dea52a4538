"""Sequences as rules: the second seed, alerts, exceptions, suppression, memory, what goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sensor.config import Config, RuleLimits
from sensor.ecs.schema import FIELDS as FLOW_FIELDS
from sensor.query.document_rows import DocumentRows
from sensor.rules.rule import RulesError
from sensor.rules.ruleset import RuleSet
from tests.flow_records import batch_of
from tests.running import ROOT

SECOND = 1_000_000_000
KNOWN = {field.name: field.type for field in FLOW_FIELDS}
SEED = ROOT / "rules/connection_to_external_network_via_telnet.toml"
TWO_STEPS = 'sequence by host.id with maxspan=1m [process where true] [network where true]'


def rule_text(query: str, **keys: Any) -> str:
    table = {"rule_id": "r1", "name": "Test rule", "description": "d", "type": "eql",
             "severity": "medium", "risk_score": 47, **keys}
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    return "[rule]\n" + "\n".join(lines) + f"\nquery = '''\n{query}\n'''\n"


def load(folder: Path, query: str, config: Config | None = None, more: str = "", **options: Any
         ) -> RuleSet:
    (folder / "rule.toml").write_text(rule_text(query) + more, "utf-8")
    return RuleSet.load([str(folder / "rule.toml")], config=config or Config(),
                        known_fields=KNOWN, **{"any_event": True, **options})


def process(at: int, entity: str = "e1", **more: Any) -> dict[str, Any]:
    return {
        "@timestamp": f"2026-01-02T03:04:{at:02}.000000000Z", "ecs": {"version": "8.17.0"},
        "event": {"kind": "event", "category": ["process"], "type": ["start"], "id": f"p{at}"},
        "host": {"id": "h1", "os": {"type": "linux"}},
        "process": {"entity_id": entity, "name": "telnet", "pid": 7},
        "user": {"name": "ada"}, **more,
    }


def network(at: int, ip: str = "8.8.4.4", entity: str = "e1", **more: Any) -> dict[str, Any]:
    return {
        "@timestamp": f"2026-01-02T03:04:{at:02}.000000000Z", "ecs": {"version": "8.17.0"},
        "event": {"kind": "event", "category": ["network"], "type": ["start"], "id": f"n{at}"},
        "host": {"id": "h1", "os": {"type": "linux"}},
        "process": {"entity_id": entity, "name": "telnet", "pid": 7},
        "source": {"ip": "192.0.2.10", "port": 50432}, "destination": {"ip": ip, "port": 23},
        **more,
    }


def rows(*documents: dict[str, Any]) -> DocumentRows:
    times = [int(document["@timestamp"][17:19]) * SECOND for document in documents]
    return DocumentRows(documents, times)


# --- the second seed, word for word


def seed(**options: Any) -> RuleSet:
    return RuleSet.load([str(SEED)], config=Config(), known_fields=KNOWN, **options)


def test_the_seed_fires_for_an_external_address_with_both_events() -> None:
    rules = seed(any_event=True)
    assert [row["status"] for row in rules.describe()] == ["runs"]
    assert rules.notices == []
    (alert,) = rules.match(rows(process(1), network(2)))
    assert [event["event"]["id"] for event in alert.document["sensor"]["alert"]["events"]] == [
        "p1", "n2"]
    assert alert.document["@timestamp"] == "2026-01-02T03:04:02.000000000Z"
    assert alert.document["process"] == {"entity_id": "e1", "name": "telnet", "pid": 7}
    assert alert.document["host"] == {"id": "h1", "os": {"type": "linux"}}
    assert "user" not in alert.document  # only one of the two events says it
    assert "destination" not in alert.document
    assert alert.document["event"] == {
        "kind": "alert", "type": ["start"], "severity": 47, "risk_score": 47}
    assert alert.message == ("Connection to External Network via Telnet: "
                             "192.0.2.10:50432 -> 8.8.4.4:23 (2 events)")
    assert rules.match(rows(network(3))) == [], "one start, one alert"


@pytest.mark.parametrize("documents", [
    [process(1), network(2, ip="10.1.2.3")],
    [process(1), network(2, ip="::1")],
    [process(1), network(2, ip="fe80::1")],
    [process(1, entity="e2"), network(2)],
    [network(1), process(2)],
    [process(1), network(2, host={"os": {"type": "windows"}})],
    [process(1, process={"entity_id": "e1", "name": "ssh"}), network(2)],
    [process(1, event={"category": ["process"], "type": ["end"]}), network(2)],
    [process(1, process={"name": "telnet"}), network(2, process={"name": "telnet"})],
])
def test_the_seed_stays_silent(documents: list[dict[str, Any]]) -> None:
    assert seed(any_event=True).match(rows(*documents)) == []


def test_the_seed_finds_the_external_connection_among_internal_ones() -> None:
    found = seed(any_event=True).match(
        rows(process(1), network(2, ip="10.0.0.1"), network(3, ip="2606:4700::1111")))
    assert [alert.document["sensor"]["alert"]["events"][1]["event"]["id"] for alert in found] == [
        "n3"]


def test_without_other_events_the_seed_says_why_it_cannot_run() -> None:
    (notice,) = seed().notices
    assert "accepted_telnet_connection_to_external_network covers its network leg" in notice


def test_strict_external_reaches_into_sequences() -> None:
    for strict, count in ((False, 1), (True, 0)):
        rules = RuleSet.load([str(SEED)], config=Config(strict_external=strict),
                             known_fields=KNOWN, any_event=True)
        assert len(rules.match(rows(process(1), network(2, ip="fc00::1")))) == count
        assert rules.rules[0].external


# --- whatever the events are, and however they are cut


def test_process_documents_and_flows_of_packets_join(tmp_path: Path) -> None:
    rules = load(tmp_path, """sequence with maxspan=1m
        [process where process.name == "telnet"] by host.ip
        [network where event.action == "flow_started"] by source.ip""")
    start = process(5, host={"ip": ["fe80::1", "192.0.2.10"]})
    assert rules.match(rows(start)) == []
    flows = batch_of({"known_ns": 6 * SECOND}, {"known_ns": 70 * SECOND})
    (alert,) = rules.match(flows)
    events = alert.document["sensor"]["alert"]["events"]
    assert events[0]["process"]["name"] == "telnet"
    assert events[1] == flows.document(0)
    assert alert.document["@timestamp"] == events[1]["@timestamp"]


def test_alert_ids_depend_on_the_events_only(tmp_path: Path) -> None:
    documents = [process(1), network(2), process(3), network(4)]
    whole = load(tmp_path, TWO_STEPS).match(rows(*documents))
    rules = load(tmp_path, TWO_STEPS)
    cut = [alert for document in documents for alert in rules.match(rows(document))]
    assert [alert.id for alert in whole] == [alert.id for alert in cut]
    assert [alert.document for alert in whole] == [alert.document for alert in cut]
    assert len({alert.id for alert in whole}) == 2


def test_what_nothing_followed_alerts_when_its_time_has_passed(tmp_path: Path) -> None:
    query = "sequence by host.id with maxspan=10s [process where true] ![network where true]"
    rules = load(tmp_path, query)
    assert rules.match(rows(process(1))) == []
    assert rules.advance(11 * SECOND) == []
    (alert,) = rules.advance(11 * SECOND + 1)
    assert len(alert.document["sensor"]["alert"]["events"]) == 1
    assert rules.match(rows(network(12))) == []
    again = load(tmp_path, query)
    later = network(30, host={"id": "other"})
    assert [found.id for found in again.match(rows(process(1), later))] == [alert.id]


def test_a_look_back_bounds_what_has_no_maxspan(tmp_path: Path) -> None:
    query = "sequence by host.id [process where true] [network where true]"
    first, second = process(0), network(0)
    for written, seconds, count in (
        ({}, 360, 1), ({}, 361, 0),
        ({"from": "now-9m"}, 540, 1), ({"from": "now-9m"}, 541, 0),
        ({"from": "now-10m", "to": "now-5m"}, 301, 0),
    ):
        (tmp_path / "rule.toml").write_text(rule_text(query, **written), "utf-8")
        rules = RuleSet.load([str(tmp_path)], config=Config(), known_fields=KNOWN, any_event=True)
        found = rules.match(DocumentRows([first, second], [0, seconds * SECOND]))
        assert len(found) == count, (written, seconds)


@pytest.mark.parametrize("written", [{"from": "yesterday"}, {"from": "now"}, {"from": "now-5m",
                                                                              "to": "now-5m"}])
def test_a_look_back_that_is_none_is_refused(written: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "rule.toml").write_text(rule_text("any where true", **written), "utf-8")
    with pytest.raises(RulesError, match="from"):
        RuleSet.load([str(tmp_path)], config=Config(), known_fields=KNOWN)


# --- exceptions, suppression, limits


@pytest.mark.parametrize(("field", "value"), [("user.name", "ada"), ("destination.ip", "8.8.4.4")])
def test_an_exception_applies_to_every_event(field: str, value: str, tmp_path: Path) -> None:
    (tmp_path / "exceptions.toml").write_text(
        f'[[item]]\ncomment = "known"\nentries = [{{field = "{field}", type = "match", '
        f'value = "{value}"}}]\n')
    rules = load(tmp_path, TWO_STEPS, exceptions=[str(tmp_path / "exceptions.toml")])
    assert rules.match(rows(process(1), network(2))) == []
    assert rules.ledger()["r1"] == {
        "name": "Test rule", "matches": 1, "alerts": 0, "excepted": 1, "suppressed": 0}


def test_an_excepted_event_does_not_count_as_there(tmp_path: Path) -> None:
    (tmp_path / "exceptions.toml").write_text(
        '[[item]]\ncomment = "known"\nentries = [{field = "destination.port", type = "match", '
        'value = 23}]\n')
    rules = load(tmp_path, "sequence by host.id with maxspan=5s [process where true] "
                 "![network where true]", exceptions=[str(tmp_path / "exceptions.toml")])
    assert len(rules.match(rows(process(1), network(2), process(10)))) == 1


def test_suppression_groups_by_what_the_events_share(tmp_path: Path) -> None:
    rules = load(tmp_path, TWO_STEPS, more="""
        [rule.alert_suppression]
        group_by = ["process.entity_id"]
        duration = {value = 30, unit = "s"}""")
    found = rules.match(rows(process(1), network(2), process(3), network(4),
                             process(40), network(41)))
    counts = [alert.document["sensor"]["alert"]["suppressed_count"] for alert in found]
    assert counts == [0, 1]
    assert rules.running[0].counters.suppressed == 1


def test_what_exceeds_the_limit_is_counted(tmp_path: Path) -> None:
    rules = load(tmp_path, TWO_STEPS, Config(rule=RuleLimits(max_signals=1)))
    found = rules.match(rows(process(1), network(2), process(3), network(4)))
    assert len(found) == 1
    (closing,) = rules.finish()
    assert closing.document["sensor"]["alert"]["suppressed_count"] == 1


# --- memory


def test_what_is_pending_is_bounded_and_what_was_evicted_is_in_the_ledger(tmp_path: Path) -> None:
    rules = load(tmp_path, "sequence by process.pid [process where true] [network where true]",
                 Config(rule=RuleLimits(pending_max=3)))
    starts = [process(1, process={"pid": pid}) for pid in range(5)]
    ends = [network(2, process={"pid": pid}) for pid in range(5)]
    found = rules.match(rows(*starts, *ends))
    pids = [alert.document["process"]["pid"] for alert in found]
    assert pids == [2, 3, 4]
    assert rules.ledger()["r1"]["evicted"] == 2


def test_a_reload_goes_on_with_what_is_pending(tmp_path: Path) -> None:
    before = load(tmp_path, TWO_STEPS)
    assert before.match(rows(process(1))) == []
    after = load(tmp_path, TWO_STEPS)
    assert after.inherit(before) == []
    assert len(after.match(rows(network(2)))) == 1
    other = load(tmp_path, TWO_STEPS.replace("1m", "2m"))
    after.match(rows(process(3)))
    other.inherit(after)
    assert other.match(rows(network(4))) == [], "another rule begins anew"


def test_samples_run_as_rules(tmp_path: Path) -> None:
    rules = load(tmp_path, "sample by host.id [process where true] [network where true]")
    (alert,) = rules.match(rows(network(1), process(2)))
    assert [event["event"]["id"] for event in alert.document["sensor"]["alert"]["events"]] == [
        "n1", "p2"]
