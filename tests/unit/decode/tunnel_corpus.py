"""Sound frames of the links and tunnels that stand in front of packets, as scapy makes them."""

from __future__ import annotations

import struct

from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III, ERSPAN_PlatformSpecific
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.mpls import MPLS
from scapy.layers.dot11 import Dot11, Dot11QoS, RadioTap
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, GRE, GRE_PPTP, LLC, SNAP, Dot1Q, Ether
from scapy.layers.ppp import HDLC, PPP, PPPoE
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from sensor.model.packets import KIND_FLOW, KIND_NON_IP

MAC = {"dst": "02:00:00:00:00:02", "src": "02:00:00:00:00:01"}
INNER_MAC = {"dst": "02:00:00:00:00:22", "src": "02:00:00:00:00:11"}
V4 = {"src": "192.0.2.1", "dst": "198.51.100.2"}
V6 = {"src": "2001:db8::1", "dst": "2001:db8::2"}
OUTER = {"src": "203.0.113.1", "dst": "203.0.113.2"}
OUTER_6 = {"src": "2001:db8:ffff::1", "dst": "2001:db8:ffff::2"}
TELNET = {"sport": 40000, "dport": 23}


def inner(v6: bool = False) -> Packet:
    """The packet in each tunnel: five octets of a telnet session."""
    network = IPv6(**V6) if v6 else IP(**V4)
    return network / TCP(**TELNET, flags="PA", seq=7, ack=9) / Raw(b"login")


def inner_frame(v6: bool = False) -> Packet:
    return Ether(**INNER_MAC) / inner(v6)


def outer(v6: bool = False) -> Packet:
    return Ether(**MAC) / (IPv6(**OUTER_6) if v6 else IP(**OUTER))


def udp(port: int) -> Packet:
    return outer() / UDP(sport=55555, dport=port)


def vxlan(vni: int, content: Packet) -> Packet:
    return UDP(sport=55555, dport=4789) / VXLAN(vni=vni, flags="Instance") / content


def wireless(ds: int, **fields: object) -> Packet:
    """An 802.11 data frame of a station, an access point and somebody behind it."""
    return Dot11(
        type=2, FCfield=ds, addr1="02:00:00:00:00:a1", addr2="02:00:00:00:00:a2",
        addr3="02:00:00:00:00:a3", **fields)


def snap() -> Packet:
    return LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0, code=0x800) / inner()


RADIOTAP = struct.pack("<BBHIQBB", 0, 0, 18, 0x0000_0007, 1, 0x30, 2)  # padded, with checksum
CISCO = struct.pack("!BBH", 0x0F, 0, 0x0800)
_QOS = bytes(wireless(1, subtype=8) / Dot11QoS(TID=0))
_FOUR = bytes(wireless(3, addr4="02:00:00:00:00:a4"))

# Name -> (link type, octets, kind).
LINK_FRAMES: dict[str, tuple[int, bytes, int]] = {
    "pppoe": (1, bytes(Ether(**MAC, type=0x8864) / PPPoE(sessionid=7) / PPP(proto=0x21) / inner()),
              KIND_FLOW),
    "pppoe6_padded": (1, bytes(Ether(**MAC, type=0x8864) / PPPoE(sessionid=7) / PPP(proto=0x57)
                               / inner(True)).ljust(120, b"\0"), KIND_FLOW),
    "pppoe_link": (51, bytes(PPPoE(sessionid=7) / PPP(proto=0x21) / inner()), KIND_FLOW),
    "ppp": (9, bytes(PPP(proto=0x21) / inner()), KIND_FLOW),
    "ppp_compressed": (9, b"\x57" + bytes(inner(True)), KIND_FLOW),
    "ppp_hdlc": (50, bytes(HDLC() / PPP(proto=0x21) / inner()), KIND_FLOW),
    "ppp_mpls": (50, bytes(HDLC() / PPP(proto=0x281) / MPLS(label=16, s=1) / inner()), KIND_FLOW),
    "cisco_hdlc": (104, CISCO + bytes(inner()), KIND_FLOW),
    "lcp": (50, bytes(HDLC() / PPP(proto=0xC021) / Raw(bytes(8))), KIND_NON_IP),
    "mpls": (1, bytes(Ether(**MAC, type=0x8847) / MPLS(label=16, s=0) / MPLS(label=2, s=1)
                      / inner(True)), KIND_FLOW),
    "mpls_upstream": (1, bytes(Ether(**MAC, type=0x8848) / MPLS(label=16, s=1) / inner()),
                      KIND_FLOW),
    "mpls_vlan": (1, bytes(Ether(**MAC) / Dot1Q(vlan=5, type=0x8847) / MPLS(label=16, s=1)
                           / inner()), KIND_FLOW),
    "wireless_to_ds": (105, bytes(wireless(1) / snap()), KIND_FLOW),
    "wireless_from_ds": (105, bytes(wireless(2) / snap()), KIND_FLOW),
    "wireless_direct": (105, bytes(wireless(0) / snap()), KIND_FLOW),
    "wireless_four": (105, _FOUR + bytes(snap()), KIND_FLOW),
    "wireless_qos": (105, _QOS + bytes(snap()), KIND_FLOW),
    "radiotap": (127, bytes(RadioTap() / wireless(2) / snap()), KIND_FLOW),
    "radiotap_padded": (127, RADIOTAP + _QOS + bytes(2) + bytes(snap()) + b"\xfc\xfc\xfc\xfc",
                        KIND_FLOW),
    "beacon": (105, bytes(Dot11(type=0, subtype=8)), KIND_NON_IP),
}  # fmt: skip

# Tunnels that the outer packet announces.
_PPTP = GRE_PPTP(proto=0x880B, call_id=77, seqnum_present=1, acknum_present=1)
_ANNOUNCED: dict[str, tuple[int, bytes, int]] = {
    "gre": (1, bytes(outer() / GRE(proto=0x800) / inner()), KIND_FLOW),
    "gre_all": (1, bytes(outer() / GRE(proto=0x86DD, chksum_present=1, key_present=1, key=0xCAFE,
                                       seqnum_present=1) / inner(True)), KIND_FLOW),
    "gre_over_6": (1, bytes(outer(True) / GRE(proto=0x800) / inner()), KIND_FLOW),
    "gre_bridging": (1, bytes(outer() / GRE(proto=0x6558, key_present=1, key=9) / inner_frame()),
                     KIND_FLOW),
    "gre_mpls": (1, bytes(outer() / GRE(proto=0x8847) / MPLS(label=16, s=1) / inner()), KIND_FLOW),
    "nvgre": (1, bytes(outer() / GRE(proto=0x6558, key_present=1, key=0x1234_5607)
                       / inner_frame()), KIND_FLOW),
    "pptp": (1, bytes(outer() / _PPTP / PPP(proto=0x21) / inner()), KIND_FLOW),
    "erspan_1": (1, bytes(outer() / GRE(proto=0x88BE) / inner_frame()), KIND_FLOW),
    "erspan_2": (1, bytes(outer() / GRE(proto=0x88BE, seqnum_present=1, sequence_number=3)
                          / ERSPAN_II(vlan=120, en=2, session_id=50) / inner_frame()), KIND_FLOW),
    "erspan_3": (1, bytes(outer() / GRE(proto=0x22EB, seqnum_present=1, sequence_number=3)
                          / ERSPAN_III(session_id=51, o=1) / ERSPAN_PlatformSpecific()
                          / inner_frame(True)), KIND_FLOW),
    "ipip": (1, bytes(outer() / inner()), KIND_FLOW),
    "6in4": (1, bytes(outer() / inner(True)), KIND_FLOW),
    "4in6": (1, bytes(outer(True) / inner()), KIND_FLOW),
    "gre_mpls_checksum": (1, bytes(outer() / GRE(proto=0x8847, chksum_present=1)
                                   / MPLS(label=16, s=1) / inner()), KIND_FLOW),
    "mpls_ip": (1, bytes(Ether(**MAC) / IP(**OUTER, proto=137) / MPLS(label=16, s=1) / inner()),
                KIND_FLOW),
    "6in6": (1, bytes(outer(True) / inner(True)), KIND_FLOW),
    "ipip_three_deep": (1, bytes(outer() / IP(**OUTER) / IP(**OUTER) / inner()), KIND_FLOW),
}  # fmt: skip

# Tunnels that a UDP port gives reason to look for: cut short, the packet is one of UDP.
_GUESSED: dict[str, tuple[int, bytes, int]] = {
    "vxlan": (1, bytes(outer() / vxlan(5000, inner_frame())), KIND_FLOW),
    "vxlan_tagged": (1, bytes(outer() / vxlan(5000, Ether(**INNER_MAC) / Dot1Q(vlan=7) / inner())),
                     KIND_FLOW),
    "vxlan_over_6": (1, bytes(outer(True) / vxlan(5000, inner_frame(True))), KIND_FLOW),
    "vxlan_arp": (1, bytes(outer() / vxlan(5000, Ether(**INNER_MAC) / ARP())), KIND_NON_IP),
    "geneve": (1, bytes(udp(6081) / GENEVE(vni=6000, proto=0x6558) / inner_frame()), KIND_FLOW),
    "gtp": (1, bytes(udp(2152) / GTP_U_Header(teid=0xABCD) / inner()), KIND_FLOW),
    "gtp_extended": (1, bytes(udp(2152) / GTP_U_Header(teid=0xABCD, E=1, next_ex=0x85)
                              / GTPPDUSessionContainer(type=1, QFI=9) / inner(True)), KIND_FLOW),
    "vxlan_over_gre": (1, bytes(outer() / GRE(proto=0x800, key_present=1, key=4) / IP(**OUTER)
                                / vxlan(5000, inner_frame())), KIND_FLOW),
}  # fmt: skip
_OPTIONS = struct.pack("!HBB", 0x0102, 0x80, 1) + b"abcd" + struct.pack("!HBB", 1, 1, 0)
_GENEVE = struct.pack("!BBHI", len(_OPTIONS) // 4, 0x40, 0x86DD, 6000 << 8) + _OPTIONS
_GUESSED["geneve_options"] = (
    1, bytes(udp(6081) / Raw(_GENEVE + bytes(inner(True)))), KIND_FLOW)
_LABEL = b"\0\1\1\x40"
_L2TP_ALL = struct.pack("!HHHHHHH", 0x4A02, 0, 7, 9, 1, 1, 4) + b"pad!"
_CAPWAP = struct.pack("!IHH", 2 << 19 | 1 << 9, 0, 0)
_CAPWAP_NATIVE = struct.pack("!IHH", 4 << 19 | 1 << 9 | 0x130, 0, 0) + bytes(8)
_GUESSED |= {name: (1, bytes(udp(port) / Raw(header + bytes(content))), KIND_FLOW)
             for name, port, header, content in (
    ("vxlan_gpe", 4790, struct.pack("!II", 0x0C00_0003, 7000 << 8), inner_frame()),
    ("vxlan_gpe_4", 4790, struct.pack("!II", 0x0C00_0001, 7000 << 8), inner()),
    ("vxlan_gpe_6", 4790, struct.pack("!II", 0x0C00_0002, 7000 << 8), inner(True)),
    ("vxlan_gpe_mpls", 4790, struct.pack("!II", 0x0C00_0005, 7000 << 8) + _LABEL, inner()),
    ("gre_udp", 4754, b"\0\0\x08\0", inner()),
    ("mpls_udp", 6635, _LABEL, inner(True)),
    ("l2tp", 1701, bytes.fromhex("000200070009") + b"\xff\x03\0\x21", inner()),
    ("l2tp_all", 1701, _L2TP_ALL + b"\0\x57", inner(True)),
    ("l2tp_3", 1701, struct.pack("!HHI", 3, 0, 77), inner_frame()),
    ("capwap", 5247, _CAPWAP, inner_frame()),
    ("capwap_native", 5247, _CAPWAP_NATIVE, wireless(1) / snap()),
    ("tzsp", 37008, b"\1\0\0\1\0\x0a\1\5\1", inner_frame(True)),
    ("tzsp_wireless", 37008, b"\1\0\0\x12\1", wireless(2) / snap()),
)}  # fmt: skip

GUESSED = frozenset(_GUESSED)
TUNNEL_FRAMES = _ANNOUNCED | _GUESSED
