"""Which unknown fields are typing errors, and which are another product's."""

from __future__ import annotations

import pytest

from sensor.ecs.schema import known_fields
from sensor.query import ecs_names
from sensor.query.ecs_names import exists, meant, meant_category
from tests.ecs import ECS


@pytest.mark.parametrize("name", [
    "panw.panos.action", "fortinet.firewall.action", "zeek.connection.state", "suricata.eve.alert",
    "endgame.event_subtype_full", "azure.activitylogs.operation_name", "watchguard.firebox.action",
    "acme.appliance.verdict", "process.name", "dns.question.name", "@timestamp", "message",
    # Of ECS and not filled here, objects, what is below a field, Packetbeat's and other products'.
    "dns.question.registered_domain", "tls.server.x509.public_key_exponent", "http.request.id",
    "user_agent.os.name", "dns.answers", "url.full.text", "http.request.headers.x-forwarded-for",
    "icmp.response.message", "network_traffic.nfs.opcode", "tls.detailed.client_hello.random",
    "dns.Ext.status", "redis.slowlog.id",
])
def test_fields_that_other_events_have(name: str) -> None:
    assert exists(name)


@pytest.mark.parametrize("name", [
    "destnation.port", "sorce.ip", "proces.name", "events.action", "networks.transport",
    "source.prt", "event.actoin", "sensor.flow.verdcit", "acme", "9lives.count", ".ip",
    "dns.question.nam", "dns.questoin", "tls.client.serial", "http.headers", "telnet.login.outcom",
    "url.full.txt", "ssh.client.sofware",
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


OURS = tuple(known_fields(processes=True))


@pytest.mark.parametrize(("name", "meant"), [
    ("telnet.login.outcom", "telnet.login.outcome"),
    ("telnt.login.outcome", "telnet.login.outcome"),
    ("telnet.login_outcome", "telnet.login.outcome"), ("telnet.colour", ""), ("telnet.login", ""),
    ("rlogin.terminal.typ", "rlogin.terminal.type"), ("rlogin.colour", ""),
    ("http.request.methd", "http.request.method"), ("http.login.outcom", "http.login.outcome"),
    ("htpp.request.method", "http.request.method"), ("dns.question.nam", "dns.question.name"),
    ("dns.question_type", "dns.question.type"), ("tls.client.servr_name", "tls.client.server_name"),
    ("tls.client.server.name", "tls.client.server_name"),
    ("tls.server.x509.subject.comon_name", "tls.server.x509.subject.common_name"),
    ("network_traffic.redis.qery", "network_traffic.redis.query"),
    ("ssh.client.sofware", "ssh.client.software"), ("smtp.login.metod", "smtp.login.method"),
    ("url.pth", "url.path"), ("user_agent.os.nam", "user_agent.os.name"),
    ("icmp.request.typ", "icmp.request.type"), ("flow.finl", "flow.final"),
    # Fields of a set in which others may have more, that are near none.
    ("http.response.time", None), ("tls.client.x509.issuer.email", None), ("ssh.hassh", None),
    ("http.request.headers.hots", None), ("dns.questoin", None), ("smtp.mail_from", None),
    # True fields that are near one of ours.
    ("tls.server.ja4s", None), ("icmp.response.type", None), ("http.request.id", None),
])
def test_protocol_fields_that_are_misspelt(name: str, meant: str | None) -> None:
    assert ecs_names.mistake(name, OURS) == meant


def test_every_field_that_this_sensor_has_is_right() -> None:
    assert [name for name in OURS if ecs_names.mistake(name, OURS) and ecs_names.meant(name, OURS)
            ] == []


def test_every_field_of_ecs_is_right() -> None:
    """By the list of its own that checks documents."""
    assert [name for name in ECS if ecs_names.mistake(name, OURS) is not None] == []


def test_a_space_of_ours_is_whole_only_where_its_fields_are_known() -> None:
    assert ecs_names.mistake("telnet.login.outcome") is None
    assert ecs_names.mistake("sensor.login.outcome") == ""
