"""From a match to an alert: documents, ids, messages."""

from __future__ import annotations

from pathlib import Path

from sensor.query.document_rows import DocumentRows
from tests.rule_files import flow, load, rule_text, shipped

ACCEPTED = "Accepted Default Telnet Port Connection"


def test_an_alert_is_the_event_and_what_the_rule_says() -> None:
    event = flow(ip="198.51.100.7", observer={"product": "flow-sensor"})
    alert = shipped().match(DocumentRows([event]))[0]
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


def test_what_a_document_said_itself_stays_below_the_alert(tmp_path: Path) -> None:
    rules = load(tmp_path, rule_text("destination.port:23"), any_event=True)
    event = {"@timestamp": "2026-01-02T03:04:05Z", "destination": {"port": 23}, "message": "own",
             "rule": {"name": "IDS rule", "id": "7"},
             "event": {"kind": "alert", "severity": 3, "category": ["network"]}}
    (alert,) = rules.match(DocumentRows([event]))
    assert alert.document["sensor"]["alert"]["original"] == {
        "message": "own", "rule": {"name": "IDS rule", "id": "7"},
        "event": {"kind": "alert", "severity": 3}}
    assert alert.document["rule"]["name"] == "Test rule"
    assert alert.document["event"]["severity"] == 47
    (plain,) = rules.match(DocumentRows([flow(observer={"product": "flow-sensor"})]))
    assert "original" not in plain.document["sensor"]["alert"]
