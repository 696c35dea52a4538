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
