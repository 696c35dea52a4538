"""ICMP: requests mirror their replies, errors tell which packet they quote."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from sensor.model.addresses import address_text
from sensor.model.packets import KIND_FLOW, KIND_ICMP_ERROR
from tests.unit.decode.batches import decode_one
from tests.unit.decode.corpus import FRAMES
from tests.unit.decode.ip_packets import UDP, extension, fragment, v4, v6

RAW = 101
SEGMENT = struct.pack("!HHI", 40000, 23, 0xDEADBEEF)


def icmp(kind: int, code: int = 0, rest: bytes = b"\x12\x34\x00\x01") -> bytes:
    return struct.pack("!BBH", kind, code, 0xABCD) + rest


def ports(row: Any) -> tuple[int, int]:
    return int(row["src_port"]), int(row["dst_port"])


def quoted(row: Any) -> tuple[int, ...]:
    return tuple(int(row[f"quoted_{name}"]) for name in (
        "ip_version", "protocol", "src_port", "dst_port", "has_seq", "seq"))


# The pairs of the Community ID specification, version 1.
@pytest.mark.parametrize(("request_type", "reply_type"), [
    (8, 0), (13, 14), (15, 16), (17, 18), (10, 9)])
def test_an_icmp_request_mirrors_its_reply(request_type: int, reply_type: int) -> None:
    asked = decode_one(v4(icmp(request_type), protocol=1), RAW)
    answered = decode_one(v4(icmp(reply_type), protocol=1), RAW)
    assert ports(asked) == (request_type, reply_type) == ports(answered)[::-1]
    assert asked["kind"] == KIND_FLOW


@pytest.mark.parametrize(("request_type", "reply_type"), [
    (128, 129), (133, 134), (135, 136), (130, 131), (139, 140), (144, 145)])
def test_an_icmpv6_request_mirrors_its_reply(request_type: int, reply_type: int) -> None:
    asked = decode_one(v6(icmp(request_type), following=58), RAW)
    answered = decode_one(v6(icmp(reply_type), following=58), RAW)
    assert ports(asked) == (request_type, reply_type) == ports(answered)[::-1]


def test_a_message_without_counterpart_has_type_and_code() -> None:
    assert ports(decode_one(v4(icmp(40, 5), protocol=1), RAW)) == (40, 5)
    assert ports(decode_one(v6(icmp(143, 5), following=58), RAW)) == (143, 5)


def test_the_identifier_tells_pings_apart() -> None:
    for name in ("ping", "ping6"):
        assert decode_one(FRAMES[name][1])["seq"] == 0x1234
    assert decode_one(v6(icmp(135), following=58), RAW)["seq"] == 0


def test_members() -> None:
    row = decode_one(v4(icmp(8, 3) + b"data", protocol=1), RAW)
    assert (row["icmp_type"], row["icmp_code"], row["checksum"]) == (8, 3, 0xABCD)
    assert (row["payload_bytes"], row["payload_captured"]) == (4, 4)


def test_icmp_of_the_other_ip_version_is_a_transport_like_any_other() -> None:
    for packet in (v4(icmp(128), protocol=58), v6(icmp(8), following=1)):
        row = decode_one(packet, RAW)
        assert (row["kind"], ports(row), row["payload_bytes"]) == (KIND_FLOW, (0, 0), 8)


@pytest.mark.parametrize("kind", [3, 4, 11, 12])
def test_an_icmp_error_quotes(kind: int) -> None:
    row = decode_one(v4(icmp(kind, 1) + v4(SEGMENT, protocol=6, length=60), protocol=1), RAW)
    assert (row["kind"], row["quoted"], ports(row)) == (KIND_ICMP_ERROR, 1, (kind, 1))
    assert quoted(row) == (4, 6, 40000, 23, 1, 0xDEADBEEF)
    assert address_text(int(row["quoted_src_hi"]), int(row["quoted_src_lo"])) == "192.0.2.1"
    assert address_text(int(row["quoted_dst_hi"]), int(row["quoted_dst_lo"])) == "198.51.100.2"


def test_a_redirect_tells_nothing_of_the_flow_that_it_quotes() -> None:
    # The router forwarded the packet (RFC 792), as with ICMPv6's redirect, type 137.
    redirect = icmp(5, 1) + v4(SEGMENT, protocol=6, length=60)
    for frame, kind, code in ((v4(redirect, protocol=1), 5, 1),
                              (v6(icmp(137) + bytes(32), following=58), 137, 0)):
        row = decode_one(frame, RAW)
        assert (row["kind"], row["quoted"], ports(row)) == (KIND_FLOW, 0, (kind, code))


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_an_icmpv6_error_quotes_through_extension_headers(kind: int) -> None:
    inner = v6(extension(44) + fragment(6, 0, 1) + SEGMENT, following=60)
    row = decode_one(v6(icmp(kind) + inner, following=58), RAW)
    assert (row["kind"], row["quoted"]) == (KIND_ICMP_ERROR, 1)
    assert quoted(row) == (6, 6, 40000, 23, 1, 0xDEADBEEF)
    assert address_text(int(row["quoted_src_hi"]), int(row["quoted_src_lo"])) == "2001:db8::1"
    assert address_text(int(row["quoted_dst_hi"]), int(row["quoted_dst_lo"])) == "2001:db8::2"


def test_a_quote_without_the_sequence_number_still_has_ports() -> None:
    row = decode_one(v4(icmp(3) + v4(SEGMENT[:7], protocol=6), protocol=1), RAW)
    assert (row["quoted"], quoted(row)) == (1, (4, 6, 40000, 23, 0, 0))


def test_a_quoted_udp_packet_has_no_sequence_number() -> None:
    row = decode_one(v4(icmp(3, 3) + v4(UDP), protocol=1), RAW)
    assert (row["quoted"], quoted(row)) == (1, (4, 17, 40000, 23, 0, 0))


def test_a_quoted_ping_has_its_types_and_identifier() -> None:
    row = decode_one(v4(icmp(3) + v4(icmp(8), protocol=1), protocol=1), RAW)
    assert (row["quoted"], quoted(row)) == (1, (4, 1, 8, 0, 1, 0x1234))
    row = decode_one(v6(icmp(1) + v6(icmp(128), following=58), following=58), RAW)
    assert (row["quoted"], quoted(row)) == (1, (6, 58, 128, 129, 1, 0x1234))


@pytest.mark.parametrize("inner", [
    b"",
    v4(SEGMENT, protocol=6)[:19],
    v4(SEGMENT, protocol=6)[:23],
    v4(SEGMENT, protocol=6, header=0x44),
    v4(SEGMENT, protocol=6, header=0x4F),
    v4(SEGMENT, protocol=47, header=0x4F),
    v4(SEGMENT, protocol=6, header=0x65),
    v4(SEGMENT, protocol=6, fragment=1),
    v4(icmp(8)[:7], protocol=1),
])
def test_a_quote_that_cannot_be_read_leaves_the_error_sound(inner: bytes) -> None:
    row = decode_one(v4(icmp(3, 1) + inner, protocol=1), RAW)
    assert (row["anomaly"], row["kind"], row["quoted"]) == (0, KIND_ICMP_ERROR, 0)


@pytest.mark.parametrize("inner", [
    v6(SEGMENT, following=6)[:39],
    v6(SEGMENT, following=6)[:43],
    v6(extension(6, 1)[:12], following=60),
    v6(fragment(6, 1, 0) + SEGMENT, following=44),
    v6(extension(60) * 17 + SEGMENT, following=60),
])
def test_an_ipv6_quote_that_cannot_be_read_leaves_the_error_sound(inner: bytes) -> None:
    row = decode_one(v6(icmp(1, 1) + inner, following=58), RAW)
    assert (row["anomaly"], row["kind"], row["quoted"]) == (0, KIND_ICMP_ERROR, 0)


@pytest.mark.parametrize(("kind", "identifier"), [
    *[(kind, 0x1234) for kind in (0, 8, 13, 14, 15, 16, 17, 18)],
    *[(kind, 0) for kind in (3, 5, 7, 9, 10, 12, 19, 30, 40)]])
def test_which_messages_have_an_identifier(kind: int, identifier: int) -> None:
    """Echo, timestamp, information (RFC 792) and address mask (RFC 950) alone."""
    assert decode_one(v4(icmp(kind), protocol=1), RAW)["seq"] == identifier


@pytest.mark.parametrize("kind", [0, 1, 2, 6, 10, 13, 40])
def test_other_messages_of_icmp_quote_nothing(kind: int) -> None:
    row = decode_one(v4(icmp(kind) + v4(SEGMENT, protocol=6, length=60), protocol=1), RAW)
    assert (row["kind"], row["quoted"]) == (KIND_FLOW, 0)


@pytest.mark.parametrize("kind", [0, 5, 100, 127, 128, 137])
def test_other_messages_of_icmpv6_quote_nothing(kind: int) -> None:
    row = decode_one(v6(icmp(kind) + v6(SEGMENT, following=6), following=58), RAW)
    assert (row["kind"], row["quoted"]) == (KIND_FLOW, 0)


def of_quote(inner: bytes) -> tuple[int, ...] | None:
    """What an error with this quote, in either version, tells of it; None: nothing."""
    packet = v4(icmp(3) + inner, protocol=1)
    if inner[0] >> 4 == 6:
        packet = v6(icmp(1) + inner, following=58)
    row = decode_one(packet, RAW, stale=0xA5)
    return quoted(row)[1:] if row["quoted"] else None


PORTS = (40000, 23)


@pytest.mark.parametrize(("protocol", "octets", "told"), [
    (6, 8, (6, *PORTS, 1, 0xDEADBEEF)), (6, 7, (6, *PORTS, 0, 0)), (6, 4, (6, *PORTS, 0, 0)),
    (6, 3, None), (6, 0, None),
    *[(protocol, 8, (protocol, *PORTS, 0, 0)) for protocol in (17, 33, 132, 136)],
    *[(protocol, 4, (protocol, *PORTS, 0, 0)) for protocol in (17, 33, 132, 136)],
    *[(protocol, 3, None) for protocol in (17, 33, 132, 136)],
    (47, 8, (47, 0, 0, 0, 0)), (47, 0, (47, 0, 0, 0, 0)),
])
def test_how_much_of_a_quote_is_enough(
    protocol: int, octets: int, told: tuple[int, ...] | None
) -> None:
    """Ports are in the first 4 octets of these transports, TCP's sequence number in the first 8."""
    assert of_quote(v4(SEGMENT[:octets], protocol=protocol)) == told
    assert of_quote(v4(SEGMENT[:octets], protocol=protocol, header=0x4F, options=bytes(40))) == told
    assert of_quote(v6(SEGMENT[:octets], following=protocol)) == told
    assert of_quote(v6(extension(protocol) + SEGMENT[:octets], following=60)) == told


@pytest.mark.parametrize(("kind", "octets", "told"), [
    (8, 8, (1, 8, 0, 1, 0x1234)), (0, 8, (1, 0, 8, 1, 0x1234)), (8, 7, None),
    (13, 8, (1, 13, 14, 1, 0x1234)), (40, 8, (1, 40, 5, 0, 0)),
])
def test_a_quoted_message(kind: int, octets: int, told: tuple[int, ...] | None) -> None:
    assert of_quote(v4(icmp(kind, 5)[:octets], protocol=1)) == told


@pytest.mark.parametrize(("kind", "octets", "told"), [
    (128, 8, (58, 128, 129, 1, 0x1234)), (129, 8, (58, 129, 128, 1, 0x1234)), (128, 7, None),
    (135, 8, (58, 135, 136, 0, 0)), (200, 8, (58, 200, 5, 0, 0)),
])
def test_a_quoted_message_of_icmpv6(kind: int, octets: int, told: tuple[int, ...] | None) -> None:
    assert of_quote(v6(icmp(kind, 5)[:octets], following=58)) == told


@pytest.mark.parametrize(("chain", "readable"), [
    (extension(60) * 15 + extension(6), True), (extension(60) * 16 + extension(6), False),
    (extension(6, 1), True), (fragment(6, 0, 1), True), (fragment(6, 1, 1), False),
])
def test_extension_headers_of_a_quote(chain: bytes, readable: bool) -> None:
    following = 44 if chain[:1] == b"\6" and len(chain) == 8 else 60
    told = (6, *PORTS, 1, 0xDEADBEEF) if readable else None
    assert of_quote(v6(chain + SEGMENT, following=following)) == told


def test_a_quote_that_ends_in_an_extension_header() -> None:
    chain = extension(6, 1) + SEGMENT[:3]
    for octets in range(len(chain) + 1):
        assert of_quote(v6(chain[:octets], following=60)) is None, octets


def test_a_later_fragment_that_is_quoted_names_no_flow() -> None:
    for bits in (1, 0x1FFF, 0x2001):
        assert of_quote(v4(SEGMENT, protocol=6, fragment=bits)) is None
    for bits in (0x2000, 0x4000, 0):
        assert of_quote(v4(SEGMENT, protocol=6, fragment=bits)) == (6, *PORTS, 1, 0xDEADBEEF)


HALVES = ("quoted_src_hi", "quoted_src_lo", "quoted_dst_hi", "quoted_dst_lo")


def test_each_half_of_a_quoted_address_is_read_from_its_own_place() -> None:
    """Every octet of the quote, and of the packet around it, is another number."""
    inner = bytearray(v6(SEGMENT, following=6))
    inner[8:40] = range(100, 132)
    frame = bytearray(v6(icmp(1) + inner, following=58))
    frame[8:40] = range(200, 232)
    row = decode_one(bytes(frame), RAW)
    expected = [int.from_bytes(range(first, first + 8), "big") for first in (100, 108, 116, 124)]
    assert [int(row[name]) for name in HALVES] == expected
    inner = bytearray(v4(SEGMENT, protocol=6))
    inner[12:20] = range(100, 108)
    frame = bytearray(v4(icmp(3) + inner, protocol=1))
    frame[12:20] = range(200, 208)
    row = decode_one(bytes(frame), RAW)
    ends = [address_text(int(row[HALVES[at]]), int(row[HALVES[at + 1]])) for at in (0, 2)]
    assert ends == ["100.101.102.103", "104.105.106.107"]
