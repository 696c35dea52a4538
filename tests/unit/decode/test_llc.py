"""IEEE 802.2 LLC and SNAP: which of it carries IP."""

from __future__ import annotations

import struct

import pytest

from sensor.model.packets import KIND_FLOW, KIND_NON_IP
from tests.unit.decode.batches import anomaly_of, decode_one
from tests.unit.decode.corpus import ethernet, ipv4, ipv6

MACS = bytes(ethernet())[:12]


def test_snap_with_a_foreign_organisation_is_no_ip() -> None:
    packet = b"\xaa\xaa\x03\x00\x00\x0c\x08\x00" + ipv4()
    row = decode_one(MACS + struct.pack("!H", len(packet)) + packet)
    assert row["kind"] == KIND_NON_IP


ATM = 100
SNAP = b"\xaa\xaa\x03"


@pytest.mark.parametrize(("header", "content", "version"), [
    (SNAP + b"\0\0\0\x08\x00", ipv4(), 4), (SNAP + b"\0\0\0\x86\xdd", ipv6(), 6),
    (SNAP + b"\0\0\xf8\x08\x00", ipv4(), 4), (b"\6\6\3", ipv4(), 4),
])  # fmt: skip
def test_headers_that_carry_ip(header: bytes, content: bytes, version: int) -> None:
    row = decode_one(header + content, ATM)
    assert (row["kind"], row["ip_version"], row["dst_port"]) == (KIND_FLOW, version, 23)


@pytest.mark.parametrize("header", [
    b"\6\6\2", b"\6\7\3", b"\x42\x42\x03", b"\xaa\xab\x03", b"\xaa\xaa\x13",
    SNAP + b"\0\1\0\x08\x00", SNAP + b"\0\0\xf7\x08\x00", SNAP + b"\0\0\0\x08\x06",
])  # fmt: skip
def test_headers_that_carry_none(header: bytes) -> None:
    row = decode_one(header + ipv4(), ATM)
    assert (anomaly_of(row), row["kind"]) == ("sound", KIND_NON_IP)


@pytest.mark.parametrize(("cut", "need"), [(2, 3), (7, 8)])
def test_a_header_that_is_cut(cut: int, need: int) -> None:
    header = (SNAP + bytes(5))[:cut]
    assert anomaly_of(decode_one(header, ATM)) == "llc_truncated"
    assert anomaly_of(decode_one(header, ATM, wire=need)) == "header_not_captured"
    assert anomaly_of(decode_one((SNAP + bytes(5))[:need], ATM)) == (
        "sound" if need == 8 else "llc_truncated")
