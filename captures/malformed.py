"""Frames each malformed in its own way, between the frames of one sound telnet session."""

from __future__ import annotations

import struct

from dialogue import telnet_session
from telnet_captures import DESK, PRESS, lone_segment, telnet
from traffic import SECOND, Traffic

ETHERNET_BYTES, IPV4_BYTES = 14, 20
TCP_AT = ETHERNET_BYTES + IPV4_BYTES
FIRST_HALF = 20
"""This many frames of the session come before the malformed ones."""


def ethernet(ethertype: int, body: bytes) -> bytes:
    """An Ethernet frame from the desk to the press."""
    macs = bytes.fromhex((PRESS.mac + DESK.mac).replace(":", ""))
    return macs + ethertype.to_bytes(2, "big") + body


def ipv4(protocol: int, body: bytes) -> bytes:
    """An IPv4 frame whose own header is sound, checksum apart."""
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 9, 0x4000, 64, protocol, 0)
    return ethernet(0x0800, head + bytes([192, 168, 1, 20, 192, 168, 1, 50]) + body)


def ipv6(next_header: int, body: bytes, length: int | None = None) -> bytes:
    """An IPv6 frame; `length` is what its header says of the body."""
    said = len(body) if length is None else length
    addresses = bytes.fromhex("20010db8000100000000000000000020" "20010db8000100000000000000000050")
    return ethernet(0x86DD, struct.pack(">IHBB", 6 << 28, said, next_header, 64) + addresses + body)


def with_octet(frame: bytes, at: int, value: int) -> bytes:
    """The frame with one octet changed."""
    return frame[:at] + bytes([value]) + frame[at + 1 :]


def with_ip_length(frame: bytes, value: int) -> bytes:
    """The IPv4 frame with another total length."""
    return frame[:16] + value.to_bytes(2, "big") + frame[18:]


def malformed_frames() -> list[tuple[str, bytes]]:
    """Every defect with a name for people."""
    sound = lone_segment(b"uptime\r\n")
    udp = ipv4(17, struct.pack(">HHHH", 50592, 23, 12, 0) + b"ping")
    return [
        ("Ethernet header cut", sound[:11]),
        ("VLAN tag cut", ethernet(0x8100, b"\x00\x78\x08")),
        ("IPv4 header cut", sound[: ETHERNET_BYTES + 12]),
        ("IPv4 header length below 5", with_octet(sound, ETHERNET_BYTES, 0x44)),
        ("IPv4 header length beyond the frame", with_octet(sound, ETHERNET_BYTES, 0x4F)[:60]),
        ("IPv4 total length below its header", with_ip_length(sound, 19)),
        ("IPv4 total length beyond the frame", with_ip_length(sound, 400)),
        ("version 5 under the IPv4 EtherType", with_octet(sound, ETHERNET_BYTES, 0x55)),
        ("TCP header cut by the packet", ipv4(6, sound[TCP_AT : TCP_AT + 11])),
        ("TCP data offset below 5", with_octet(sound, TCP_AT + 12, 0x40)),
        ("TCP data offset beyond the packet", with_octet(sound, TCP_AT + 12, 0xF0)),
        ("UDP header cut by the packet", ipv4(17, udp[TCP_AT : TCP_AT + 6])),
        ("UDP length below 8", with_octet(udp, TCP_AT + 5, 7)),
        ("UDP length beyond the packet", with_octet(udp, TCP_AT + 5, 200)),
        ("IPv6 header cut", ipv6(6, b"")[: ETHERNET_BYTES + 30]),
        ("IPv6 payload length beyond the frame", ipv6(6, sound[TCP_AT:], 900)),
        ("IPv6 hop-by-hop header cut", ipv6(0, b"\x06\x04\x01\x04" + bytes(4))),
        ("IPv6 fragment header cut", ipv6(44, b"\x06\x00\x00\x01")),
        ("version 4 under the IPv6 EtherType", ethernet(0x86DD, sound[ETHERNET_BYTES:])),
        ("ICMP header cut", ipv4(1, b"\x03\x03\x00")),
        ("ICMPv6 header cut", ipv6(58, b"\x80\x00\x00")),
    ]


def malformed(traffic: Traffic) -> None:
    """A sound login, with one frame of every defect in its middle."""
    telnet_session(telnet(traffic, port=50588))
    between_ns = (traffic.frames[FIRST_HALF].time_ns - traffic.frames[0].time_ns) + 1_000
    for i, (_, octets) in enumerate(malformed_frames()):
        traffic.add(between_ns + i * 10_000, octets)
    assert between_ns < 60 * SECOND
