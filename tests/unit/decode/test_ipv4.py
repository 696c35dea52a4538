"""IPv4 and IPv6: lengths, options, extension headers, fragments."""

from __future__ import annotations

import pytest

from sensor.model.addresses import address_text
from sensor.model.packets import KIND_FLOW, KIND_FRAGMENT
from tests.unit.decode.batches import anomaly_of, decode_one
from tests.unit.decode.corpus import FRAMES, ipv4, ipv6
from tests.unit.decode.ip_packets import RAW, TCP, UDP, v4


def test_ipv4_members() -> None:
    row = decode_one(v4(UDP), RAW)
    assert address_text(int(row["src_hi"]), int(row["src_lo"])) == "192.0.2.1"
    assert address_text(int(row["dst_hi"]), int(row["dst_lo"])) == "198.51.100.2"
    assert (row["ip_id"], row["ttl"], row["ip_bytes"], row["ip_version"]) == (0xBEEF, 64, 28, 4)


def test_padding_is_no_payload() -> None:
    row = decode_one(FRAMES["tcp_padded"][1])
    assert (row["payload_bytes"], row["payload_captured"], row["ip_bytes"]) == (0, 0, 40)


def test_a_total_length_of_0_means_the_whole_frame_by_its_wire_length() -> None:
    row = decode_one(v4(TCP + b"x" * 10, protocol=6, length=0), RAW, wire=70_000)
    assert (row["ip_bytes"], row["payload_bytes"], row["payload_captured"]) == (
        70_000, 70_000 - 40, 10)


@pytest.mark.parametrize(("packet", "name"), [
    (v4(UDP, header=0x44), "ipv4_bad_header_length"),
    (v4(UDP, length=19), "ipv4_bad_length"),
    (v4(UDP, length=23, header=0x46), "ipv4_bad_length"),
    (v4(UDP, length=29), "ipv4_truncated"),
    (v4(UDP)[:19], "ipv4_header_truncated"),
    (v4(bytes(64), fragment=8191), "ip_fragment_too_long"),
    (v4(TCP[:16], protocol=6, fragment=0x2000), "ip_tiny_fragment"),
    (v4(b"\x11\0" + bytes(6) + UDP, protocol=51), "ah_bad_length"),
    (v4(b"\x11\4" + bytes(18), protocol=51), "ah_bad_length"),
])
def test_what_is_wrong_is_named(packet: bytes, name: str) -> None:
    assert anomaly_of(decode_one(packet, RAW)) == name


def test_the_first_fragment_has_ports_and_the_payload_that_is_in_it() -> None:
    for name in ("first_fragment", "first_fragment6"):
        row = decode_one(FRAMES[name][1])
        assert (row["kind"], row["src_port"], row["dst_port"]) == (KIND_FLOW, 40000, 23)
        assert row["payload_bytes"] == 16


def test_a_later_fragment_has_no_ports() -> None:
    for name in ("later_fragment", "later_fragment6"):
        row = decode_one(FRAMES[name][1])
        assert (row["kind"], row["protocol"], row["payload_bytes"]) == (KIND_FRAGMENT, 17, 4)
        assert (row["src_port"], row["dst_port"]) == (0, 0)


def test_the_do_not_fragment_bit_makes_no_fragment() -> None:
    assert decode_one(v4(UDP, fragment=0x4000), RAW)["kind"] == KIND_FLOW


def test_options_are_read_over() -> None:
    row = decode_one(v4(UDP, header=0x4F, options=b"\x01" * 40), RAW)
    assert (row["dst_port"], row["payload_bytes"], row["ip_bytes"]) == (23, 0, 68)


@pytest.mark.parametrize("fragment_bits", [0, 1])
def test_options_that_were_not_captured_leave_nothing_to_tell(fragment_bits: int) -> None:
    packet = v4(UDP, header=0x47, options=bytes(8), fragment=fragment_bits, protocol=50)
    assert anomaly_of(decode_one(packet[:28], RAW, wire=len(packet))) == "sound"
    assert anomaly_of(decode_one(packet[:27], RAW, wire=len(packet))) == "header_not_captured"


def test_both_versions_tell_the_payload() -> None:
    for packet in (ipv4(), ipv6()):
        row = decode_one(packet, RAW)
        assert packet[row["payload_offset"]:][: row["payload_bytes"]] == b"login"


@pytest.mark.parametrize(("octets", "name"), [(3, "sound"), (4, "ip_fragment_too_long")])
def test_a_packet_put_together_has_65535_octets_at_most(octets: int, name: str) -> None:
    """RFC 791 3.1: its header is among them."""
    row = decode_one(v4(bytes(octets), fragment=(65_535 - 23) // 8), RAW)
    assert anomaly_of(row) == name


def test_what_a_fragment_says_of_its_packet() -> None:
    row = decode_one(v4(UDP + b"data", fragment=0x2000), RAW)
    assert (row["fragment"], row["fragment_id"], row["fragment_protocol"]) == (3, 0xBEEF, 17)
    assert (row["fragment_offset"], row["fragment_bytes"]) == (0, 12)
    row = decode_one(v4(b"rest", fragment=9), RAW)
    assert (row["fragment"], row["fragment_offset"], row["fragment_bytes"]) == (1, 72, 4)
    assert (row["payload_offset"], row["payload_bytes"], row["payload_captured"]) == (20, 4, 4)


@pytest.mark.parametrize(("length", "name"), [
    (20, "sound"), (19, "ipv4_bad_length"), (24, "sound"), (25, "ipv4_truncated")])
def test_a_total_length(length: int, name: str) -> None:
    row = decode_one(v4(bytes(4), protocol=253, length=length), RAW)
    assert anomaly_of(row) == name
    if name == "sound":
        assert (row["ip_bytes"], row["payload_bytes"]) == (length, length - 20)
