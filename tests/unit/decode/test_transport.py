"""Transports: ports, TCP options, lengths."""

from __future__ import annotations

import struct

import pytest

from sensor.memory.records import NO_WINDOW_SCALE
from sensor.model.packets import KIND_FLOW
from tests.unit.decode.batches import anomaly_of, decode_one
from tests.unit.decode.corpus import FRAMES
from tests.unit.decode.ip_packets import v4

RAW = 101
SYN, ACK = 2, 16


def tcp(options: bytes = b"", *, flags: int = SYN, offset: int | None = None) -> bytes:
    words = 5 + len(options) // 4 if offset is None else offset
    header = struct.pack(
        "!HHIIBBHHH", 40000, 23, 0xDEADBEEF, 0xFEEDFACE, words << 4, flags, 1024, 0xABCD, 0)
    return header + options


def scale(options: bytes, flags: int = SYN) -> int:
    return int(decode_one(v4(tcp(options, flags=flags), protocol=6), RAW)["window_scale"])


def udp(length: int, data: bytes = b"") -> bytes:
    return struct.pack("!HHHH", 40000, 23, length, 0xABCD) + data


def test_tcp_members() -> None:
    row = decode_one(v4(tcp(flags=0xD5) + b"data", protocol=6), RAW)
    assert (row["src_port"], row["dst_port"]) == (40000, 23)
    assert (row["seq"], row["ack"]) == (0xDEADBEEF, 0xFEEDFACE)
    assert (row["tcp_flags"], row["window"], row["checksum"]) == (0xD5, 1024, 0xABCD)
    assert (row["payload_bytes"], row["payload_offset"], row["payload_captured"]) == (4, 40, 4)


@pytest.mark.parametrize(("options", "expected"), [
    (b"\x03\x03\x07\x00", 7),
    (b"\x01\x01\x01\x03\x03\x00\x00\x00", 0),
    (b"\x02\x04\x05\xb4\x03\x03\x0e\x00", 14),
    (b"\x03\x03\xff\x00", 14),  # RFC 7323 2.3: more than 14 is taken as 14
    (b"\x00\x03\x03\x07", NO_WINDOW_SCALE),  # behind the end of the list
    (b"\x02\x00\x03\x03\x07\x00\x00\x00", NO_WINDOW_SCALE),  # a length of 0 would never end
    (b"\x02\x01\x03\x03\x07\x00\x00\x00", NO_WINDOW_SCALE),
    (b"\x02\x09\x03\x03\x07\x00\x00\x00", NO_WINDOW_SCALE),  # beyond the header
    (b"\x01\x01\x01\x03", NO_WINDOW_SCALE),  # cut behind its kind
    (b"\x01\x01\x03\x03", NO_WINDOW_SCALE),  # cut behind its length
    (b"\x03\x04\x07\x07", NO_WINDOW_SCALE),  # not its length
])
def test_the_window_scale_of_a_syn(options: bytes, expected: int) -> None:
    assert scale(options) == expected


def test_a_window_scale_counts_on_a_syn_alone() -> None:
    assert scale(b"\x03\x03\x07\x00", ACK) == NO_WINDOW_SCALE
    assert scale(b"\x03\x03\x07\x00", SYN | ACK) == 7


@pytest.mark.parametrize(("packet", "name"), [
    (v4(tcp(offset=4), protocol=6), "tcp_bad_offset"),
    (v4(tcp(offset=6), protocol=6), "tcp_bad_offset"),
    (v4(tcp()[:19], protocol=6), "tcp_header_truncated"),
    (v4(udp(7)), "udp_bad_length"),
    (v4(udp(9)), "udp_bad_length"),
    (v4(udp(0)), "udp_bad_length"),
    (v4(udp(8)[:7]), "udp_header_truncated"),
    (v4(udp(7), protocol=136), "udp_lite_bad_coverage"),
    (v4(udp(9), protocol=136), "udp_lite_bad_coverage"),
    (v4(udp(8)[:7], protocol=136), "udp_lite_header_truncated"),
    (v4(bytes(11), protocol=132), "sctp_header_truncated"),
    (v4(bytes(11), protocol=33), "dccp_header_truncated"),
    (v4(bytes(4) + b"\x02" + bytes(11), protocol=33), "dccp_bad_offset"),
    (v4(bytes(4) + b"\x05" + bytes(11), protocol=33), "dccp_bad_offset"),
    (v4(bytes(7), protocol=1), "icmp_header_truncated"),
])
def test_what_is_wrong_is_named(packet: bytes, name: str) -> None:
    assert anomaly_of(decode_one(packet, RAW)) == name


def test_the_udp_length_bounds_the_payload() -> None:
    row = decode_one(v4(udp(12, b"datatail")), RAW)
    assert (row["payload_bytes"], row["payload_captured"], row["checksum"]) == (4, 4, 0xABCD)


def test_a_udp_length_of_0_is_right_where_the_field_is_too_small() -> None:
    row = decode_one(v4(udp(0, b"data"), length=0), RAW, wire=70_000)
    assert (row["payload_bytes"], row["payload_captured"]) == (70_000 - 28, 4)


@pytest.mark.parametrize(("name", "ports", "payload"), [
    ("sctp", (40000, 23), 0), ("udp_lite", (40000, 23), 4), ("dccp", (40000, 23), 4),
    ("igmp", (0, 0), 8), ("esp6", (0, 0), 24), ("nothing6", (0, 0), 0),
])
def test_ports_and_payload_of_the_rarer(name: str, ports: tuple[int, int], payload: int) -> None:
    row = decode_one(FRAMES[name][1])
    assert row["kind"] == KIND_FLOW
    assert (row["src_port"], row["dst_port"], row["payload_bytes"]) == (*ports, payload)


@pytest.mark.parametrize("left", [4, 10, 13])
def test_of_a_tcp_header_that_the_capture_cut_its_ports_are_left(left: int) -> None:
    whole = v4(tcp() + b"data", protocol=6)
    row = decode_one(whole[: 20 + left], RAW, wire=len(whole), stale=0xA5)
    assert (anomaly_of(row), row["kind"], row["src_port"], row["dst_port"]) == (
        "sound", KIND_FLOW, 40000, 23)
    assert (row["ip_bytes"], row["payload_bytes"], row["tcp_flags"]) == (len(whole), 0, 0)
    row = decode_one(whole[:23], RAW, wire=len(whole))
    assert anomaly_of(row) == "header_not_captured"


@pytest.mark.parametrize(("name", "protocol"), [("ah", 17), ("ah6", 6)])
def test_an_authentication_header_is_read_over(name: str, protocol: int) -> None:
    row = decode_one(FRAMES[name][1])
    assert (row["protocol"], row["dst_port"]) == (protocol, 23)
