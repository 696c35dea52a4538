"""Queries held against the fields that events have."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sensor.ecs.document_kinds import DocumentKind, document_kinds
from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.query.satisfiable import Evidence
from sensor.query.validate import Findings, check


def test_check_names_what_is_absent_and_what_is_wrong() -> None:
    text = 'network where source.ip == "x" and host.name == "h" and destination.prt == 1'
    known = {"source.ip": "ip", "destination.port": "long"}
    findings = check(eql.parse(text), text, Evidence(known.get, known, document_kinds()))
    assert [(error.column, error.reason.split(":")[0]) for error in findings.errors] == [
        (28, "'source.ip' is an address, 'x' is neither an address nor a network"),
        (57, "unknown field 'destination.prt'")]
    assert findings.absent == ("host.name",)
    assert not findings.satisfiable


@pytest.mark.parametrize(("text", "reasons"), [
    ("destination.port:2*", []), ("*.port:23", []), ("*.port > x", []), ("destination.port:*", []),
    ("destination.port > x", ["'destination.port' is a number, 'x' is none"]),
    ("destination.port=23", ["'=' does not compare in KQL: did you mean 'destination.port:23'?"]),
    ("destination.port!=23",
     ["'=' does not compare in KQL: did you mean 'not destination.port:23'?"]),
    # Known here, of ECS, of another product, misspelt; of nobody.
    ("sensor.flow.verdict=dropped",
     ["'=' does not compare in KQL: did you mean 'sensor.flow.verdict:dropped'?"]),
    ("host.name==a", ["'=' does not compare in KQL: did you mean 'host.name:a'?"]),
    ("panw.panos.action=a", ["'=' does not compare in KQL: did you mean 'panw.panos.action:a'?"]),
    ("@timestamp=2026", ["'=' does not compare in KQL: did you mean '@timestamp:2026'?"]),
    ("destination.prt=23", ["'=' does not compare in KQL: did you mean 'destination.prt:23'?"]),
    ("destination.colour=red", []), ("9lives.count=1", []), ("port=23", []), ("sensor.x=1", []),
    ("'destination.port=23'", []), ('"destination.port=23"', []),
    ("process: { destination.port=23 }", []),
])
def test_constants_and_bare_values(text: str, reasons: list[str]) -> None:
    known = {"destination.port": "long", "sensor.flow.verdict": "keyword"}
    findings = check(kql.parse(text), text, Evidence(known.get, known, document_kinds()))
    assert [error.reason for error in findings.errors] == reasons


KNOWN = {"source.ip": "ip", "destination.port": "long", "event.start": "date",
         "event.action": "keyword", "sensor.flow.verdict": "keyword", "tls.established": "boolean",
         "telnet.login.outcome": "keyword"}


def findings(text: str, kinds: Sequence[DocumentKind] | None) -> Findings:
    language = eql if " where " in text else kql
    return check(language.parse(text), text, Evidence(KNOWN.get, KNOWN, kinds))


@pytest.mark.parametrize(("text", "absent"), [
    ("*.port:23", ()), ("*:23", ()), ("*.prt:23", ("*.prt",)), ("host.*:a", ("host.*",)),
    ("*.port:23 or host.*:a or x*y*z > 3", ("host.*", "x*y*z")),
    ("host.name:a or host.name:b or *.port:1", ("host.name",)),
])
def test_what_no_event_here_has(text: str, absent: tuple[str, ...]) -> None:
    assert findings(text, document_kinds()).absent == absent


def test_events_from_elsewhere_may_have_what_a_pattern_means() -> None:
    assert findings("host.*:a or *.prt:1", None).absent == ()


@pytest.mark.parametrize(("text", "reasons"), [
    ("destination.prt:23", ["unknown field 'destination.prt': did you mean 'destination.port'?"]),
    ("destination.prt:(23 or 80)",
     ["unknown field 'destination.prt': did you mean 'destination.port'?"]),
    ("destination: { prt:23 }",
     ["unknown field 'destination.prt': did you mean 'destination.port'?"]),
    ("sensor.flow.verdcit:a",
     ["unknown field 'sensor.flow.verdcit': did you mean 'sensor.flow.verdict'?"]),
    ("sensor.nothing:a", ["unknown field 'sensor.nothing'"]), ("host.nmae:a", []),
    ("any where destination.prt == 1",
     ["unknown field 'destination.prt': did you mean 'destination.port'?"]),
    ("any where ?destination.prt == 1", []),
    ("source.ip:10.0.0.0/8", []), ("source.ip > 10.0.0.1", []),
    ("source.ip:x", ["'source.ip' is an address, 'x' is neither an address nor a network"]),
    ("source.ip > 10.0.0.0/8", ["'source.ip' is an address, '10.0.0.0/8' is none"]),
    ('any where source.ip != "x"',
     ["'source.ip' is an address, 'x' is neither an address nor a network"]),
    ('any where "x" == source.ip',
     ["'source.ip' is an address, 'x' is neither an address nor a network"]),
    ('any where source.ip in ("10.0.0.1", "x")',
     ["'source.ip' is an address, 'x' is neither an address nor a network"]),
    ("event.start > 2026-01-02", []), ("event.start > x", ["'event.start' is a date, 'x' is none"]),
    ('event.start > "now-1d"', ["dates relative to 'now' mean nothing in packet time"]),
    ("event.start > nowhere", ["'event.start' is a date, 'nowhere' is none"]),
    ("event.action:5", []), ("any where event.action == 5", []),
    ("any where destination.port == true", ["'destination.port' is a number, 'true' is none"]),
    ("any where source.ip == 5",
     ["'source.ip' is an address, '5' is neither an address nor a network"]),
    ("any where event.start > 1700000000000", []),
    ("any where event.start == true", ["'event.start' is a date, 'true' is none"]),
    # As Elasticsearch has it: true and false, in quotes or without, and nothing else.
    *((text, []) for text in (
        "tls.established:true", 'tls.established:"false"', "tls.established:*",
        "not tls.established:(true or false)", "any where tls.established",
        "any where tls.established == true", 'any where tls.established != "false"',
        "any where tls.established != null", 'any where tls.established : ("t*", "false")',
        'any where destination.port : "2*"')),
    *((text, [f"'tls.established' is true or false, '{value}' is neither"]) for text, value in (
        ("tls.established:yes", "yes"), ("tls.established:TRUE", "TRUE"),
        ('tls.established:""', ""), ("tls.established:1", "1"), ("tls: { established:no }", "no"),
        ("tls.established > 0", "0"), ("any where tls.established == 1", "1"),
        ('any where tls.established == "yes"', "yes"), ('any where "on" != tls.established', "on"),
        ('any where tls.established in (true, "off")', "off"),
        ('any where tls.established : ("true", "YES")', "YES"))),
    ("telnet.login.outcom:success",
     ["unknown field 'telnet.login.outcom': did you mean 'telnet.login.outcome'?"]),
    ("telnet.colour:red", ["unknown field 'telnet.colour'"]), ("http.response.time:5", []),
    ("dns.question.nam:x", ["unknown field 'dns.question.nam': did you mean 'dns.question.name'?"]),
    ("http.request.headers.hots:x", []), ("dns.question.registered_domain:x", []),
    (f"destination.port:{'x' * 100}", [f"'destination.port' is a number, '{'x' * 100}' is none"]),
    (f"destination.port:{'x' * 101}",
     [f"'destination.port' is a number, '{'x' * 100}...' is none"]),
])
def test_mistakes_and_what_was_meant(text: str, reasons: list[str]) -> None:
    assert [error.reason for error in findings(text, document_kinds()).errors] == reasons


@pytest.mark.parametrize(("text", "doubtful"), [
    ("any where destination.port == 1", ()), ("any where destination.colour == 1", ()),
    ("any where destination.prt == 1",
     ("no event is known to have 'destination.prt': did you mean 'destination.port'?",)),
    ("netwrok where true",
     ("no event is known to be of the category 'netwrok': did you mean 'network'?",)),
    ("network where true", ()), ("gadget where true", ()),
])
def test_where_any_event_may_come_a_near_miss_is_a_doubt(
    text: str, doubtful: tuple[str, ...]
) -> None:
    evidence = Evidence(lambda name: KNOWN.get(name, "keyword"), KNOWN, None)
    found = check(eql.parse(text), text, evidence)
    assert (found.doubtful, found.errors, found.absent) == (doubtful, (), ())
