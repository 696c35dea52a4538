"""MPLS: the label stack, and what lies below it."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

from sensor.model.packets import KIND_NON_IP
from tests.unit.decode.batches import anomaly_of, packet_and_path
from tests.unit.decode.tunnel_corpus import (
    INNER_MAC,
    MAC,
    inner,
    inner_frame,
)


def test_a_pseudowire_is_opened_with_a_control_word_and_without() -> None:
    stack = Ether(**MAC, type=0x8847) / MPLS(label=16, s=1)
    for front in (b"\0\0\0\7", b""):
        row, path = packet_and_path(bytes(stack / Raw(front + bytes(inner_frame()))))
        assert (row["dst_port"], path) == (23, [])
        assert f"{int(row['src_mac']):012x}" == INNER_MAC["src"].replace(":", "")
    arp = Ether(**INNER_MAC) / ARP()
    assert packet_and_path(bytes(stack / Raw(b"\0\0\0\7" + bytes(arp))))[0]["kind"] == KIND_NON_IP
    assert packet_and_path(bytes(stack / Raw(b"\x10\0\0\7" + bytes(20))))[0]["kind"] == KIND_NON_IP


def labelled(count: int, content: bytes) -> Any:
    """The record of a frame whose content is behind so many labels."""
    stack = b"\0\1\0\x40" * (count - 1) + b"\0\1\1\x40"
    return packet_and_path(bytes(Ether(**MAC, type=0x8847) / Raw(stack + content)))[0]


def test_sixteen_labels_are_read_and_seventeen_are_too_many() -> None:
    assert labelled(16, bytes(inner()))["dst_port"] == 23
    assert anomaly_of(labelled(17, bytes(inner()))) == "mpls_stack_too_deep"


def test_a_stack_without_a_bottom_or_without_content_is_cut() -> None:
    frame = bytes(Ether(**MAC, type=0x8847) / MPLS(label=16, s=0))
    assert anomaly_of(packet_and_path(frame)[0]) == "mpls_truncated"
    assert anomaly_of(labelled(1, b"")) == "mpls_truncated"
    whole = bytes(Ether(**MAC, type=0x8847) / MPLS(label=16, s=1))
    row, _ = packet_and_path(whole, wire=[len(whole) + 1])
    assert anomaly_of(row) == "header_not_captured"


@pytest.mark.parametrize("first", ["45:00:0c:00:02:01", "4c:5e:0c:00:02:01", "60:00:00:00:02:02",
                                   "60:73:5c:00:02:02", "10:00:00:21:02:03", "00:00:00:07:02:03"])
@pytest.mark.parametrize("v6", [False, True])
@pytest.mark.parametrize("tagged", [False, True])
def test_a_frame_whose_address_looks_like_something_else_is_a_frame(
    first: str, v6: bool, tagged: bool
) -> None:
    """RFC 4928 3: the first four bits cannot tell IP from a MAC address without a control word."""
    frame = Ether(src=INNER_MAC["src"], dst=first)
    if tagged:
        frame = frame / Dot1Q(vlan=5)
    row = labelled(2, bytes(frame / inner(v6)))
    assert (anomaly_of(row), row["dst_port"], row["ip_version"]) == ("sound", 23, 6 if v6 else 4)
    assert f"{int(row['src_mac']):012x}" == INNER_MAC["src"].replace(":", "")


def test_ip_below_labels_is_ip_whatever_its_addresses_spell() -> None:
    for src in ("8.0.69.1", "8.6.0.1", "129.0.0.1"):
        row = labelled(1, bytes(IP(src=src, dst="192.0.2.1") / TCP(dport=23)))
        assert (row["ip_version"], row["dst_port"]) == (4, 23)
    source = "2001:db8:800:4500::1"  # 08 00 where a frame has its EtherType
    row = labelled(1, bytes(IPv6(src=source, dst="2001:db8::1") / TCP(dport=23)))
    assert (row["ip_version"], row["dst_port"]) == (6, 23)


def test_a_pseudowire_has_room_for_a_control_word_and_a_header() -> None:
    short = bytes(12) + b"\x08\x06" + bytes(3)  # ARP, one octet short of both
    assert labelled(1, short)["kind"] == KIND_NON_IP
    row = labelled(1, bytes(4) + bytes(12) + b"\x08\x00")
    assert anomaly_of(row) == "ipv4_header_truncated"


def frame_like(first: str, behind: bytes) -> bytes:
    """A frame that could be a pseudowire's: addresses, the EtherType of IPv4, an IPv4 packet."""
    return bytes(Ether(src=INNER_MAC["src"], dst=first, type=0x0800)) + behind


@pytest.mark.parametrize(("beyond", "version"), [(0, 6), (8, 6), (9, 4), (-1, 4)])
def test_a_length_that_is_the_packets_proves_ipv6(beyond: int, version: int) -> None:
    """Padding and a checksum are behind the shortest packets: 8 octets at most."""
    packet = bytes(inner())
    frame = frame_like("60:00:00:00:00:00", packet)
    length = len(frame) - 40 - beyond  # as a header of IPv6: behind its first 40 octets
    first = f"60:00:00:00:{length >> 8:02x}:{length & 255:02x}"
    row = labelled(1, frame_like(first, packet))
    assert row["ip_version"] == version
    if version == 4:
        assert (anomaly_of(row), row["dst_port"]) == ("sound", 23)


@pytest.mark.parametrize("header", [5, 6, 15])
def test_a_checksum_that_is_right_proves_ipv4(header: int) -> None:
    """RFC 791 3.1: over as many words as the header has, its options among them."""
    packet = IP(src="8.0.69.1", dst="192.0.2.1", options=[b"\1" * 4] * (header - 5)) / TCP(dport=23)
    octets = bytearray(bytes(packet))
    assert octets[0] == 0x40 + header
    assert labelled(1, bytes(octets))["ip_version"] == 4
    octets[11] ^= 1
    row = labelled(1, bytes(octets))
    # A frame: at its type stands 08 00, and 45 01 c0 00 behind it, a length of 49,152.
    assert anomaly_of(row) == "ipv4_truncated"
