"""Tags and shells between the MAC addresses and the EtherType."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from sensor.memory.records import NO_VLAN
from sensor.model.packets import KIND_FLOW, KIND_NON_IP
from tests.unit.decode.batches import anomaly_of, decode_one
from tests.unit.decode.corpus import ipv4
from tests.unit.decode.link_corpus import (
    CORE,
    INNER4,
    MACS,
    TAG_FRAMES,
    shell,
    tagged,
)

IPV4 = b"\x08\x00"


def vlans(row: Any) -> tuple[int, int]:
    return int(row["vlan_outer"]), int(row["vlan_inner"])


def tag(vlan: int, tpid: int = 0x8100) -> bytes:
    return struct.pack("!HH", tpid, vlan)


@pytest.mark.parametrize("tpid", [0x8100, 0x88A8, 0x9100, 0x9200, 0x9300])
def test_a_tag_of_every_kind_is_read(tpid: int) -> None:
    row = decode_one(MACS + tag(0xE005, tpid) + IPV4 + ipv4())
    assert row["kind"] == KIND_FLOW
    assert vlans(row) == (5, NO_VLAN)  # without the priority bits


def test_of_a_stack_the_first_two_ids_are_kept() -> None:
    row = decode_one(MACS + tag(1) + tag(2) + tag(3) + IPV4 + ipv4())
    assert (row["kind"], vlans(row)) == (KIND_FLOW, (1, 2))


def test_eight_tags_are_read_and_nine_are_too_many() -> None:
    assert anomaly_of(decode_one(MACS + tag(1) * 8 + IPV4 + ipv4())) == "sound"
    assert anomaly_of(decode_one(MACS + tag(1) * 9 + IPV4 + ipv4())) == "vlan_stack_too_deep"


def test_a_tag_that_the_kernel_took_out_is_the_outer_one() -> None:
    row = decode_one(MACS + tag(2) + IPV4 + ipv4(), vlan_tci=0x2001)
    assert vlans(row) == (1, 2)
    assert vlans(decode_one(MACS + IPV4 + ipv4(), vlan_tci=0x2001)) == (1, NO_VLAN)


@pytest.mark.parametrize("priority", [0x0000, 0xA000])
def test_a_tag_with_a_priority_alone_names_no_vlan(priority: int) -> None:
    """IEEE 802.1Q 9.6: id 0, the null VLAN; whoever took the tag out."""
    assert vlans(decode_one(MACS + tag(priority) + IPV4 + ipv4())) == (NO_VLAN, NO_VLAN)
    assert vlans(decode_one(MACS + tag(priority) + tag(7) + IPV4 + ipv4())) == (7, NO_VLAN)
    assert vlans(decode_one(MACS + tag(7) + tag(priority) + IPV4 + ipv4())) == (7, NO_VLAN)
    taken_out = decode_one(MACS + tag(2) + IPV4 + ipv4(), vlan_tci=priority)
    assert vlans(taken_out) == (2, NO_VLAN)


def test_addresses_and_vlans_are_those_of_the_frame_inside() -> None:
    row = decode_one(TAG_FRAMES["fabric_path_vlan"][1])
    assert row["src_mac"].tobytes()[:6][::-1] == MACS[6:12]
    assert (row["vlan_outer"], row["vlan_inner"], row["tenant"]) == (7, NO_VLAN, 0)
    row = decode_one(TAG_FRAMES["vn_tag_vlan"][1])
    assert (row["vlan_outer"], row["vlan_inner"]) == (5, NO_VLAN)


def test_a_service_of_a_backbone_separates_flows() -> None:
    row = decode_one(TAG_FRAMES["backbone"][1])
    assert (row["tenant"], row["vlan_outer"]) == (0x123456, NO_VLAN)


def test_tags_and_shells_inside_one_another_are_bounded() -> None:
    inner = INNER4
    for _ in range(8):
        inner = shell(0x8903, b"\0\0", inner)
    assert anomaly_of(decode_one(inner)) == "sound"
    assert anomaly_of(decode_one(shell(0x8903, b"\0\0", inner))) == "vlan_stack_too_deep"
    many = CORE + (b"\x89\x03\0\0" + CORE) * 3000
    assert anomaly_of(decode_one(many)) == "vlan_stack_too_deep"


def test_a_frame_that_ends_inside_a_tag() -> None:
    whole = tagged(0x8926, bytes(4))
    assert anomaly_of(decode_one(whole[:17])) == "link_truncated"
    assert anomaly_of(decode_one(whole[:17], wire=len(whole))) == "header_not_captured"


def test_options_of_trill_move_the_frame_inside() -> None:
    for options in (0, 1, 31):
        front = struct.pack("!HHH", options << 6, 1, 2) + bytes(4 * options)
        assert decode_one(shell(0x22F3, front))["dst_port"] == 23


@pytest.mark.parametrize("control", [0x04, 0x08, 0x0C])
def test_what_is_encrypted_or_changed_is_no_ip(control: int) -> None:
    frame = tagged(0x88E5, bytes([control]) + bytes(5))
    assert decode_one(frame)["kind"] == KIND_NON_IP


@pytest.mark.parametrize(("kind", "front", "captured", "need"), [
    (0x88E5, b"\x20" + bytes(13), 1, 16), (0x88E5, b"\x00" + bytes(5), 1, 8),
    (0x22F3, b"\x07\xc0" + bytes(128), 2, 144), (0x22F3, b"\0\x40" + bytes(8), 2, 24),
])  # fmt: skip
def test_how_long_a_tag_is_stands_in_its_first_octets(
    kind: int, front: bytes, captured: int, need: int
) -> None:
    """Where just these are captured, the frame ends inside the tag or the capture does."""
    frame = shell(kind, front)[: 14 + captured]
    assert anomaly_of(decode_one(frame, wire=14 + need - 1)) == "link_truncated"
    assert anomaly_of(decode_one(frame, wire=14 + need)) == "header_not_captured"


def test_that_a_frame_is_encrypted_stands_in_one_octet() -> None:
    row = decode_one(tagged(0x88E5, b"\x0c" + bytes(5))[:15], wire=100)
    assert (anomaly_of(row), row["kind"]) == ("sound", KIND_NON_IP)
