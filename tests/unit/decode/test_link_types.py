"""Less common link types, tags and shells: the packet inside is found, as tshark finds it."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sensor.capture.files.errors import LINKS
from sensor.memory.records import NO_VLAN
from sensor.model.packets import KIND_FLOW, KIND_NON_IP
from tests.programs import require
from tests.unit.capture.files.build import enhanced, interface, pcap_header, record, section
from tests.unit.decode.batches import anomaly_of, decode_one
from tests.unit.decode.corpus import FRAMES, ipv4, ipv6
from tests.unit.decode.link_corpus import (
    DST,
    INNER4,
    MACS,
    RARE_LINK_FRAMES,
    SNAP4,
    SRC,
    TAG_FRAMES,
    V4,
    WIRELESS,
)

BOTH = {**TAG_FRAMES, **RARE_LINK_FRAMES}
WITH_PACKET = [name for name, (_, _, kind) in BOTH.items() if kind == KIND_FLOW]
# What tshark does not look into, but tcpdump does; and what neither of them knows.
IN_TCPDUMP = {"slip", "pppd", "ipnet", "netanalyzer", "broadcom", "broadcom_front", "marvell",
              "marvell_long"}
NOWHERE = {"mpls", "mpacket", "mpacket_start", "pktap_user"}


@pytest.mark.parametrize("name", WITH_PACKET)
def test_the_packet_inside(name: str) -> None:
    link, frame, _ = BOTH[name]
    row = decode_one(frame, link=link)
    assert anomaly_of(row) == "sound"
    assert (row["kind"], row["src_port"], row["dst_port"], row["payload_bytes"]) == (
        KIND_FLOW, 40000, 23, 5)  # fmt: skip
    assert (row["seq"], row["ack"], row["tcp_flags"]) == (7, 9, 24)


@pytest.mark.parametrize("name", [name for name in BOTH if name not in WITH_PACKET])
def test_what_is_no_packet_is_a_sound_frame(name: str) -> None:
    link, frame, _ = BOTH[name]
    row = decode_one(frame, link=link)
    assert (anomaly_of(row), row["kind"]) == ("sound", KIND_NON_IP)


def test_tshark_finds_the_same(tmp_path: Path) -> None:
    require("tshark")
    names = [name for name in WITH_PACKET if name not in IN_TCPDUMP | NOWHERE]
    links = sorted({BOTH[name][0] for name in names})
    octets = section() + b"".join(interface(link, 0) for link in links)
    for name in names:
        link, frame, _ = BOTH[name]
        octets += enhanced(frame, 1, links.index(link))
    path = tmp_path / "links.pcapng"
    path.write_bytes(octets)
    fields = ["ip.src", "ipv6.src", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.len"]
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=l"]
    done = subprocess.run([*command, *(part for name in fields for part in ("-e", name))],
                          capture_output=True, text=True, check=True)  # fmt: skip
    found = dict(zip(names, done.stdout.splitlines(), strict=True))
    expected = {}
    for name in names:
        row = decode_one(BOTH[name][1], link=BOTH[name][0])
        source = "192.0.2.1\t" if row["ip_version"] == 4 else "\t2001:db8::1"
        expected[name] = f"{source}\t40000\t23\t7\t5"
    assert found == expected


@pytest.mark.parametrize("name", sorted(IN_TCPDUMP))
def test_tcpdump_finds_the_same(name: str, tmp_path: Path) -> None:
    require("tcpdump")
    link, frame, _ = BOTH[name]
    path = tmp_path / "link.pcap"
    path.write_bytes(pcap_header(link=link) + record(frame))
    done = subprocess.run(["tcpdump", "-nr", str(path)], capture_output=True, text=True, check=True)
    assert "IP 192.0.2.1.40000 > 198.51.100.2.23: Flags [P.], seq 7:12, ack 9," in done.stdout


def test_every_link_type_that_is_read_is_among_the_frames() -> None:
    assert {link for link, _, _ in FRAMES.values()} | {14} == set(LINKS)


def test_an_attribute_of_nflog_that_is_longer_than_the_frame() -> None:
    frame = b"\x02\x00\x00\x05" + struct.pack("<HH", 200, 9) + V4
    assert anomaly_of(decode_one(frame, link=239)) == "link_truncated"
    assert anomaly_of(decode_one(frame[:8] + b"\0\0\0\0", link=239)) == "link_truncated"

ARPHRD_NETLINK = 824


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


def vlans(row: Any) -> tuple[int, int]:
    return int(row["vlan_outer"]), int(row["vlan_inner"])


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


WITHOUT_ADDRESSES = {
    "slip", "llc_ip", "snap_bridge", "atm", "frame_relay", "frame_relay_6", "frame_relay_snap",
    "frame_relay_cisco", "enc", "pflog", "fibre_channel", "firewire", "pppd", "ppp_directed",
    "mpls", "ipnet", "nflog", "nflog_6", "arcnet", "arcnet_6", "arcnet_old", "juniper_ip", "ipoib",
    "pktap_raw", "pktap_user",
}  # fmt: skip


@pytest.mark.parametrize("name", WITH_PACKET)
def test_the_addresses_of_the_frame_inside(name: str) -> None:
    row = decode_one(BOTH[name][1], link=BOTH[name][0], stale=0xA5)
    found = [int(row[end]).to_bytes(6, "big") for end in ("dst_mac", "src_mac")]
    assert found == ([bytes(6)] * 2 if name in WITHOUT_ADDRESSES else [DST, SRC])


# What each header says of its own length, and what follows; "" is the packet.
@pytest.mark.parametrize(("link", "frame", "name"), [
    (192, struct.pack("<BBHI", 0, 0, 8, 12) + V4, "no_ip"),  # PPI with a link type not known
    (192, struct.pack("<BBHI", 0, 0, 8, 101) + V4, ""),
    (192, struct.pack("<BBHI", 0, 0, 7, 101) + V4, "link_truncated"),
    (192, struct.pack("<BBHI", 0, 0, 9 + len(V4), 101) + V4, "link_truncated"),
    (192, struct.pack("<BBHI", 0, 0, 8 + len(V4), 101) + V4, "ipv4_header_truncated"),
    *[(117, bytes([length, 2]) + bytes(62) + V4, "") for length in (61, 62, 63, 64)],
    (117, bytes([60, 2]) + bytes(58) + V4, ""), (117, bytes([68, 2]) + bytes(66) + V4, ""),
    (117, bytes([4, 2]) + bytes(62) + V4, "link_truncated"),
    (163, struct.pack("!II", 0x80211001, 8) + WIRELESS, ""),
    (163, struct.pack("!II", 0x80211001, 7) + WIRELESS, "link_truncated"),
    (119, struct.pack("!II", 0x80211001, 200) + bytes(192) + WIRELESS, ""),
    (258, struct.pack("<III", 107, 1, 1) + bytes(95) + INNER4, "link_truncated"),
    (258, struct.pack("<III", 108, 1, 1) + bytes(96) + INNER4, ""),
    (258, struct.pack("<III", 108, 2, 1) + bytes(96) + INNER4, "no_ip"),  # no packet
    (258, struct.pack("<III", 108, 1, 258) + bytes(96) + INNER4, "no_ip"),  # in itself
    (258, struct.pack("<III", 108, 1, 149) + bytes(96) + INNER4, "no_ip"),
    (258, struct.pack("<III", 109 + len(V4), 1, 12) + bytes(96) + V4, "link_truncated"),
    (239, b"\2\0\0\5" + struct.pack("<HH", 3, 9) + V4, "link_truncated"),
    (239, b"\2\0\0\5" + struct.pack("<HH", 4, 1) + struct.pack("<HH", 4 + len(V4), 9) + V4, ""),
    (239, b"\2\0\0\5" + struct.pack("<HH", 4 + len(V4), 0x8009) + V4, ""),  # its top bit
    (239, b"\2\0\0\5" + struct.pack("<HH", 5 + len(V4), 9) + V4, "link_truncated"),
    (239, b"\2\0\0\5" + struct.pack("<HH", 3 + len(V4), 9) + V4, "ipv4_truncated"),
    *[(239, bytes(4) + b"\4\0\1\0" * count + struct.pack("<HH", 4 + len(V4), 9) + V4, name)
      for count, name in ((63, ""), (64, "no_ip"))],
    # Q.922: the last octet of an address of 2 to 4 is odd.
    *[(107, b"\x18" * (count - 1) + b"\x41\3\xcc" + V4, name)
      for count, name in ((1, "no_ip"), (2, ""), (3, ""), (4, ""), (5, "no_ip"))],
    (107, b"\x18\x41\3\0\xcc" + V4, ""), (107, b"\x18\x41\3\xcf\0\x21" + V4, ""),
    (107, b"\x18\x41\3\0\x80\x00\x80\xc2\x00\x01" + INNER4, ""),
    (107, b"\x18\x41\3\0\x80\x00\x80\xc2\x00\x08" + INNER4, "no_ip"),
    (107, b"\x18\x41\3\0\x80\x00\x80\xc3\x00\x07" + INNER4, "no_ip"),
    (107, b"\x18\x41\3\0\x80\x00\x00\x01\x08\x00" + V4, "no_ip"),
    # Token Ring: the route's length counts its own two octets (IEEE 802.5 C.3.3).
    *[(6, b"\x10\x40" + DST + b"\x82" + SRC[1:] + bytes([length]).ljust(max(length, 2), b"\0")
       + SNAP4 + V4, "link_truncated" if length < 2 else "") for length in (0, 1, 2, 4, 30)],
    (6, b"\x10\x00" + MACS + SNAP4 + V4, "no_ip"), (6, b"\x10\x80" + MACS + SNAP4 + V4, "no_ip"),
    (10, b"\x50" + MACS + SNAP4 + V4, ""), (10, b"\x5f" + MACS + SNAP4 + V4, ""),
    (10, b"\x40" + MACS + SNAP4 + V4, "no_ip"), (10, b"\x60" + MACS + SNAP4 + V4, "no_ip"),
    (178, b"MGC\x82\0\2\1\1\2\0\0\0" + V4, ""), (178, b"MGD\0" + INNER4, "no_ip"),
    (178, b"MGC\x80\0\0" + INNER4, ""), (178, b"MGC\x80\xff\xff" + INNER4, "link_truncated"),
    (129, b"\1\2\0\0\xd4\1\0\1" + V4, "no_ip"), (129, b"\1\2\0\0\xd5\0\0\1" + V4, "no_ip"),
    *[(274, b"\x55" * 7 + start.to_bytes() + INNER4, "")
      for start in (0xD5, 0xE6, 0x4C, 0x7F, 0xB3)],
    (274, b"\x55" * 7 + b"\xd4" + INNER4, "no_ip"),
    (274, b"\x55" * 6 + b"\x54\xd5" + INNER4, "no_ip"),
    (113, struct.pack("!HHHQH", 0, 770, 6, 0, 0x0800) + V4, "no_ip"),  # FRAD
    (113, struct.pack("!HHHQH", 0, 803, 6, 0, 0x0800) + V4, "no_ip"),  # radiotap
    (113, struct.pack("!HHHQH", 0, 802, 6, 0, 0x0800) + V4, ""),
    (113, struct.pack("!HHHQH", 0, 1, 6, 0, 0x05FF) + V4, "no_ip"),
    (276, struct.pack("!HHIHBBQ", 0x0800, 0, 2, 824, 0, 6, 0) + V4, "no_ip"),
    (276, struct.pack("!HHIHBBQ", 0x0800, 0, 2, 1, 0, 6, 0) + V4, ""),
    (276, struct.pack("!HHIHBBQ", 4, 0, 2, 1, 0, 6, 0) + SNAP4 + V4, ""),
    (0, struct.pack("<I", 0xFFFF) + V4, "no_ip"), (0, struct.pack(">I", 0x10000) + V4, "no_ip"),
    (226, bytes(24), "ipv4_header_truncated"), (226, bytes(24) + b"\x50" + bytes(40), "no_ip"),
])  # fmt: skip
def test_what_a_header_says_of_itself(link: int, frame: bytes, name: str) -> None:
    row = decode_one(frame, link=link)
    if name == "no_ip":
        assert (anomaly_of(row), row["kind"]) == ("sound", KIND_NON_IP)
    elif name:
        assert anomaly_of(row) == name
    else:
        assert (anomaly_of(row), row["kind"], row["dst_port"]) == ("sound", KIND_FLOW, 23)
