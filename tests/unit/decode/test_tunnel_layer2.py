"""L2TP, CAPWAP, EtherIP and TZSP: where a frame is found in them, and where there is none."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from tests.unit.decode.batches import Step, anomaly_of, packet_and_path
from tests.unit.decode.tunnel_corpus import MAC, OUTER, inner, inner_frame, outer, udp

OUT = ("203.0.113.1", "203.0.113.2")
FRAME = bytes(inner_frame())


def carried(protocol: int, content: bytes) -> tuple[Any, list[Step]]:
    return packet_and_path(bytes(Ether(**MAC) / IP(**OUTER, proto=protocol) / Raw(content)))


@pytest.mark.parametrize("front", [b"", bytes(4), b"\x40\0\0\1", bytes(8), b"\x11" * 12])
def test_a_frame_in_l2tp_3_is_found_behind_a_cookie_and_a_sublayer(front: bytes) -> None:
    """RFC 3931 4.1: only the ends of the session know how long these are."""
    row, path = carried(115, struct.pack("!I", 77) + front + FRAME)
    assert (row["dst_port"], path) == (23, [("l2tpv3", 77, *OUT)])


@pytest.mark.parametrize("content", [
    struct.pack("!I", 0) + b"\xc8\x03" + bytes(40),  # a control message has session 0
    struct.pack("!I", 77) + bytes(40),
    struct.pack("!I", 77) + bytes(16) + FRAME,  # longer than any cookie
    b"\0\0",
])  # fmt: skip
def test_l2tp_3_without_a_frame_stays_closed(content: bytes) -> None:
    row, path = carried(115, content)
    assert (anomaly_of(row), row["protocol"], path) == ("sound", 115, [])


def test_a_frame_in_etherip() -> None:
    row, path = carried(97, b"\x30\x00" + FRAME)
    assert (row["dst_port"], path) == (23, [("etherip", None, *OUT)])
    for other in (b"\x40\x00" + FRAME, b"\x30"):
        row, path = carried(97, other)
        assert (anomaly_of(row), row["protocol"], path) == ("sound", 97, [])


@pytest.mark.parametrize("port", [1701, 5247])
def test_answers_come_from_the_port(port: int) -> None:
    header = (bytes.fromhex("000200070009") + b"\0\x21" + bytes(inner()) if port == 1701
              else struct.pack("!IHH", 2 << 19, 0, 0) + FRAME)  # fmt: skip
    row, path = packet_and_path(bytes(outer() / UDP(sport=port, dport=50_000) / Raw(header)))
    assert (row["dst_port"], len(path)) == (23, 1)


@pytest.mark.parametrize(("port", "payload"), [
    (1701, bytes.fromhex("c80200140007000000000000") + bytes(8)),  # control
    (1701, bytes.fromhex("000100070009") + b"\0\x21" + bytes(inner())),  # L2F
    (1701, bytes.fromhex("0202000700090fff") + b"\0\x21" + bytes(inner())),  # an offset too far
    (5247, struct.pack("!IHH", 0x0100_0000 | 2 << 19, 0, 0) + FRAME),  # DTLS
    (5247, struct.pack("!IHH", 2 << 19 | 0x80, 0, 0) + FRAME),  # a fragment
    (5247, struct.pack("!IHH", 2 << 19 | 0x08, 0, 0) + FRAME),  # a keep-alive
    (5247, struct.pack("!IHH", 1 << 19, 0, 0) + FRAME),  # a header shorter than it is
    (5247, struct.pack("!IHH", 31 << 19, 0, 0) + FRAME[:60]),
    (37008, b"\2\0\0\1\1" + FRAME), (37008, b"\1\4\0\1\1" + FRAME),  # another version, type
    (37008, b"\1\0\0\1" + b"\x0a\xff" + FRAME), (37008, b"\1\0\0\1" + bytes(60) + FRAME),
    (4790, struct.pack("!II", 0x0D00_0003, 7 << 8) + FRAME),  # VXLAN-GPE: of operation
    (4790, struct.pack("!II", 0x1C00_0003, 7 << 8) + FRAME),  # of another version
    (4790, struct.pack("!II", 0x0C00_0004, 7 << 8) + FRAME),  # NSH
])  # fmt: skip
def test_what_carries_no_packet_is_a_datagram(port: int, payload: bytes) -> None:
    row, path = packet_and_path(bytes(udp(port) / Raw(payload)))
    assert (anomaly_of(row), row["dst_port"], path) == ("sound", port, [])


ARP = FRAME[:12] + b"\x08\x06"


@pytest.mark.parametrize("front", [b"", bytes(12)])
@pytest.mark.parametrize(("octets", "opened"), [(14, False), (15, True)])
def test_the_shortest_frame_in_l2tp_3(front: bytes, octets: int, opened: bool) -> None:
    row, path = carried(115, struct.pack("!I", 77) + front + ARP.ljust(octets, b"\0"))
    assert (anomaly_of(row), len(path)) == ("sound", int(opened))


def test_etherip_announces_a_frame() -> None:
    """What is wrong inside is an anomaly, from the first octet on."""
    assert anomaly_of(carried(97, b"\x30\x00")[0]) == "link_truncated"
    assert anomaly_of(carried(97, b"\x30\x00" + FRAME[:13])[0]) == "link_truncated"
    assert anomaly_of(carried(97, b"\x30\x00" + ARP)[0]) == "sound"


def guessed(port: int, payload: bytes) -> bool:
    """True if the datagram is opened."""
    row, path = packet_and_path(bytes(udp(port) / Raw(payload)))
    assert anomaly_of(row) == "sound"
    return bool(path)


CONTROL = b"\xc0\x21\x09\x01"
"""PPP that carries no IP packet."""


@pytest.mark.parametrize(("flags", "front", "opened"), [
    (0x0002, b"", True), (0x4002, b"", True), (0x0802, bytes(4), True), (0x4802, bytes(4), True),
    (0x0202, b"\0\0", True), (0x0202, b"\0\5" + bytes(5), True), (0x0202, b"\1\0", False),
    (0x4A02, bytes(4) + b"\0\3abc", True), (0x8002, b"", False), (0x0001, b"", False),
    (0x0004, b"", False),
])  # fmt: skip
def test_which_fields_an_l2tp_header_has(flags: int, front: bytes, opened: bool) -> None:
    """RFC 2661 3.1: a length, two numbers, an offset and what it skips."""
    length = b"\0\0" if flags & 0x4000 else b""
    header = struct.pack("!H", flags) + length + b"\0\7\0\x09" + front
    assert guessed(1701, header + CONTROL) is opened
    assert not guessed(1701, header + CONTROL[:3])
    _, path = packet_and_path(bytes(udp(1701) / Raw(header + b"\0\x21" + bytes(inner()))))
    assert [step[1] for step in path] == ([9] if opened else [])


@pytest.mark.parametrize(("kind", "fields", "opened"), [
    (0, b"\1", True), (1, b"\1", True), (2, b"\1", False), (0, b"\0" * 31 + b"\1", True),
    (0, b"\0" * 32 + b"\1", False), (0, b"\x0a\0\1", True), (0, b"\x0a\3abc\0\1", True),
    (0, b"\x0a\4abc", False),
])  # fmt: skip
def test_fields_in_front_of_a_frame_in_tzsp(kind: int, fields: bytes, opened: bool) -> None:
    assert guessed(37008, bytes([1, kind, 0, 1]) + fields + FRAME) is opened
    assert not guessed(37008, bytes([1, kind, 0, 2]) + fields + FRAME)  # neither of the two kinds


@pytest.mark.parametrize(("word", "octets", "opened"), [
    (2 << 19, 8, True), (3 << 19, 12, True), (31 << 19, 124, True), (0, 8, False),
    (2 << 19 | 2 << 9 | 0x100, 8, False),  # native frames of another link
])  # fmt: skip
def test_a_header_of_capwap(word: int, octets: int, opened: bool) -> None:
    """RFC 5415 4.3: HLEN counts words, WBID names the link of native frames."""
    assert guessed(5247, struct.pack("!I", word).ljust(octets, b"\0") + FRAME) is opened
