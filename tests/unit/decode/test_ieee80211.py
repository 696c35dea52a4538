"""802.11 frames, and the radiotap header in front of them."""

from __future__ import annotations

import struct

import pytest

from sensor.model.packets import KIND_FLOW, KIND_NON_IP
from tests.unit.decode.batches import anomaly_of, packet_and_path
from tests.unit.decode.tunnel_corpus import LINK_FRAMES, snap


@pytest.mark.parametrize("length", [7, 31])
def test_a_radiotap_length_that_cannot_be(length: int) -> None:
    frame = struct.pack("<BBHI", 0, 0, length, 0) + bytes(22)
    row, _ = packet_and_path(frame, link=127)
    assert anomaly_of(row) == "radiotap_bad_length"


@pytest.mark.parametrize(("length", "octets", "name"), [
    (8, 8, "link_truncated"), (30, 30, "link_truncated"), (31, 30, "radiotap_bad_length")])
def test_a_radiotap_header_that_fills_its_frame(length: int, octets: int, name: str) -> None:
    """It may be right, but there is no 802.11 behind it."""
    frame = struct.pack("<BBHI", 0, 0, length, 0).ljust(octets, b"\0")
    assert anomaly_of(packet_and_path(frame, link=127)[0]) == name


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


FIRST, SECOND, THIRD, FOURTH = (bytes.fromhex(f"0200000000a{i}") for i in (1, 2, 3, 4))
TO_DS, FROM_DS, PROTECTED, ORDER = 0x01, 0x02, 0x40, 0x80
QOS, NO_DATA = 0x80, 0x40


def wireless(kind: int, flags: int, *, control: int = 0) -> bytes:
    """The header of a data frame by IEEE 802.11 9.2.3: what there is depends on its first bits."""
    header = bytes([0x08 | kind, flags]) + bytes(2) + FIRST + SECOND + THIRD + bytes(2)
    if flags & TO_DS and flags & FROM_DS:
        header += FOURTH
    if kind & QOS:
        header += bytes([control, 0])
        if flags & ORDER:
            header += bytes(4)  # HT control
    return header


@pytest.mark.parametrize("ds", [0, TO_DS, FROM_DS, TO_DS | FROM_DS])
@pytest.mark.parametrize("order", [0, ORDER])
@pytest.mark.parametrize("kind", [0, QOS])
def test_a_header_of_802_11_is_as_long_as_its_bits_say(kind: int, order: int, ds: int) -> None:
    header = wireless(kind, ds | order)
    row, _ = packet_and_path(header + bytes(snap()), link=105)
    assert (anomaly_of(row), row["dst_port"]) == ("sound", 23)
    ends = {0: (FIRST, SECOND), TO_DS: (THIRD, SECOND), FROM_DS: (FIRST, THIRD),
            TO_DS | FROM_DS: (THIRD, FOURTH)}[ds]  # fmt: skip
    assert tuple(int(row[end]).to_bytes(6, "big") for end in ("dst_mac", "src_mac")) == ends
    padded = header + bytes(-len(header) % 4) + bytes(snap())
    radiotap = struct.pack("<BBHIB", 0, 0, 9, 2, 0x20)
    assert packet_and_path(radiotap + padded, link=127)[0]["dst_port"] == 23
    encrypted = wireless(kind, ds | order | PROTECTED)
    for other in (encrypted, wireless(kind | NO_DATA, ds | order)):
        assert packet_and_path(other + bytes(snap()), link=105)[0]["kind"] == KIND_NON_IP
    aggregate = wireless(kind, ds | order, control=0x80)
    row, _ = packet_and_path(aggregate + bytes(snap()), link=105)
    assert row["kind"] == (KIND_NON_IP if kind else KIND_FLOW)


@pytest.mark.parametrize("control", [b"\x00\x01", b"\x04\x01", b"\x0c\x01", b"\x08\x05"])
def test_other_frames_of_802_11_and_fragments_are_no_ip(control: bytes) -> None:
    frame = control + LINK_FRAMES["wireless_to_ds"][1][2:]
    assert packet_and_path(frame, link=105)[0]["kind"] == KIND_NON_IP


@pytest.mark.parametrize(("length", "present", "fields"), [
    (8, (2,), b""),  # flags for which there is no room
    (8, (0x8000_0002,), b""),  # a further word of presence without room
    (12, (0x8000_0002, 0), b""), (16, (3,), bytes(8)), (8, (0,), b""), (16, (1,), bytes(8)),
    (12, (4,), b"\x10\x10\x10\x10"),  # a rate, no flags
])  # fmt: skip
def test_a_radiotap_header_without_flags(
    length: int, present: tuple[int, ...], fields: bytes
) -> None:
    words = struct.pack(f"<{len(present)}I", *present)
    header = struct.pack("<BBH", 0, 0, length) + words + fields
    assert len(header) == length
    # Were its first octets flags, they would say that a checksum stands at the end.
    frame = header + LINK_FRAMES["wireless_to_ds"][1]
    row, _ = packet_and_path(frame, link=127)
    assert (anomaly_of(row), row["payload_bytes"]) == ("sound", 5)


@pytest.mark.parametrize(("octets", "name"), [
    (4, "link_truncated"), (3, "link_truncated"), (6, "link_truncated")])
def test_a_checksum_behind_hardly_anything(octets: int, name: str) -> None:
    frame = struct.pack("<BBHIB", 0, 0, 9, 2, 0x10) + b"\x08\x01".ljust(octets, b"\0")
    assert anomaly_of(packet_and_path(frame, link=127)[0]) == name


@pytest.mark.parametrize(("octets", "name"), [
    (3, "sound"), (4, "link_truncated"), (5, "link_truncated"), (6, "sound")])
def test_a_checksum_stands_behind_a_frame_that_is_hardly_there(octets: int, name: str) -> None:
    """Of a control frame two octets say what it is, where they are not those of the checksum."""
    frame = struct.pack("<BBHIB", 0, 0, 9, 2, 0x10) + b"\xd4\0\0\0\0\0"[:octets]
    assert anomaly_of(packet_and_path(frame, link=127)[0]) == name
