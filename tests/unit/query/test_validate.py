"""Queries held against the fields that events have."""

from __future__ import annotations

import pytest

from sensor.ecs.document_kinds import document_kinds
from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.query.satisfiable import Evidence
from sensor.query.validate import check


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
    ("'destination.port=23'", []), ('"destination.port=23"', []),
    ("process: { destination.port=23 }", []),
])
def test_constants_and_bare_values(text: str, reasons: list[str]) -> None:
    known = {"destination.port": "long"}
    findings = check(kql.parse(text), text, Evidence(known.get, known, document_kinds()))
    assert [error.reason for error in findings.errors] == reasons
