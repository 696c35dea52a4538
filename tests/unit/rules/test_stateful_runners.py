"""Threshold, new-terms and indicator-match rules, from their files to their alerts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sensor.rules.state_store import RuleStore
from tests.rule_sets import DAY, SECOND, event, feed, load, rule


def told(alert: Any, name: str) -> Any:
    return alert.document["sensor"]["alert"][name]


# --- threshold

THRESHOLD = {"field": ["source.ip"], "value": 3}
THRESHOLD_TOML = """
[rule]
rule_id = "r1"
name = "Test"
description = "d"
type = "threshold"
severity = "low"
risk_score = 21
from = "now-1m"
query = "event.action:flow_started"

[rule.threshold]
field = ["source.ip"]
value = 3
"""


@pytest.mark.parametrize("text", [rule("threshold", threshold=THRESHOLD, **{"from": "now-60s"}),
                                  THRESHOLD_TOML], ids=["export", "toml"])
@pytest.mark.parametrize("cut", [1, 2, 1000])
def test_a_threshold_rule_alerts_once_for_a_group_and_window(
    text: Any, cut: int, tmp_path: Path
) -> None:
    events = [event(second, source__ip=ip) for second in range(0, 200, 10)
              for ip in ("10.0.0.1", "10.0.0.2")]
    rules = load(tmp_path, text)
    alerts = feed(rules, events, cut)
    # Events at 0, 10, 20 fire; until 60 they belong to it; 70, 80, 90 fire, and so on.
    assert [(alert.document["source"]["ip"], alert.time_ns // SECOND) for alert in alerts] == [
        (ip, at) for at in (20, 90, 160) for ip in ("10.0.0.1", "10.0.0.2")]
    assert len({alert.id for alert in alerts}) == 6
    (ledger,) = rules.ledger().values()
    assert (ledger["matches"], ledger["alerts"], ledger["absorbed"]) == (6, 6, 2 * (4 + 4 + 3))


def test_a_threshold_alert_is_its_group_and_what_its_events_have_in_common(tmp_path: Path) -> None:
    table = {"field": ["source.ip", "destination.port"], "value": 2,
             "cardinality": [{"field": "destination.ip", "value": 2}]}
    stamps = ["2026-01-02T03:04:05.5Z", "2026-01-02T03:04:04Z"]
    starts = ["2026-01-02T03:04:03Z", None]
    events = [
        event(number, source__ip="::ffff:10.0.0.1", destination__port=22, tags=["x"],
              destination__ip=f"10.0.1.{number}", event__category=["network"],
              **{"@timestamp": stamps[number], "event.start": starts[number]})
        for number in range(2)
    ]
    (alert,) = feed(load(tmp_path, rule("threshold", threshold=table)), events)
    document = alert.document
    assert document["source"] == {"ip": "10.0.0.1"}
    assert document["destination"] == {"port": 22}
    assert "tags" not in document
    assert (document["@timestamp"], document["event"]["start"], document["event"]["end"]) == (
        "2026-01-02T03:04:05.500000000Z", "2026-01-02T03:04:03.000000000Z",
        "2026-01-02T03:04:05.500000000Z")
    assert document["event"]["category"] == ["network"]
    assert told(alert, "threshold") == {
        "field": ["source.ip", "destination.port"], "value": ["10.0.0.1", "22"], "count": 2,
        "cardinality": {"field": "destination.ip", "value": 2}}
    assert alert.message == (
        "Test: 10.0.0.1 -> ?, destination.port 22: 2 events with 2 different destination.ip")


def test_a_threshold_over_everything_has_one_group(tmp_path: Path) -> None:
    rules = load(tmp_path, rule("threshold", threshold={"field": [], "value": 3}))
    (alert,) = feed(rules, [event(second, source__port=second) for second in range(3)])
    assert told(alert, "threshold") == {"field": [], "value": [], "count": 3}
    assert alert.message == "Test: 3 events"


def test_events_without_the_group_field_do_not_count(tmp_path: Path) -> None:
    rules = load(tmp_path, rule("threshold", threshold=THRESHOLD))
    assert feed(rules, [event(second) for second in range(9)]) == []


def test_an_event_with_several_values_counts_for_each(tmp_path: Path) -> None:
    rules = load(tmp_path, rule("threshold", threshold={"field": ["tags"], "value": 2}))
    events = [event(0, tags=["a", "b"]), event(1, tags=["b", "c", "b"])]
    assert [told(alert, "threshold")["value"] for alert in feed(rules, events)] == [["b"]]


def test_events_that_are_excepted_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(
        '[[item]]\ncomment = "lab"\n'
        'entries = [{field = "destination.port", type = "match", value = 1}]\n')
    rules = load(tmp_path, rule("threshold", threshold=THRESHOLD),
                 exceptions=(str(tmp_path / "e.toml"),))
    events = [event(second, source__ip="10.0.0.1", destination__port=second % 2)
              for second in range(6)]
    assert [alert.time_ns // SECOND for alert in feed(rules, events)] == [4]
    (ledger,) = rules.ledger().values()
    assert (ledger["matches"], ledger["excepted"], ledger["alerts"]) == (4, 3, 1)


def test_threshold_alerts_are_suppressed_by_group_for_a_duration(tmp_path: Path) -> None:
    suppression = {"duration": {"value": 5, "unit": "m"}}
    rules = load(tmp_path, rule("threshold", threshold={"field": ["source.ip"], "value": 1},
                                alert_suppression=suppression, **{"from": "now-1m"}))
    events = [event(second, source__ip=ip) for second in (0, 100, 200, 300)
              for ip in ("10.0.0.1", "10.0.0.2")]
    found = [(alert.time_ns // SECOND, told(alert, "suppressed_count"))
             for alert in feed(rules, events)]
    assert found == [(0, 0), (0, 0), (300, 2), (300, 2)]


def test_counting_goes_on_after_a_reload(tmp_path: Path) -> None:
    text = rule("threshold", threshold=THRESHOLD)
    before, after = load(tmp_path, text), load(tmp_path, text)
    events = [event(second, source__ip="10.0.0.1") for second in range(3)]
    assert feed(before, events[:2]) == []
    assert after.inherit(before) == []
    assert len(feed(after, events[2:])) == 1


# --- new terms

NEW = {"new_terms_fields": ["source.ip", "destination.port"], "history_window_start": "now-7d"}


def new_terms(rules: Any, events: list[dict[str, Any]], cut: int = 1000) -> list[tuple[int, Any]]:
    return [(alert.time_ns // SECOND, told(alert, "new_terms")["value"])
            for alert in feed(rules, events, cut)]


def pair(second: float, ip: str = "10.0.0.1", port: int = 22) -> dict[str, Any]:
    return event(second, source__ip=ip, destination__port=port)


@pytest.mark.parametrize("cut", [1, 2, 1000])
def test_a_pair_is_new_once_the_history_is_whole(cut: int, tmp_path: Path) -> None:
    rules = load(tmp_path, rule("new_terms", **NEW))
    week = 7 * 86_400
    events = [pair(0), pair(10, port=23), pair(week - 1, "10.0.0.2"), pair(week, "10.0.0.2", 23),
              pair(week + 1), pair(week + 2, "10.0.0.2", 23), pair(week + 5, port=80)]
    # 10.0.0.1 on 22 was seen a second more than a week ago: new again.
    assert new_terms(rules, events, cut) == [
        (week, ["10.0.0.2", "23"]), (week + 1, ["10.0.0.1", "22"]),
        (week + 5, ["10.0.0.1", "80"])]
    (ledger,) = rules.ledger().values()
    assert ledger["learned"] == 3
    assert rules.notices == [
        "rule 'Test': its history of terms begins now; nothing is new for 7 d"
        " (rule.new_terms_learning_s = 0 for a single capture); without --state DIR it ends with"
        " this run"]


def test_without_learning_everything_is_new_at_first(tmp_path: Path) -> None:
    rules = load(tmp_path, rule("new_terms", **NEW), new_terms_learning_ns=0)
    (alert,) = feed(rules, [pair(0), pair(1)])
    assert told(alert, "new_terms") == {
        "field": ["source.ip", "destination.port"], "value": ["10.0.0.1", "22"]}
    assert alert.message == (
        "Test: 10.0.0.1 -> ? flow_started, new source.ip and destination.port: 10.0.0.1, 22")
    assert alert.document["source"] == {"ip": "10.0.0.1"}
    assert rules.notices == [
        "rule 'Test': its history of terms begins now; without --state DIR it ends with this run"]


def test_an_event_with_several_new_values_is_one_alert(tmp_path: Path) -> None:
    table = {"new_terms_fields": ["tags"], "history_window_start": "now-7d"}
    rules = load(tmp_path, rule("new_terms", **table), new_terms_learning_ns=0)
    events = [event(0, tags="a"), event(1, tags=["a", "b", "c"]), event(2), event(3, tags=[])]
    assert new_terms(rules, events) == [(0, ["a"]), (1, ["b", "c"])]


def test_without_a_store_nothing_waits_to_be_written(tmp_path: Path) -> None:
    rules = load(tmp_path, rule("new_terms", **NEW), new_terms_learning_ns=0, new_terms_max=10)
    feed(rules, [pair(second, port=second) for second in range(1000)], cut=10)
    runner: Any = rules.rules[0].runner
    assert runner.evicted == 990 and len(runner._history) == 10
    news = runner._history.take_news(everything=True)
    assert len(news.seen) <= 10 and len(news.forgotten) <= 10  # those of the last batch


@pytest.mark.parametrize("cut", [1, 2, 1000])
def test_a_gap_longer_than_the_window_begins_the_history_anew(cut: int, tmp_path: Path) -> None:
    rules = load(tmp_path, rule("new_terms", **NEW))
    day = 86_400
    other = {"at": 15 * DAY, "event.action": "other"}
    events = [pair(0), pair(7 * day, port=1), other, pair(15.5 * day, port=2),
              pair(22 * day, port=3)]
    # From 7 d to 15 d nothing was known: learning lasts until 22 d.
    assert new_terms(rules, events, cut) == [
        (7 * day, ["10.0.0.1", "1"]), (22 * day, ["10.0.0.1", "3"])]


def test_other_events_show_that_the_history_goes_on(tmp_path: Path) -> None:
    rules = load(tmp_path, rule("new_terms", **NEW))
    others = [{"at": day * DAY, "event.action": "other"} for day in range(1, 20)]
    assert new_terms(rules, [pair(0), *others, pair(20 * 86_400)]) == [
        (20 * 86_400, ["10.0.0.1", "22"])]


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    week = 7 * 86_400
    first = RuleStore(str(tmp_path / "state"))
    rules = load(tmp_path, rule("new_terms", **NEW), store=first)
    assert rules.notices == [
        "rule 'Test': its history of terms begins now; nothing is new for 7 d"
        " (rule.new_terms_learning_s = 0 for a single capture)"]
    assert new_terms(rules, [pair(0), pair(week - 10, "10.0.0.2")]) == []
    first.close()
    second = RuleStore(str(tmp_path / "state"))
    rules = load(tmp_path, rule("new_terms", **NEW), store=second)
    assert rules.notices == []
    assert new_terms(rules, [pair(week, "10.0.0.2"), pair(week, "10.0.0.3")]) == [
        (week, ["10.0.0.3", "22"])]
    second.close()


def test_a_reload_goes_on_with_the_same_history(tmp_path: Path) -> None:
    store = RuleStore(str(tmp_path / "state"))
    text = rule("new_terms", **NEW)
    before = load(tmp_path, text, store=store, new_terms_learning_ns=0)
    assert len(feed(before, [pair(0)])) == 1
    after = load(tmp_path, text, store=store, new_terms_learning_ns=0)
    after.inherit(before)
    assert new_terms(after, [pair(1), pair(2, port=23)]) == [(2, ["10.0.0.1", "23"])]
    store.close()


# --- indicator match

IOC = {"threat_index": ["x"], "threat_mapping": [
    {"entries": [{"field": "destination.ip", "type": "mapping", "value": "threat.indicator.ip"}]},
    {"entries": [{"field": "destination.domain", "type": "mapping",
                  "value": "threat.indicator.url.domain"}]}]}
THREAT_QUERY = ('@timestamp >= "now-30d/d" and event.module:(threatintel or ti_*) and '
                'threat.indicator.ip:* and not labels.is_ioc_transform_source:"true"')


def listed(folder: Path, content: str = "10.66.0.0/16 # botnet\nbad.example\n") -> tuple[str]:
    (folder / "bad.txt").write_text(content)
    return (str(folder / "bad.txt"),)


def test_an_event_that_meets_an_indicator_alerts_and_tells_which(tmp_path: Path) -> None:
    rules = load(tmp_path, rule("threat_match", **IOC), indicators=listed(tmp_path))
    events = [event(0, destination__ip="10.66.1.2"), event(1, destination__ip="10.67.1.2"),
              event(2, destination__domain="bad.example"),
              {**event(3, destination__ip="10.66.1.2"), "event.action": "y"}]
    first, second = feed(rules, events)
    assert first.document["threat"] == {"enrichments": [{
        "indicator": {"name": "10.66.0.0/16", "type": "ipv4-addr", "description": "botnet"},
        "matched": {"atomic": "10.66.1.2", "field": "destination.ip", "id": "bad.txt:1",
                    "index": "bad.txt", "type": "indicator_match_rule"},
        "feed": {"name": "bad.txt"},
    }]}
    assert first.message == "Test: ? -> 10.66.1.2 flow_started, indicator 10.66.1.2"
    (hit,) = second.document["threat"]["enrichments"]
    assert hit["indicator"]["url"] == {"domain": "bad.example"}
    assert rules.ledger()["r1"]["matches"] == 2


def test_what_the_rule_says_of_threats_stays_beside_the_indicator(tmp_path: Path) -> None:
    tactic = [{"framework": "MITRE ATT&CK", "tactic": {"id": "TA1", "name": "T"}}]
    rules = load(tmp_path, rule("threat_match", threat=tactic, **IOC), indicators=listed(tmp_path))
    (alert,) = feed(rules, [event(0, destination__ip="10.66.1.2")])
    assert alert.document["threat"]["tactic"]["id"] == ["TA1"]
    assert len(alert.document["threat"]["enrichments"]) == 1


def test_only_matches_are_excepted(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(
        '[[item]]\ncomment = "sinkhole"\n'
        'entries = [{field = "source.port", type = "match", value = 1}]\n')
    rules = load(tmp_path, rule("threat_match", **IOC), indicators=listed(tmp_path),
                 exceptions=(str(tmp_path / "e.toml"),))
    events = [event(0, destination__ip=ip, source__port=port)
              for ip in ("10.66.1.2", "10.67.1.2") for port in (1, 2)]
    assert len(feed(rules, events)) == 1
    assert rules.ledger()["r1"]["excepted"] == 1


def test_elastics_threat_query_holds_for_a_plain_list_but_for_the_age(tmp_path: Path) -> None:
    rules = load(tmp_path, rule("threat_match", threat_query=THREAT_QUERY, **IOC),
                 indicators=listed(tmp_path))
    assert (rules.rules[0].status, rules.rules[0].reason) == (
        "degraded", "its threat_query asks for the age of indicators: all count")
    events = [event(0, destination__ip="10.66.1.2"), event(1, destination__domain="bad.example")]
    # The query asks for addresses only.
    assert [alert.time_ns for alert in feed(rules, events)] == [0]


def test_a_rule_may_bring_its_own_list(tmp_path: Path) -> None:
    text = """
[rule]
rule_id = "r1"
name = "Test"
description = "d"
type = "threat_match"
severity = "low"
risk_score = 21
query = "event.action:flow_started"
[[rule.threat_mapping]]
[[rule.threat_mapping.entries]]
field = "destination.ip"
type = "mapping"
value = "threat.indicator.ip"
[sensor]
indicators = ["../bad.txt"]
"""
    listed(tmp_path)
    assert len(feed(load(tmp_path, text), [event(0, destination__ip="10.66.1.2")])) == 1
