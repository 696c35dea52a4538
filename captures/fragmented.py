"""Packets in fragments: what large answers look like, and what hides in small pieces."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from dialogue import telnet_session
from formats import Frame
from mixed import NAME_SERVER
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from telnet_captures import DESK, ROUTER, V6, telnet
from traffic import MS, SECOND, Traffic, ip_packet

MTU = 1480
"""Octets behind an IPv4 header of a full frame; a multiple of 8."""


def cut(frame: Frame, places: tuple[int, ...], number: int) -> list[Frame]:
    """The fragments of a frame's IP packet, cut at these octets behind its header, 8 us apart."""
    ether = Ether(frame.octets)
    packet = ether.payload
    body = bytes(packet.payload)
    ends = [0, *places, len(body)]
    pieces = []
    for i, (start, end) in enumerate(pairwise(ends)):
        head = _head(packet, start >> 3, end < len(body), number)
        link = Ether(src=ether.src, dst=ether.dst)
        octets = bytes(link / head / Raw(body[start:end]))
        pieces.append(replace(frame, time_ns=frame.time_ns + 8_000 * i, octets=octets))
    return pieces


def _head(packet: Packet, offset: int, more: bool, number: int) -> Packet:
    """The header of one fragment, `offset` in units of 8 octets."""
    if IPv6 in packet:
        head = IPv6(src=packet.src, dst=packet.dst, hlim=packet.hlim)
        return head / IPv6ExtHdrFragment(nh=packet.nh, offset=offset, m=int(more), id=number)
    return IP(src=packet.src, dst=packet.dst, ttl=packet.ttl, id=number & 0xFFFF,
              flags="MF" if more else 0, frag=offset, proto=packet.proto)  # fmt: skip


def backwards(pieces: list[Frame]) -> list[Frame]:
    """The same pieces, the last one first."""
    times = [piece.time_ns for piece in pieces]
    return [replace(piece, time_ns=time) for piece, time in zip(pieces[::-1], times, strict=True)]


def fragments(traffic: Traffic) -> None:
    """Large name server answers and pings, over IPv4 and IPv6, in order and the last one first."""
    for i, (v6, turned) in enumerate(((False, False), (True, False), (False, True), (True, True))):
        at, whole = int(0.5 * i * SECOND), len(traffic.frames)
        there, back = (DESK, NAME_SERVER), (NAME_SERVER, DESK)
        ports = {"sport": 41_200 + i, "dport": 53}
        question = DNSQR(qname="keys.example.org", qtype="TXT")
        asked = DNS(id=700 + i, rd=1, qd=question)
        ask = ip_packet(*there, v6, 7 + i) / UDP(**ports) / asked
        traffic.add_packet(at, there, ask)
        ports = {"sport": 53, "dport": 41_200 + i}
        keys = [DNSRR(rrname="keys.example.org", type="TXT", ttl=300, rdata=[b"k" * 220])
                for _ in range(14)]  # fmt: skip
        told = DNS(id=700 + i, qr=1, rd=1, ra=1, qd=question, an=keys)
        tell = ip_packet(*back, v6, 0) / UDP(**ports) / told
        traffic.add_packet(at + 3 * MS, back, tell)
        for side, kind in ((0, (8, ICMPv6EchoRequest)), (1, (0, ICMPv6EchoReply))):
            ends = (DESK, ROUTER) if side == 0 else (ROUTER, DESK)
            body = bytes(range(200)) * 15
            echo = kind[1](id=90 + i, seq=1, data=body) if v6 else ICMP(
                type=kind[0], id=90 + i, seq=1) / Raw(body)
            traffic.add_packet(at + (10 + side) * MS, ends, ip_packet(*ends, v6, 0) / echo)
        frames = traffic.frames[whole:]
        del traffic.frames[whole:]
        for number, frame in enumerate(frames):
            pieces = [frame]
            if len(frame.octets) > MTU:
                pieces = cut(frame, (MTU - 40, 2 * (MTU - 40)), 100 * (i + 1) + number)
            traffic.frames += backwards(pieces) if turned else pieces


def telnet_fragments(traffic: Traffic) -> None:
    """Two logins whose SYNs are cut within their header; other ports are laid over the first one.

    Of an IPv6 packet the pieces come last one first. All larger segments are in two pieces. A piece
    of a packet whose beginning nobody sends belongs to nothing.
    """
    for v6, port, at in ((False, 50_600, 0.0), (True, 50_602, 2.0)):
        before = len(traffic.frames)
        telnet_session(telnet(traffic, path=V6 if v6 else None, port=port, at=at))
        frames = traffic.frames[before:]
        del traffic.frames[before:]
        syn = cut(frames[0], (16,) if v6 else (8,), 4_000 + port)
        if not v6:
            lie = replace(syn[0], time_ns=syn[0].time_ns + 4_000,
                          octets=_other_ports(syn[0].octets))  # fmt: skip
            syn.insert(1, lie)
        traffic.frames += backwards(syn) if v6 else syn
        for number, frame in enumerate(frames[1:]):
            large = len(frame.octets) > (98 if v6 else 78)
            traffic.frames += cut(frame, (40,), 5_000 + port + number) if large else [frame]
    stray = cut(traffic.frames[3], (16,), 9_999)[1]
    traffic.frames.append(replace(stray, time_ns=traffic.frames[0].time_ns + SECOND))


def _other_ports(octets: bytes) -> bytes:
    """The same fragment, longer by 8 octets, that says that the connection goes to port 443."""
    packet = Ether(octets)
    body = bytes(packet[IP].payload)
    body = body[:2] + (443).to_bytes(2, "big") + body[4:] + bytes(8)
    head = packet[IP].copy()
    head.remove_payload()
    del head.len, head.chksum
    return bytes(Ether(src=packet.src, dst=packet.dst) / head / Raw(body))
