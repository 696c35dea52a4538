"""Link headers: what stands in front of IP, and frames without IP."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from sensor.memory.records import NO_VLAN
from sensor.model.packets import KIND_FLOW, KIND_NON_IP
from tests.unit.decode.batches import anomaly_of, decode_all, decode_one
from tests.unit.decode.corpus import FRAMES, ethernet, ipv4, ipv6

MACS = bytes(ethernet())[:12]
IPV4 = b"\x08\x00"
ARPHRD_NETLINK = 824


def tag(vlan: int, tpid: int = 0x8100) -> bytes:
    return struct.pack("!HH", tpid, vlan)


def vlans(row: Any) -> tuple[int, int]:
    return int(row["vlan_outer"]), int(row["vlan_inner"])


def test_an_ethernet_frame_gives_its_macs_as_numbers() -> None:
    frame = MACS + IPV4 + ipv4()
    packets = decode_all([frame, frame])
    assert packets.records["dst_mac"][:2].tolist() == [int.from_bytes(MACS[:6], "big")] * 2
    assert packets.records["src_mac"][:2].tolist() == [int.from_bytes(MACS[6:12], "big")] * 2
    assert packets.wire_bytes == 2 * len(frame)
    assert packets.records["time_ns"][:2].tolist() == [1000, 1001]
    assert packets.records["interface"][:2].tolist() == [3, 3]


def test_the_batch_is_adopted() -> None:
    packets = decode_all([MACS + IPV4 + ipv4()])
    assert packets.count == 1


@pytest.mark.parametrize("tpid", [0x8100, 0x88A8, 0x9100])
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


def test_snap_with_a_foreign_organisation_is_no_ip() -> None:
    packet = b"\xaa\xaa\x03\x00\x00\x0c\x08\x00" + ipv4()
    row = decode_one(MACS + struct.pack("!H", len(packet)) + packet)
    assert row["kind"] == KIND_NON_IP


@pytest.mark.parametrize("family", [24, 28, 30, 10, 23])
@pytest.mark.parametrize("order", ["<I", ">I"])
def test_null_has_the_families_of_every_system_in_both_orders(family: int, order: str) -> None:
    row = decode_one(struct.pack(order, family) + ipv6(), 0)
    assert (row["kind"], row["ip_version"], row["src_mac"]) == (KIND_FLOW, 6, 0)


def test_loop_is_in_network_order_alone() -> None:
    assert decode_one(struct.pack(">I", 2) + ipv4(), 108)["kind"] == KIND_FLOW
    assert decode_one(struct.pack("<I", 2) + ipv4(), 108)["kind"] == KIND_NON_IP


@pytest.mark.parametrize("link", [101, 12, 14])
def test_raw_ip_tells_its_version(link: int) -> None:
    assert decode_one(ipv4(), link)["ip_version"] == 4
    assert decode_one(ipv6(), link)["ip_version"] == 6
    assert anomaly_of(decode_one(b"\x50" + bytes(40), link)) == "ip_bad_version"


@pytest.mark.parametrize(("link", "packet"), [(228, ipv6()), (229, ipv4() + bytes(40))])
def test_the_other_version_than_announced_is_an_anomaly(link: int, packet: bytes) -> None:
    assert anomaly_of(decode_one(packet, link)) == "ip_bad_version"


def test_cooked_frames_have_vlans_but_no_macs() -> None:
    row = decode_one(FRAMES["sll_vlan"][1], 113)
    assert (row["kind"], vlans(row), row["src_mac"]) == (KIND_FLOW, (7, NO_VLAN), 0)


def test_a_cooked_netlink_message_is_no_ip() -> None:
    frame = struct.pack("!HHHQH", 4, ARPHRD_NETLINK, 0, 0, 0x0800) + ipv4()
    assert decode_one(frame, 113)["kind"] == KIND_NON_IP


def test_a_cooked_frame_with_llc_is_read_through_snap() -> None:
    frame = struct.pack("!HHHQH", 0, 1, 6, 0, 4) + b"\xaa\xaa\x03\0\0\0\x08\x00" + ipv4()
    assert decode_one(frame, 113)["kind"] == KIND_FLOW


def test_an_unknown_link_type_is_an_anomaly() -> None:
    assert anomaly_of(decode_one(bytes(100), 147)) == "unknown_link_type"


def test_a_wire_length_below_the_captured_one_is_not_believed() -> None:
    frame = MACS + IPV4 + ipv4()
    assert anomaly_of(decode_one(frame, wire=0)) == "sound"


def test_an_empty_batch() -> None:
    assert decode_all([]).count == 0
