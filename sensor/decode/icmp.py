"""ICMP (RFC 792) and ICMPv6 (RFC 4443): requests, replies, and errors with what they quote.

Type and code stand where other transports have ports, as the Community ID (version 1) maps them: a
message that has a counterpart gives its type and that of the counterpart, so that a reply mirrors
its request; any other gives type and code. The identifier, where a message has one, is `seq`.

A quote that cannot be read leaves `quoted` 0: routers may cut it as short as they like, so that is
no anomaly of the error that brings it.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.model.addresses import V4_PREFIX
from sensor.model.anomalies import SOUND
from sensor.model.packets import (
    KIND_ICMP_ERROR,
    PROTOCOL_DCCP,
    PROTOCOL_ICMP,
    PROTOCOL_ICMPV6,
    PROTOCOL_SCTP,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    PROTOCOL_UDP_LITE,
)

if not cython.compiled:
    from sensor.decode.ipv6_extensions import (
        EXTENSIONS_MAX,
        FRAGMENT,
        extension_bytes,
        is_extension,
    )
    from sensor.memory.loads import Octets, be16, be32, be64, u8
    from sensor.memory.records import Packet

FRAGMENT_OFFSET = 0x1FFF
ONE_WAY = 256  # no ICMP type: the message has no counterpart


def decode_icmp(octets: Octets, packet: Packet, at: int, end: int) -> int:
    """ICMP; the caller proved the 8 octets of the header."""
    packet.icmp_type = u8(octets, at)
    set_message(octets, packet, at, counterpart(packet.icmp_type))
    # Unreachable, source quench, time exceeded, parameter problem. A redirect quotes too, but what
    # it quotes was forwarded: it tells nothing of that flow and makes one, as ICMPv6's does.
    if packet.icmp_type in (3, 4, 11, 12):
        packet.kind = KIND_ICMP_ERROR
        decode_quote(octets, packet, at + 8, end)
    return SOUND


def decode_icmpv6(octets: Octets, packet: Packet, at: int, end: int) -> int:
    """ICMPv6; the caller proved the 8 octets of the header."""
    packet.icmp_type = u8(octets, at)
    set_message(octets, packet, at, counterpart_v6(packet.icmp_type))
    # Unreachable, packet too big, time exceeded, parameter problem.
    if 1 <= packet.icmp_type <= 4:
        packet.kind = KIND_ICMP_ERROR
        decode_quote_v6(octets, packet, at + 8, end)
    return SOUND


def set_message(octets: Octets, packet: Packet, at: int, other: int) -> None:
    """Type, code, checksum, identifier, and the two numbers that stand for ports."""
    packet.icmp_code = u8(octets, at + 1)
    packet.checksum = be16(octets, at + 2)
    packet.src_port = packet.icmp_type
    packet.dst_port = packet.icmp_code if other == ONE_WAY else other
    if has_identifier(packet.icmp_type):
        packet.seq = be16(octets, at + 4)


def counterpart(kind: int) -> int:
    """The ICMP type that answers or asks for `kind`, else ONE_WAY."""
    if kind in (0, 8):  # echo
        return 8 - kind
    if kind in (9, 13, 15, 17):  # router, timestamp, information, address mask
        return kind + 1
    if kind in (10, 14, 16, 18):
        return kind - 1
    return ONE_WAY


def counterpart_v6(kind: int) -> int:
    """The ICMPv6 type that answers or asks for `kind`, else ONE_WAY."""
    # Echo, listener query, router, neighbour, node information, home agent discovery.
    if kind in (128, 130, 133, 135, 139, 144):
        return kind + 1
    if kind in (129, 131, 134, 136, 140, 145):
        return kind - 1
    return ONE_WAY


def has_identifier(kind: int) -> bool:
    """True for types of ICMP or of ICMPv6 with an identifier behind the checksum."""
    return kind in (0, 8, 128, 129) or 13 <= kind <= 18


def decode_quote(octets: Octets, packet: Packet, at: int, end: int) -> None:
    """The IPv4 packet that an ICMP error quotes: the addresses at least, or nothing."""
    if end - at < 20 or u8(octets, at) >> 4 != 4:
        return
    header = (u8(octets, at) & 0x0F) << 2
    if header < 20 or header > end - at:
        return
    fragment = be16(octets, at + 6)
    packet.quoted_ip_version = 4
    packet.quoted_protocol = u8(octets, at + 9)
    packet.quoted_src_hi = 0
    packet.quoted_src_lo = V4_PREFIX | be32(octets, at + 12)
    packet.quoted_dst_hi = 0
    packet.quoted_dst_lo = V4_PREFIX | be32(octets, at + 16)
    if fragment & FRAGMENT_OFFSET == 0:
        decode_quoted_transport(octets, packet, at + header, end)


def decode_quote_v6(octets: Octets, packet: Packet, at: int, end: int) -> None:
    """The IPv6 packet that an ICMPv6 error quotes: the addresses at least, or nothing."""
    if end - at < 40 or u8(octets, at) >> 4 != 6:
        return
    protocol = u8(octets, at + 6)
    packet.quoted_ip_version = 6
    packet.quoted_src_hi = be64(octets, at + 8)
    packet.quoted_src_lo = be64(octets, at + 16)
    packet.quoted_dst_hi = be64(octets, at + 24)
    packet.quoted_dst_lo = be64(octets, at + 32)
    at += 40
    headers = 0
    while is_extension(protocol):
        if headers == EXTENSIONS_MAX or end - at < 8:
            return
        # A later fragment names no flow.
        if protocol == FRAGMENT and be16(octets, at + 2) & 0xFFF8:
            return
        length = extension_bytes(octets, protocol, at)
        if length > end - at:
            return
        protocol = u8(octets, at)
        at += length
        headers += 1
    packet.quoted_protocol = protocol
    decode_quoted_transport(octets, packet, at, end)


def decode_quoted_transport(octets: Octets, packet: Packet, at: int, end: int) -> None:
    """Ports of the quoted packet, and its sequence number or ICMP identifier if they are there."""
    protocol = packet.quoted_protocol
    packet.quoted_has_seq = 0
    packet.quoted_seq = 0
    packet.quoted_src_port = 0
    packet.quoted_dst_port = 0
    if protocol in (PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP, PROTOCOL_DCCP, PROTOCOL_UDP_LITE):
        if end - at < 4:
            return
        packet.quoted_src_port = be16(octets, at)
        packet.quoted_dst_port = be16(octets, at + 2)
        if protocol == PROTOCOL_TCP and end - at >= 8:
            packet.quoted_seq = be32(octets, at + 4)
            packet.quoted_has_seq = 1
    elif protocol in (PROTOCOL_ICMP, PROTOCOL_ICMPV6):
        if end - at < 8:
            return
        kind = u8(octets, at)
        other = counterpart(kind) if protocol == PROTOCOL_ICMP else counterpart_v6(kind)
        packet.quoted_src_port = kind
        packet.quoted_dst_port = u8(octets, at + 1) if other == ONE_WAY else other
        if has_identifier(kind):
            packet.quoted_seq = be16(octets, at + 4)
            packet.quoted_has_seq = 1
    packet.quoted = 1
