"""Sound frames of every kind that the decoder knows, and damage to them."""

from __future__ import annotations

import random
import struct

from scapy.layers.igmp import IGMP
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.ipsec import AH
from scapy.layers.l2 import ARP, SNAP, Dot1AD, Dot1Q, Dot3, Ether
from scapy.layers.sctp import SCTP

from sensor.model.packets import KIND_FLOW, KIND_FRAGMENT, KIND_ICMP_ERROR, KIND_NON_IP
from tests.unit.decode.link_corpus import RARE_LINK_FRAMES, TAG_FRAMES
from tests.unit.decode.tunnel_corpus import LINK_FRAMES, TUNNEL_FRAMES

V4 = {"src": "192.0.2.1", "dst": "198.51.100.2"}
V6 = {"src": "2001:db8::1", "dst": "2001:db8::2"}
MAC = {"dst": "02:00:00:00:00:02", "src": "02:00:00:00:00:01"}
TELNET = {"sport": 40000, "dport": 23}


def ethernet() -> Ether:
    return Ether(**MAC)


def ipv4() -> bytes:
    """A bare IPv4 packet with a TCP segment."""
    return bytes(IP(**V4) / TCP(**TELNET, flags="PA", seq=7, ack=9) / b"login")


def ipv6() -> bytes:
    """A bare IPv6 packet with a TCP segment."""
    return bytes(IPv6(**V6) / TCP(**TELNET, flags="PA", seq=7, ack=9) / b"login")


def _authentication(next_header: int) -> bytes:
    return bytes(AH(nh=next_header, payloadlen=4, spi=1, seq=1, icv=b"\0" * 12))


_OPTIONS = [("MSS", 1460), ("NOP", None), ("WScale", 7), ("SAckOK", b"")]
_UDP_LITE = struct.pack("!HHHH", 40000, 23, 8, 1) + b"data"
_DCCP = struct.pack("!HHBBHII", 40000, 23, 4, 0, 5, 0x01000000, 1) + b"data"
_SLL = struct.pack("!HHHQH", 0, 1, 6, 0x0200000000010000, 0x0800)
_SLL2 = struct.pack("!HHIHBBQ", 0x86DD, 0, 2, 1, 0, 6, 0x0200000000010000)
_V4_QUOTE = bytes(IP(**V4) / TCP(**TELNET, flags="S", seq=77))[:28]
_V6_QUOTE = bytes(IPv6(**V6) / IPv6ExtHdrDestOpt() / TCP(**TELNET, flags="S", seq=77))

# Name -> (link type, octets, kind).
PLAIN_FRAMES: dict[str, tuple[int, bytes, int]] = {
    "tcp": (1, bytes(ethernet())[:12] + b"\x08\x00" + ipv4(), KIND_FLOW),
    "tcp_syn": (1, bytes(ethernet() / IP(**V4) / TCP(**TELNET, flags="S", options=_OPTIONS)),
                KIND_FLOW),
    "tcp_padded": (1, bytes(ethernet() / IP(**V4) / TCP(**TELNET, flags="A")).ljust(60, b"\0"),
                   KIND_FLOW),
    "ip_options": (1, bytes(ethernet() / IP(**V4, options=[b"\x94\x04\0\0"]) / UDP(**TELNET)),
                   KIND_FLOW),
    "udp": (1, bytes(ethernet() / IP(**V4) / UDP(**TELNET) / b"question"), KIND_FLOW),
    "sctp": (1, bytes(ethernet() / IP(**V4) / SCTP(**TELNET)), KIND_FLOW),
    "udp_lite": (1, bytes(ethernet() / IP(**V4, proto=136) / _UDP_LITE), KIND_FLOW),
    "dccp": (1, bytes(ethernet() / IP(**V4, proto=33) / _DCCP), KIND_FLOW),
    "igmp": (1, bytes(ethernet() / IP(**V4) / IGMP()), KIND_FLOW),
    "ah": (1, bytes(ethernet() / IP(**V4, proto=51) / (_authentication(17) + bytes(UDP(**TELNET)))),
           KIND_FLOW),
    "vlan": (1, bytes(ethernet() / Dot1Q(vlan=5) / IP(**V4) / TCP(**TELNET)), KIND_FLOW),
    "qinq": (1, bytes(ethernet() / Dot1AD(vlan=5) / Dot1Q(vlan=6) / IPv6(**V6) / UDP(**TELNET)),
             KIND_FLOW),
    "eight_tags": (1, bytes(ethernet())[:12] + b"\x91\x00\x00\x05" * 8 + b"\x08\x00" + ipv4(),
                   KIND_FLOW),
    "snap": (1, bytes(Dot3(**MAC) / (b"\xaa\xaa\x03" + bytes(SNAP(code=0x800)) + ipv4())),
             KIND_FLOW),
    "spanning_tree": (1, bytes(Dot3(**MAC) / (b"\x42\x42\x03" + bytes(35))), KIND_NON_IP),
    "arp": (1, bytes(ethernet() / ARP(psrc="192.0.2.1", pdst="192.0.2.2")), KIND_NON_IP),
    "first_fragment": (1, bytes(ethernet() / IP(**V4, flags="MF") / UDP(**TELNET, len=999)
                                / bytes(16)), KIND_FLOW),
    "later_fragment": (1, bytes(ethernet() / IP(**V4, frag=3, proto=17) / b"rest"), KIND_FRAGMENT),
    "ping": (1, bytes(ethernet() / IP(**V4) / ICMP(id=0x1234, seq=1) / b"payload"), KIND_FLOW),
    "unreachable": (1, bytes(ethernet() / IP(**V4) / ICMP(type=3, code=13) / _V4_QUOTE),
                    KIND_ICMP_ERROR),
    "tcp6": (1, bytes(ethernet())[:12] + b"\x86\xdd" + ipv6(), KIND_FLOW),
    "extensions": (1, bytes(ethernet() / IPv6(**V6) / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt()
                            / IPv6ExtHdrRouting(addresses=["2001:db8::3"]) / TCP(**TELNET)),
                   KIND_FLOW),
    "first_fragment6": (1, bytes(ethernet() / IPv6(**V6) / IPv6ExtHdrFragment(m=1)
                                 / UDP(**TELNET, len=999) / bytes(16)), KIND_FLOW),
    "later_fragment6": (1, bytes(ethernet() / IPv6(**V6) / IPv6ExtHdrFragment(offset=3, nh=17)
                                 / b"rest"), KIND_FRAGMENT),
    "ah6": (1, bytes(ethernet() / IPv6(**V6, nh=51) / (_authentication(6) + bytes(TCP(**TELNET)))),
            KIND_FLOW),
    "esp6": (1, bytes(ethernet() / IPv6(**V6, nh=50) / bytes(24)), KIND_FLOW),
    "nothing6": (1, bytes(ethernet() / IPv6(**V6, nh=59)).ljust(60, b"\0"), KIND_FLOW),
    "ping6": (1, bytes(ethernet() / IPv6(**V6) / ICMPv6EchoRequest(id=0x1234, data=b"x")),
              KIND_FLOW),
    "unreachable6": (1, bytes(ethernet() / IPv6(**V6) / ICMPv6DestUnreach(code=1) / _V6_QUOTE),
                     KIND_ICMP_ERROR),
    "null": (0, struct.pack("<I", 2) + ipv4(), KIND_FLOW),
    "null_swapped": (0, struct.pack(">I", 30) + ipv6(), KIND_FLOW),
    "loop": (108, struct.pack(">I", 2) + ipv4(), KIND_FLOW),
    "raw": (101, ipv4(), KIND_FLOW),
    "raw6": (12, ipv6(), KIND_FLOW),
    "ipv4": (228, ipv4(), KIND_FLOW),
    "ipv6": (229, ipv6(), KIND_FLOW),
    "sll": (113, _SLL + ipv4(), KIND_FLOW),
    "sll_vlan": (113, _SLL[:14] + b"\x81\x00\x00\x07\x08\x00" + ipv4(), KIND_FLOW),
    "sll2": (276, _SLL2 + ipv6(), KIND_FLOW),
}
FRAMES = {**PLAIN_FRAMES, **LINK_FRAMES, **TAG_FRAMES, **RARE_LINK_FRAMES, **TUNNEL_FRAMES}


def damaged(chance: random.Random) -> tuple[int, bytes, int]:
    """A frame with damage, and the wire length that is claimed for it."""
    link, frame, _ = chance.choice(list(FRAMES.values()))
    octets = bytearray(frame)
    for _ in range(chance.randrange(6)):
        # Headers are in front: that is where damage is worth most.
        octets[min(chance.randrange(len(octets)), chance.randrange(len(octets)))] = (
            chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)]))
    if chance.random() < 0.5:
        del octets[chance.randrange(len(octets)):]
    wire = len(octets) + chance.choice([0, 0, 1, 4, 40, 1500, 70000])
    return link, bytes(octets), wire
