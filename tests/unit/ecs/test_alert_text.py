"""The lines that people read: exactly the documented form, whatever fields there are."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sensor.ecs.alert_text import alert_text, alert_time
from tests.telnet_alert import DOCUMENTED, TELNET, TIME_NS, alert_of


def test_the_documented_form() -> None:
    assert alert_text(alert_of(TELNET)) == DOCUMENTED


@pytest.mark.parametrize(
    ("document", "second"),
    [
        (
            {
                "source": {"ip": "2001:db8::1", "port": 40000},
                "destination": {"ip": "2001:db8::2", "port": 23},
                "network": {"transport": "tcp"},
            },
            "[2001:db8::1]:40000 -> [2001:db8::2]:23  tcp",
        ),
        (
            {
                "source": {"ip": "192.0.2.1"},
                "destination": {"ip": "192.0.2.2"},
                "network": {"transport": "icmp", "direction": "internal"},
                "icmp": {"request": {"type": 8, "code": 0}},
                "sensor": {"flow": {"verdict": "accepted", "evidence": "reply"}},
            },
            "192.0.2.1 -> 192.0.2.2  icmp 8/0 accepted (reply) internal",
        ),
        ({"source": {"ip": "2001:db8::1"}}, "2001:db8::1"),
        ({"source": {"ip": "192.0.2.1", "port": 0}, "destination": {"ip": "192.0.2.2", "port": 0}},
         "192.0.2.1:0 -> 192.0.2.2:0"),
        (
            {
                "host": {"hostname": "web-1"},
                "process": {"name": "telnet", "pid": 42},
                "user": {"name": "root"},
            },
            "telnet (pid 42) as root on web-1",
        ),
        ({"host": {"name": "web-1"}}, "on web-1"),
        ({"sensor": {"flow": {"verdict": "dropped", "evidence": "none"}}}, "dropped"),
        ({"sensor": {"alert": {"suppressed_count": 12}}, "source": {"ip": "192.0.2.1"}},
         "192.0.2.1  +12 suppressed"),
        (
            {
                "host": {"name": "web-1"}, "process": {"name": "telnet", "pid": 77},
                "sensor": {"alert": {"events": [
                    {"process": {"name": "telnet"}},
                    TELNET,
                    {"source": {"ip": "192.0.2.10"}},
                ]}},
            },
            "192.0.2.10:50432 -> 198.51.100.7:23  tcp accepted (handshake) outbound  "
            "1:wCb3OG7yAFWelaUydu0D+125CLM=  telnet (pid 77) on web-1",
        ),
        (
            {
                "source": {"ip": "192.168.1.42"},
                "sensor": {"alert": {"threshold": {
                    "field": ["source.ip", "host.name"], "value": ["192.168.1.42", "web-1"],
                    "count": 251, "cardinality": {"field": "destination.port", "value": 250},
                }}},
            },
            "192.168.1.42  host.name web-1: 251 events with 250 different destination.port",
        ),
        ({"source": {"ip": "192.0.2.1"}, "sensor": {"alert": {"threshold": {
            "field": ["source.ip"], "value": ["192.0.2.1"], "count": 1}}}}, "192.0.2.1  1 event"),
        ({"sensor": {"alert": {"events": "none", "threshold": []}}}, "A message"),
        ({"source": "not an object", "network": None}, "A message"),
        ({}, "A message"),
    ],
)
def test_the_second_line_with_fields_missing(document: dict[str, Any], second: str) -> None:
    first, line = alert_text(alert_of(document)).split("\n")
    assert line == "    " + second
    assert first.endswith("  Accepted Default Telnet Port Connection")


def test_without_any_detail_the_rule_stands_in() -> None:
    assert alert_text(alert_of({}, message="")).split("\n")[1] == "    r1"


def test_risk_scores_lose_only_what_is_zero() -> None:
    assert "HIGH 73  " in alert_text(alert_of({}, severity="high", risk_score=73.0))
    assert "LOW 21.5  " in alert_text(alert_of({}, severity="low", risk_score=21.5))


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "1970-01-01 00:00:00.000000"),
        (1_000, "1970-01-01 00:00:00.000001"),
        (-1, "1969-12-31 23:59:59.999999"),
        (2**64 - 1, "2554-07-21 23:34:33.709551"),
        (10**30, "9999-12-31 23:59:59.999999"),
    ],
)
def test_times_are_utc_with_microseconds(time_ns: int, text: str) -> None:
    assert alert_time(time_ns, local=False) == text


def test_local_times_carry_their_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XYZ-5:30")
    time.tzset()
    try:
        assert alert_time(TIME_NS, local=True) == "2026-01-02 08:34:05.678901+0530"
    finally:
        monkeypatch.undo()
        time.tzset()
