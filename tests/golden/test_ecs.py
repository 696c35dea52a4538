"""Every document that the shipped captures produce is valid ECS, flow events and alerts alike."""

from __future__ import annotations

from pathlib import Path

import pytest

import sensor
from sensor.ecs.document_kinds import event_kind
from sensor.query.document_rows import values_at
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


@pytest.mark.parametrize("folder", ["sessions", "rules"])
def test_events_of_protocols_have_no_values_beside_those_that_rules_are_held_against(
    folder: str,
) -> None:
    wrong = set()
    for path in sorted((CAPTURES / folder).glob("*.pcap")):
        for event in run_capture(path).said:
            protocol = event["event"]["dataset"].removeprefix("network_traffic.")
            for name, alternatives in event_kind(protocol).closed.items():
                found = values_at(event, name)
                possible = {value for values in alternatives for value in values}
                if not possible.issuperset(found) or (not found and () not in alternatives):
                    wrong.add((protocol, name, *map(str, found)))
    assert wrong == set()
