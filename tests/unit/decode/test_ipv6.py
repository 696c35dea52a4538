"""IPv6: its header, lengths and fragments."""

from __future__ import annotations

import struct

import pytest

from sensor.model.addresses import address_text
from sensor.model.packets import KIND_FLOW
from tests.unit.decode.batches import anomaly_of, decode_one
from tests.unit.decode.corpus import FRAMES
from tests.unit.decode.ip_packets import RAW, TCP, UDP, fragment, v6


def test_ipv6_members() -> None:
    row = decode_one(v6(UDP), RAW)
    assert address_text(int(row["src_hi"]), int(row["src_lo"])) == "2001:db8::1"
    assert address_text(int(row["dst_hi"]), int(row["dst_lo"])) == "2001:db8::2"
    assert (row["ip_id"], row["ttl"], row["ip_bytes"], row["ip_version"]) == (0, 63, 48, 6)


def test_a_payload_length_of_0_means_the_whole_frame_unless_nothing_follows() -> None:
    row = decode_one(v6(TCP + b"x" * 10, following=6, length=0), RAW, wire=70_000)
    assert (row["ip_bytes"], row["payload_bytes"], row["payload_captured"]) == (
        70_000, 70_000 - 60, 10)
    assert decode_one(FRAMES["nothing6"][1])["ip_bytes"] == 40


def test_a_jumbogram_has_its_length_in_an_option_and_0_in_its_header() -> None:
    jumbo = struct.pack("!BBBBI", 6, 0, 0xC2, 4, 70_000 - 40)
    row = decode_one(v6(jumbo + TCP, following=0, length=0), RAW, wire=70_000)
    assert (anomaly_of(row), row["ip_bytes"], row["protocol"]) == ("sound", 70_000, 6)


def test_an_atomic_fragment_is_a_whole_packet() -> None:
    row = decode_one(v6(fragment(17, 0, 0) + UDP, following=44), RAW)
    assert (row["kind"], row["dst_port"]) == (KIND_FLOW, 23)


@pytest.mark.parametrize(("packet", "name"), [
    (v6(UDP)[:39], "ipv6_header_truncated"),
    (v6(UDP, length=9), "ipv6_truncated"),
    (v6(fragment(17, 0, 1) + UDP + b"odd", following=44), "ipv6_fragment_bad_length"),
    (v6(fragment(17, 8191, 0) + bytes(64), following=44), "ip_fragment_too_long"),
    (v6(fragment(6, 0, 1) + TCP[:16], following=44), "ip_tiny_fragment"),
])
def test_what_is_wrong_is_named(packet: bytes, name: str) -> None:
    assert anomaly_of(decode_one(packet, RAW)) == name
