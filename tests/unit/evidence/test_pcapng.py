"""The blocks of a pcapng file, read by dpkt and by their description."""

from __future__ import annotations

import io
import struct

import dpkt

from sensor.evidence import pcapng

TIME_NS = 1_767_323_045_123_456_789


def test_another_reader_finds_packets_and_nanoseconds() -> None:
    packets = [b"a" * size for size in (60, 61, 62, 63)]
    blocks = [pcapng.section("two\nlines", "sensor"), pcapng.interface(1, "eth0", "a file")]
    blocks += [pcapng.packet(0, TIME_NS, octets, 100, "frame 1") for octets in packets]
    assert all(len(block) % 4 == 0 for block in blocks)
    found = list(dpkt.pcapng.Reader(io.BytesIO(b"".join(blocks))))
    assert [octets for _, octets in found] == packets
    high, low, captured, wire = struct.unpack("<IIII", blocks[2][12:28])
    assert (high << 32 | low, captured, wire) == (TIME_NS, 60, 100)


def test_a_text_that_is_too_long_is_cut_between_characters() -> None:
    block = pcapng.section("\u00e9" * 40_000, "sensor")
    code, size = struct.unpack("<HH", block[24:28])
    text = block[28 : 28 + size].decode()
    assert (code, size <= 65_535) == (1, True)
    assert text.endswith(pcapng.CUT) and set(text.removesuffix(pcapng.CUT)) == {"\u00e9"}


def test_an_interface_without_a_name_has_none() -> None:
    assert b"\x02\x00" not in pcapng.interface(1, "", "file")[16:20]
