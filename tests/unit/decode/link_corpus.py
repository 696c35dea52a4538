"""Frames of less common link types, and with tags and shells that switches put into Ethernet.

Written octet by octet from the standards; `test_link_types.py` lets tshark read them too.
"""

from __future__ import annotations

import struct

from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

from sensor.model.packets import KIND_FLOW, KIND_NON_IP

V4 = bytes(IP(src="192.0.2.1", dst="198.51.100.2")
           / TCP(sport=40000, dport=23, flags="PA", seq=7, ack=9) / b"login")  # fmt: skip
V6 = bytes(IPv6(src="2001:db8::1", dst="2001:db8::2")
           / TCP(sport=40000, dport=23, flags="PA", seq=7, ack=9) / b"login")  # fmt: skip
DST, SRC = bytes.fromhex("020000000002"), bytes.fromhex("020000000001")
MACS = DST + SRC
CORE = bytes.fromhex("020f00000002020f00000001")
"""The addresses of the switches, around those of the frame."""
SNAP4 = b"\xaa\xaa\x03\x00\x00\x00\x08\x00"
SNAP6 = b"\xaa\xaa\x03\x00\x00\x00\x86\xdd"
INNER4 = MACS + b"\x08\x00" + V4
WIRELESS = b"\x08\x02\x00\x00" + DST + b"\x02\x00\x00\x00\x00\x09" + SRC + b"\x10\x00" + SNAP4 + V4


def tagged(ethertype: int, tag: bytes, behind: bytes = b"\x08\x00" + V4) -> bytes:
    return MACS + struct.pack("!H", ethertype) + tag + behind


def shell(ethertype: int, tag: bytes, inner: bytes = INNER4) -> bytes:
    return CORE + struct.pack("!H", ethertype) + tag + inner


def attribute(number: int, value: bytes) -> bytes:
    padding = bytes(-len(value) % 4)
    return struct.pack("<HH", 4 + len(value), number) + value + padding


NFLOG4 = b"\x02\x00\x00\x05" + attribute(1, b"\x08\x00\x01\x00") + attribute(10, b"prefix\0")

# Name -> (link type, octets, kind).
TAG_FRAMES: dict[str, tuple[int, bytes, int]] = {
    "cisco_metadata": (1, tagged(0x8909, bytes.fromhex("010100010007")), KIND_FLOW),
    "vn_tag": (1, tagged(0x8926, bytes.fromhex("80010002")), KIND_FLOW),
    "vn_tag_vlan": (1, tagged(0x8926, bytes.fromhex("80010002"),
                              b"\x81\x00\x00\x05\x86\xdd" + V6), KIND_FLOW),
    "hsr": (1, tagged(0x892F, struct.pack("!HH", len(V4) + 6, 9)), KIND_FLOW),
    "redundancy_tag": (1, tagged(0xF1C1, bytes.fromhex("00000009")), KIND_FLOW),
    "e_tag": (1, tagged(0x893F, bytes.fromhex("000110020000")), KIND_FLOW),
    "macsec": (1, tagged(0x88E5, bytes.fromhex("000000000001")) + bytes(16), KIND_FLOW),
    "macsec_channel": (1, tagged(0x88E5, bytes.fromhex("200000000001") + SRC + b"\0\1") + bytes(16),
                       KIND_FLOW),
    "macsec_encrypted": (1, tagged(0x88E5, bytes.fromhex("0c0000000001"), bytes(60)), KIND_NON_IP),
    # These are captured with their frame check sequence.
    "fabric_path": (1, shell(0x8903, b"\x00\x5f") + bytes(4), KIND_FLOW),
    "fabric_path_vlan": (1, shell(0x8903, b"\x00\x5f", MACS + b"\x81\x00\x00\x07\x08\x00" + V4)
                         + bytes(4), KIND_FLOW),
    "backbone": (1, CORE + b"\x88\xa8\x00\x09" + shell(0x88E7, bytes.fromhex("00123456"))[12:],
                 KIND_FLOW),
    "trill": (1, shell(0x22F3, bytes.fromhex("003f00010002")), KIND_FLOW),
    "trill_options": (1, shell(0x22F3, bytes.fromhex("007f00010002") + bytes(4)), KIND_FLOW),
}
RARE_LINK_FRAMES: dict[str, tuple[int, bytes, int]] = {
    "token_ring": (6, b"\x10\x40" + MACS + SNAP4 + V4, KIND_FLOW),
    "token_ring_route": (6, b"\x10\x40" + DST + b"\x82" + SRC[1:]
                         + bytes.fromhex("06800011abc0") + SNAP4 + V4, KIND_FLOW),
    "token_ring_own": (6, b"\x10\x05" + MACS + bytes(20), KIND_NON_IP),
    "slip": (8, b"\x01\x45" + bytes(14) + V4, KIND_FLOW),
    "llc_ip": (100, b"\x06\x06\x03" + V4, KIND_FLOW),
    "snap_bridge": (100, b"\xaa\xaa\x03\x00\x00\xf8\x08\x00" + V4, KIND_FLOW),
    "fddi": (10, b"\x57" + MACS + SNAP6 + V6, KIND_FLOW),
    "atm": (100, SNAP4 + V4, KIND_FLOW),
    "frame_relay": (107, b"\x18\x41\x03\xcc" + V4, KIND_FLOW),
    "frame_relay_6": (107, b"\x18\x41\x03\x8e" + V6, KIND_FLOW),
    "frame_relay_snap": (107, b"\x18\x41\x03\x00\x80\x00\x00\x00\x08\x00" + V4, KIND_FLOW),
    "frame_relay_bridged": (107, b"\x18\x41\x03\x00\x80\x00\x80\xc2\x00\x07" + INNER4, KIND_FLOW),
    "frame_relay_cisco": (107, b"\x18\x41\x08\x00" + V4, KIND_FLOW),
    "frame_relay_lmi": (107, b"\x00\x01\x03\x08\x00\x75" + bytes(10), KIND_NON_IP),
    "enc": (109, struct.pack("<I", 2) + bytes(8) + V4, KIND_FLOW),
    "pflog": (117, b"\x3d\x02\x00\x00" + b"em0".ljust(60, b"\0") + V4, KIND_FLOW),
    "prism": (119, struct.pack("<II", 0x44, 144) + b"wlan0".ljust(136, b"\0") + WIRELESS,
              KIND_FLOW),
    "prism_avs": (119, struct.pack("!II", 0x80211001, 64) + bytes(56) + WIRELESS, KIND_FLOW),
    "fibre_channel": (122, bytes(16) + SNAP4 + V4, KIND_FLOW),
    "firewire": (138, bytes(16) + b"\x08\x00" + V4, KIND_FLOW),
    "avs": (163, struct.pack("!II", 0x80211001, 64) + bytes(56) + WIRELESS, KIND_FLOW),
    "pppd": (166, b"\x01\x03\x00\x21" + V4, KIND_FLOW),
    "ppi": (192, struct.pack("<BBHI", 0, 0, 8, 105) + WIRELESS, KIND_FLOW),
    "ppi_ethernet": (192, struct.pack("<BBHI", 0, 0, 12, 1) + bytes(4) + INNER4, KIND_FLOW),
    "ppp_directed": (204, b"\x01\xff\x03\x00\x57" + V6, KIND_FLOW),
    "mpls": (219, b"\x00\x01\x01\x40" + V4, KIND_FLOW),
    "ipnet": (226, b"\x01\x02" + bytes(22) + V4, KIND_FLOW),
    "nflog": (239, NFLOG4 + attribute(9, V4), KIND_FLOW),
    "nflog_6": (239, b"\x0a\x00\x00\x05" + attribute(9, V6), KIND_FLOW),
    "nflog_arp": (239, b"\x07\x00\x00\x05" + attribute(9, b"\0\1\x08\0\6\4"), KIND_NON_IP),
    "arcnet": (129, b"\1\2\0\0\xd4\0\0\1" + V4, KIND_FLOW),
    "arcnet_6": (129, b"\1\2\0\0\xc4\0\0\1" + V6, KIND_FLOW),
    "arcnet_old": (129, b"\1\2\0\0\xf0" + V4, KIND_FLOW),
    "juniper": (178, b"MGC\1" + INNER4, KIND_FLOW),
    "juniper_extended": (178, b"MGC\x80\0\6\1\1\5\2\1\6" + INNER4, KIND_FLOW),
    "juniper_ip": (178, b"MGC\2" + struct.pack("<I", 2) + V4, KIND_FLOW),
    "ipoib": (242, bytes(40) + b"\x08\0\0\0" + V4, KIND_FLOW),
    "pktap": (258, struct.pack("<III", 108, 1, 1) + bytes(96) + INNER4, KIND_FLOW),
    "pktap_raw": (258, struct.pack("<III", 112, 1, 12) + bytes(100) + V6, KIND_FLOW),
    "pktap_user": (149, struct.pack("<III", 108, 1, 0) + bytes(96) + b"\2\0\0\0" + V4, KIND_FLOW),
    "mpacket": (274, b"\x55" * 7 + b"\xd5" + INNER4 + bytes(4), KIND_FLOW),
    "mpacket_start": (274, b"\x55" * 7 + b"\x4c" + INNER4 + bytes(4), KIND_FLOW),
    "mpacket_rest": (274, b"\x55" * 6 + b"\x61\xe6" + bytes(60), KIND_NON_IP),
    "netanalyzer": (240, bytes.fromhex("00100000") + INNER4, KIND_FLOW),
    "broadcom": (281, MACS + b"\x20\x00\x00\x01\x08\x00" + V4, KIND_FLOW),
    "broadcom_front": (282, b"\x20\x00\x00\x01" + INNER4, KIND_FLOW),
    "marvell": (284, MACS + b"\xc0\x08\x00\x00\x08\x00" + V4, KIND_FLOW),
    "marvell_long": (285, MACS + b"\xda\xda\x00\x00\xc0\x08\x00\x00\x08\x00" + V4, KIND_FLOW),
}
