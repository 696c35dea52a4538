"""Names of numbers, as the registry of IANA has them; others as RFC 3597 5 writes them."""

from __future__ import annotations

import pytest

from sensor.protocols.dns.codes import class_name, opcode_name, response_code_name, type_name


@pytest.mark.parametrize(("number", "name"), [
    (1, "A"), (28, "AAAA"), (65, "HTTPS"), (255, "ANY"), (257, "CAA"), (65280, "TYPE65280"),
    (0, "TYPE0"), (66, "DSYNC"), (100, "UINFO"), (128, "NXNAME"), (261, "RESINFO"),
])
def test_types(number: int, name: str) -> None:
    assert type_name(number) == name


@pytest.mark.parametrize(("number", "name"), [
    (1, "IN"), (3, "CH"), (255, "ANY"), (7, "CLASS7"), (0x8001, "CLASS32769"),
])
def test_classes(number: int, name: str) -> None:
    assert class_name(number) == name


def test_classes_of_mdns_have_a_bit_that_is_not_theirs() -> None:
    """RFC 6762 10.2: the record is the only one of its name."""
    assert class_name(0x8001, is_mdns=True) == class_name(1, is_mdns=True) == "IN"
    assert class_name(0x8007, is_mdns=True) == "CLASS7"


def test_codes() -> None:
    assert [opcode_name(code) for code in (0, 4, 5, 9)] == ["QUERY", "NOTIFY", "UPDATE", "9"]
    assert [response_code_name(code) for code in (0, 3, 16, 99)] == [
        "NOERROR", "NXDOMAIN", "BADVERS", "99"]
