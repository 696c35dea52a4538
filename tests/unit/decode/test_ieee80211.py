"""802.11 frames, and the radiotap header in front of them."""

from __future__ import annotations

import struct

import pytest

from sensor.model.packets import KIND_FLOW, KIND_NON_IP
from tests.unit.decode.batches import anomaly_of, packet_and_path
from tests.unit.decode.tunnel_corpus import (
    LINK_FRAMES,
)


@pytest.mark.parametrize("length", [7, 31])
def test_a_radiotap_length_that_cannot_be(length: int) -> None:
    frame = struct.pack("<BBHI", 0, 0, length, 0) + bytes(22)
    row, _ = packet_and_path(frame, link=127)
    assert anomaly_of(row) == "radiotap_bad_length"


def test_an_aggregate_or_encrypted_802_11_frame_is_no_ip() -> None:
    frame = bytearray(LINK_FRAMES["wireless_qos"][1])
    frame[24] |= 0x80
    assert packet_and_path(bytes(frame), link=105)[0]["kind"] == KIND_NON_IP
    frame = bytearray(LINK_FRAMES["wireless_to_ds"][1])
    frame[1] |= 0x40
    assert packet_and_path(bytes(frame), link=105)[0]["kind"] == KIND_NON_IP


def test_macs_of_an_802_11_frame_are_those_beyond_the_access_points() -> None:
    ends = {"wireless_to_ds": ("a3", "a2"), "wireless_from_ds": ("a1", "a3"),
            "wireless_direct": ("a1", "a2"), "wireless_four": ("a3", "a4")}
    for name, (dst, src) in ends.items():
        row, _ = packet_and_path(LINK_FRAMES[name][1], link=105)
        assert f"{int(row['dst_mac']):012x}" == "0200000000" + dst
        assert f"{int(row['src_mac']):012x}" == "0200000000" + src


def test_a_radiotap_header_of_eight_octets_is_the_shortest() -> None:
    frame = struct.pack("<BBHI", 0, 0, 8, 0) + LINK_FRAMES["wireless_to_ds"][1]
    assert packet_and_path(frame, link=127)[0]["dst_port"] == 23
    assert anomaly_of(packet_and_path(frame[:7], link=127)[0]) == "link_truncated"


@pytest.mark.parametrize(("present", "fields"), [
    ((0x8000_0002, 0), b"\x10"), ((0x8000_0003, 0), bytes(4) + bytes(8) + b"\x10"),
    ((0x8000_0002, 0x8000_0000, 0), b"\x10"),
])  # fmt: skip
def test_flags_stand_behind_every_presence_word(present: tuple[int, ...], fields: bytes) -> None:
    """With the flag of a checksum: the last four octets are no payload."""
    words = struct.pack(f"<{len(present)}I", *present)
    header = struct.pack("<BBH", 0, 0, 4 + len(words + fields)) + words + fields
    frame = header + LINK_FRAMES["wireless_to_ds"][1] + b"\xfc" * 4
    row, _ = packet_and_path(frame, link=127)
    assert (anomaly_of(row), row["payload_bytes"]) == ("sound", 5)
    cut = header + LINK_FRAMES["wireless_to_ds"][1]
    assert anomaly_of(packet_and_path(cut, link=127)[0]) == "ipv4_truncated"


def test_a_later_fragment_of_802_11_is_no_ip() -> None:
    frame = bytearray(LINK_FRAMES["wireless_to_ds"][1])
    frame[22] |= 1
    assert packet_and_path(bytes(frame), link=105)[0]["kind"] == KIND_NON_IP
    frame[22] = 0xF0  # the sequence number alone
    assert packet_and_path(bytes(frame), link=105)[0]["kind"] == KIND_FLOW


def test_an_802_11_header_that_is_cut() -> None:
    frame = LINK_FRAMES["wireless_qos"][1]
    assert anomaly_of(packet_and_path(frame[:25], link=105)[0]) == "link_truncated"
    row, _ = packet_and_path(frame[:25], link=105, wire=[26])
    assert anomaly_of(row) == "header_not_captured"
