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
    RARE_LINK_FRAMES,
    TAG_FRAMES,
    V4,
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
