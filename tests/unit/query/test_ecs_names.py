"""Which unknown fields are typing errors, and which are another product's."""

from __future__ import annotations

import pytest

from sensor.query import ecs_names
from sensor.query.ecs_names import exists, meant, meant_category


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


@pytest.mark.parametrize(("name", "other"), [
    ("destination.prt", "destination.port"), ("event.actoin", "event.action"),
    ("sorce.ip", "source.ip"), ("proces.name", "process.name"),
    ("destnation.prot", "destination.port"), ("sensor.flow.verdcit", "sensor.flow.verdict"),
])
def test_what_was_meant(name: str, other: str) -> None:
    assert meant(name, ["sensor.flow.verdict"]) == other


@pytest.mark.parametrize("name", [
    "panw.panos.action", "acme.appliance.verdict", "destination.port", "process.nam",
    "destination.colour", "sensor.flow.verdict", "@timestamp", "x", "",
])
def test_names_that_resemble_none_or_are_right(name: str) -> None:
    assert meant(name, ["sensor.flow.verdict"]) == ""


def test_which_category_was_meant() -> None:
    words = ["netwrok", "proces", "network", "any", "security", "network_traffic"]
    assert [meant_category(word) for word in words] == ["network", "process", "", "", "", ""]


@pytest.mark.parametrize(("name", "meant"), [
    ("destination.prt", "destination.port"), ("sorce.ip", "source.ip"), ("sensor.nothing", ""),
    ("related.entity", None), ("request", None), ("processor.name", None), ("source.ip", None),
    ("azure.x.y", None),
])
def test_a_mistake_is_a_near_miss_or_in_our_own_space(name: str, meant: str | None) -> None:
    assert ecs_names.mistake(name) == meant


def test_vendors_are_not_ecs() -> None:
    assert [name for name in ("@timestamp", "source.x", "process.pid", "kibana.a", "ticket")
            if ecs_names.is_ecs(name)] == ["@timestamp", "source.x", "process.pid"]
