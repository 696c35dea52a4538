"""Link headers: what stands in front of IP, and frames without IP."""

from __future__ import annotations

import struct

import pytest

from sensor.model.packets import KIND_NON_IP
from tests.unit.decode.batches import anomaly_of, decode_all, decode_one
from tests.unit.decode.corpus import FRAMES, ethernet, ipv4

MACS = bytes(ethernet())[:12]
IPV4 = b"\x08\x00"


def test_an_ethernet_frame_gives_its_macs_as_numbers() -> None:
    frame = MACS + IPV4 + ipv4()
    packets = decode_all([frame, frame])
    assert packets.records["dst_mac"][:2].tolist() == [int.from_bytes(MACS[:6], "big")] * 2
    assert packets.records["src_mac"][:2].tolist() == [int.from_bytes(MACS[6:12], "big")] * 2
    assert packets.wire_bytes == 2 * len(frame)
    assert packets.records["time_ns"][:2].tolist() == [1000, 1001]
    assert packets.records["interface"][:2].tolist() == [3, 3]


def test_arp_and_spanning_tree_are_no_ip() -> None:
    for name in ("arp", "spanning_tree"):
        row = decode_one(FRAMES[name][1])
        assert (row["kind"], row["ip_version"], row["protocol"]) == (KIND_NON_IP, 0, 0)


def test_an_802_3_length_beyond_the_frame_is_an_anomaly() -> None:
    frame = MACS + b"\x00\x10" + b"\x42\x42\x03" + bytes(13)
    assert anomaly_of(decode_one(frame)) == "sound"
    assert anomaly_of(decode_one(frame[:-1])) == "ethernet_bad_length"


@pytest.mark.parametrize("number", [1501, 1535])
def test_neither_a_length_nor_a_type(number: int) -> None:
    row = decode_one(MACS + struct.pack("!H", number) + bytes(1600))
    assert anomaly_of(row) == "ethernet_bad_length"


def test_a_wire_length_below_the_captured_one_is_not_believed() -> None:
    frame = MACS + IPV4 + ipv4()
    assert anomaly_of(decode_one(frame, wire=0)) == "sound"


def test_the_largest_length_and_the_smallest_type() -> None:
    """IEEE 802.3 3.2.6: a length up to 1500, a type from 1536 on."""
    llc = b"\x42\x42\x03"
    for octets, name in ((1500, "sound"), (1499, "ethernet_bad_length")):
        row = decode_one(MACS + struct.pack("!H", 1500) + llc.ljust(octets, b"\0"))
        assert anomaly_of(row) == name
    row = decode_one(MACS + struct.pack("!H", 1536) + bytes(2))
    assert (anomaly_of(row), row["kind"]) == ("sound", KIND_NON_IP)


def test_what_lies_behind_an_802_3_length_is_padding() -> None:
    content = b"\xaa\xaa\x03\0\0\0" + IPV4 + ipv4()
    row = decode_one(MACS + struct.pack("!H", len(content)) + content + bytes(9))
    assert (anomaly_of(row), row["payload_bytes"], row["payload_captured"]) == ("sound", 5, 5)
    short = MACS + struct.pack("!H", len(content) - 1) + content
    assert anomaly_of(decode_one(short)) == "ipv4_truncated"
    empty = MACS + struct.pack("!H", 2) + b"\x42\x42\x03"
    assert anomaly_of(decode_one(empty)) == "llc_truncated"


def test_a_frame_of_addresses_alone() -> None:
    assert anomaly_of(decode_one(MACS + b"\x88\xcc")) == "sound"
    assert anomaly_of(decode_one(MACS + b"\x88")) == "link_truncated"
    assert anomaly_of(decode_one(MACS + b"\x88", wire=14)) == "header_not_captured"
