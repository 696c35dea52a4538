"""Less common link types, tags and shells: the packet inside is found, as tshark finds it."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from sensor.capture.files.errors import LINKS
from sensor.memory.records import NO_VLAN
from sensor.model.packets import KIND_FLOW, KIND_NON_IP
from tests.unit.capture.files.build import enhanced, interface, pcap_header, record, section
from tests.unit.decode.batches import anomaly_of, decode_one
from tests.unit.decode.corpus import FRAMES
from tests.unit.decode.link_corpus import (
    CORE,
    INNER4,
    MACS,
    RARE_LINK_FRAMES,
    TAG_FRAMES,
    V4,
    shell,
    tagged,
)

BOTH = {**TAG_FRAMES, **RARE_LINK_FRAMES}
WITH_PACKET = [name for name, (_, _, kind) in BOTH.items() if kind == KIND_FLOW]
# What tshark does not look into, but tcpdump does; and what neither of them knows.
IN_TCPDUMP = {"slip", "pppd", "ipnet", "netanalyzer", "broadcom", "broadcom_front", "marvell",
              "marvell_long"}
NOWHERE = {"mpls"}


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
    assert shutil.which("tshark"), "tshark is not installed: apt-get install tshark"
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
    told = dict(zip(names, done.stdout.splitlines(), strict=True))
    expected = {}
    for name in names:
        row = decode_one(BOTH[name][1], link=BOTH[name][0])
        source = "192.0.2.1\t" if row["ip_version"] == 4 else "\t2001:db8::1"
        expected[name] = f"{source}\t40000\t23\t7\t5"
    assert told == expected


@pytest.mark.parametrize("name", sorted(IN_TCPDUMP))
def test_tcpdump_finds_the_same(name: str, tmp_path: Path) -> None:
    assert shutil.which("tcpdump"), "tcpdump is not installed: apt-get install tcpdump"
    link, frame, _ = BOTH[name]
    path = tmp_path / "link.pcap"
    path.write_bytes(pcap_header(link=link) + record(frame))
    done = subprocess.run(["tcpdump", "-nr", str(path)], capture_output=True, text=True, check=True)
    assert "IP 192.0.2.1.40000 > 198.51.100.2.23: Flags [P.], seq 7:12, ack 9," in done.stdout


def test_every_link_type_that_is_read_is_among_the_frames() -> None:
    assert {link for link, _, _ in FRAMES.values()} | {14} == set(LINKS)


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


def test_an_attribute_of_nflog_that_is_longer_than_the_frame() -> None:
    frame = b"\x02\x00\x00\x05" + struct.pack("<HH", 200, 9) + V4
    assert anomaly_of(decode_one(frame, link=239)) == "link_truncated"
    assert anomaly_of(decode_one(frame[:8] + b"\0\0\0\0", link=239)) == "link_truncated"
