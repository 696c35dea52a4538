"""Which unknown fields are typing errors, and which are another product's."""

from __future__ import annotations

import pytest

from sensor.query.ecs_names import exists


@pytest.mark.parametrize("name", [
    "panw.panos.action", "fortinet.firewall.action", "zeek.connection.state", "suricata.eve.alert",
    "endgame.event_subtype_full", "azure.activitylogs.operation_name", "watchguard.firebox.action",
    "acme.appliance.verdict", "process.name", "dns.question.name", "@timestamp", "message",
])
def test_fields_that_other_events_have(name: str) -> None:
    assert exists(name)


@pytest.mark.parametrize("name", [
    "destnation.port", "sorce.ip", "proces.name", "events.action", "networks.transport",
    "source.prt", "event.actoin", "sensor.flow.verdcit", "acme", "9lives.count", ".ip",
])
def test_fields_that_nobody_has(name: str) -> None:
    assert not exists(name)
