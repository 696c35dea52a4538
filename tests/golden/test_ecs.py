"""Every document that the shipped captures produce is valid ECS, flow events and alerts alike."""

from __future__ import annotations

from pathlib import Path

import pytest

import sensor
from tests import ecs
from tests.running import CAPTURES, run_capture

FILES = sorted(CAPTURES.glob("*.pcap*"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_flow_documents(path: Path) -> None:
    events = run_capture(path).events
    assert events
    for event in events:
        assert ecs.problems(event) == []


def test_alert_documents() -> None:
    alerts = list(sensor.replay(*map(str, FILES)))
    assert {alert.rule_name for alert in alerts} == {
        "Accepted Default Telnet Port Connection",
        "Accepted Telnet Connection to External Network",
        "Connection to External Network via Telnet",  # two captures tell whose the packets are
        "Telnet Login with Default Credentials", "Successful Telnet Login From Outside",
        "Busybox Dropper over Telnet", "Telnet Login then Outbound Connection",  # the demo's
    }
    for alert in alerts:
        assert ecs.problems(alert.document) == []
        assert alert.document["event"]["kind"] == "alert"
        assert alert.document["sensor"]["alert"]["id"] == alert.id
