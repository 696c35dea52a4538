"""IPv6: its header, lengths and fragments."""

from __future__ import annotations

import struct

import pytest

from sensor.model.addresses import address_text
from sensor.model.packets import KIND_FLOW
from tests.unit.decode.batches import anomaly_of, decode_one
from tests.unit.decode.corpus import FRAMES
from tests.unit.decode.ip_packets import RAW, TCP, UDP, extension, fragment, v6


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


@pytest.mark.parametrize(("behind", "octets"), [(0, 40), (6, 40), (7, 47)])
def test_what_ethernet_adds_to_a_header_alone_is_not_its_payload(behind: int, octets: int) -> None:
    """Frames have 60 octets at least: 14 and 46, of which the header takes 40."""
    row = decode_one(v6(bytes(behind), following=253, length=0), RAW)
    assert (anomaly_of(row), row["ip_bytes"]) == ("sound", octets)


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


@pytest.mark.parametrize(("octets", "name"), [(7, "sound"), (8, "ip_fragment_too_long")])
def test_a_packet_put_together_has_65535_octets_of_payload_at_most(octets: int, name: str) -> None:
    """RFC 8200 4.5: without the headers in front of the fragment's."""
    row = decode_one(v6(fragment(17, 65_528 // 8, 0) + bytes(octets), following=44), RAW)
    assert anomaly_of(row) == name


@pytest.mark.parametrize(("octets", "more", "name"), [
    (8, 1, "sound"), (9, 1, "ipv6_fragment_bad_length"), (15, 1, "ipv6_fragment_bad_length"),
    (16, 1, "sound"), (9, 0, "sound")])
def test_all_fragments_but_the_last_end_at_a_multiple_of_8(
    octets: int, more: int, name: str
) -> None:
    row = decode_one(v6(fragment(17, 2, more) + bytes(octets), following=44), RAW)
    assert anomaly_of(row) == name


def test_what_a_fragment_says_of_its_packet() -> None:
    row = decode_one(v6(fragment(17, 0, 1) + UDP + bytes(8), following=44), RAW)
    assert (row["fragment"], row["fragment_id"], row["fragment_protocol"]) == (3, 1, 17)
    assert (row["fragment_offset"], row["fragment_bytes"], row["payload_bytes"]) == (0, 16, 0)
    row = decode_one(v6(fragment(17, 9, 0) + b"rest", following=44), RAW)
    assert (row["fragment"], row["fragment_offset"], row["fragment_bytes"]) == (1, 72, 4)
    assert (row["payload_offset"], row["payload_bytes"], row["payload_captured"]) == (48, 4, 4)
    assert decode_one(v6(fragment(17, 0, 0) + UDP, following=44), RAW)["fragment"] == 0


@pytest.mark.parametrize(("length", "name"), [(3, "sound"), (4, "sound"), (5, "ipv6_truncated")])
def test_a_payload_length(length: int, name: str) -> None:
    row = decode_one(v6(bytes(4), following=253, length=length), RAW)
    assert anomaly_of(row) == name
    if name == "sound":
        assert (row["ip_bytes"], row["payload_bytes"]) == (40 + length, length)


def test_a_jumbogram_that_has_nothing_but_headers() -> None:
    row = decode_one(v6(extension(59), following=60, length=0), RAW)
    assert (anomaly_of(row), row["ip_bytes"], row["protocol"]) == ("sound", 48, 59)
