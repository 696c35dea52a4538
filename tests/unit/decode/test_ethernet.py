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
