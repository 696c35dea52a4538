"""Transports: TCP, UDP, UDP-Lite, SCTP and DCCP ports; ICMP is handed on; others have no ports.

`ip_end` is one past the packet by its IP length, `end` one past what was captured of it. Where
`first_fragment` is set the rest of the packet comes in other frames.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.memory.records import NO_WINDOW_SCALE
from sensor.model.anomalies import (
    AH_BAD_LENGTH,
    DCCP_BAD_OFFSET,
    DCCP_HEADER_TRUNCATED,
    HEADER_NOT_CAPTURED,
    ICMP_HEADER_TRUNCATED,
    ICMPV6_HEADER_TRUNCATED,
    IP_TINY_FRAGMENT,
    SCTP_HEADER_TRUNCATED,
    SOUND,
    TCP_BAD_OFFSET,
    TCP_HEADER_TRUNCATED,
    UDP_BAD_LENGTH,
    UDP_HEADER_TRUNCATED,
    UDP_LITE_BAD_COVERAGE,
    UDP_LITE_HEADER_TRUNCATED,
)
from sensor.model.packets import (
    KIND_FLOW,
    PROTOCOL_DCCP,
    PROTOCOL_ICMP,
    PROTOCOL_ICMPV6,
    PROTOCOL_SCTP,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    PROTOCOL_UDP_LITE,
    SYN,
    TRANSPORT_CUT,
)

if not cython.compiled:
    from sensor.decode.applications import application_of_tcp, application_of_udp
    from sensor.decode.icmp import decode_icmp, decode_icmpv6
    from sensor.memory.loads import Octets, be16, be32, u8
    from sensor.memory.records import Packet

TCP_NEEDED = 14
"""Octets of a TCP header that the snapshot length must leave: up to its flags. The old 68 octets of
tcpdump leave just these of IPv6 over Ethernet."""
WINDOW_UNKNOWN = 0xFFFF
WINDOW_SCALE_MAX = 14  # RFC 7323 2.3: a larger shift count is taken as 14
UDP_MAX = 65535  # a longer datagram has 0 in its length field, RFC 2675 4


def decode_transport(
    octets: Octets, packet: Packet, at: int, end: int, ip_end: int, first_fragment: bool
) -> int:
    """The transport header that `packet.protocol` announces."""
    packet.kind = KIND_FLOW
    if packet.protocol == PROTOCOL_TCP:
        return decode_tcp(octets, packet, at, end, ip_end, first_fragment)
    if packet.protocol == PROTOCOL_UDP:
        return decode_udp(octets, packet, at, end, ip_end, first_fragment)
    return decode_other(octets, packet, at, end, ip_end, first_fragment)


def decode_other(
    octets: Octets, packet: Packet, at: int, end: int, ip_end: int, first_fragment: bool
) -> int:
    """The rarer transports; one that we know nothing of has no ports."""
    protocol = packet.protocol
    if protocol == PROTOCOL_ICMP and packet.ip_version == 4:
        if end - at < 8:
            return cut_short(ip_end - at, 8, ICMP_HEADER_TRUNCATED, first_fragment)
        set_payload(packet, at + 8, end, ip_end)
        return decode_icmp(octets, packet, at, end)
    if protocol == PROTOCOL_ICMPV6 and packet.ip_version == 6:
        if end - at < 8:
            return cut_short(ip_end - at, 8, ICMPV6_HEADER_TRUNCATED, first_fragment)
        set_payload(packet, at + 8, end, ip_end)
        return decode_icmpv6(octets, packet, at, end)
    if protocol == PROTOCOL_SCTP:
        return decode_sctp(octets, packet, at, end, ip_end, first_fragment)
    if protocol == PROTOCOL_UDP_LITE:
        return decode_udp_lite(octets, packet, at, end, ip_end, first_fragment)
    if protocol == PROTOCOL_DCCP:
        return decode_dccp(octets, packet, at, end, ip_end, first_fragment)
    set_payload(packet, at, end, ip_end)
    return SOUND


def set_payload(packet: Packet, at: int, end: int, ip_end: int) -> None:
    """Record what lies behind the transport header, which may not have been captured."""
    packet.payload_offset = at
    packet.payload_bytes = ip_end - at
    packet.payload_captured = max(end - at, 0)


def cut_short(left: int, need: int, code: int, first_fragment: bool) -> int:
    """Why a header of `need` octets is not there: the packet, its fragment or the capture ends."""
    if left >= need:
        return HEADER_NOT_CAPTURED
    return IP_TINY_FRAGMENT if first_fragment else code


def decode_tcp(
    octets: Octets, packet: Packet, at: int, end: int, ip_end: int, first_fragment: bool
) -> int:
    """TCP, RFC 9293 3.1; options are only read for the window scale of a SYN."""
    if end - at < 20 and (ip_end - at < 20 or end - at < TCP_NEEDED):
        if end - at >= 4 and ip_end - at >= 20 and not first_fragment:
            return decode_ports(octets, packet, at, end, ip_end)
        return cut_short(ip_end - at, 20, TCP_HEADER_TRUNCATED, first_fragment)
    header = (u8(octets, at + 12) >> 4) << 2
    if header < 20:
        return TCP_BAD_OFFSET
    if header > ip_end - at:
        return IP_TINY_FRAGMENT if first_fragment else TCP_BAD_OFFSET
    flags = u8(octets, at + 13)
    packet.src_port = be16(octets, at)
    packet.dst_port = be16(octets, at + 2)
    packet.seq = be32(octets, at + 4)
    packet.ack = be32(octets, at + 8)
    packet.tcp_flags = flags
    if end - at >= 20:
        packet.window = be16(octets, at + 14)
        packet.checksum = be16(octets, at + 16)
    else:
        packet.window = WINDOW_UNKNOWN
    set_payload(packet, at + header, end, ip_end)
    if packet.payload_captured:
        packet.application = application_of_tcp(octets, packet, at + header, end)
    if flags & SYN and header > 20:
        packet.window_scale = window_scale_of(octets, at + 20, min(at + header, end))
        if packet.window_scale == NO_WINDOW_SCALE and at + header > end:
            packet.window_scale = WINDOW_SCALE_MAX  # not captured: no window is too large
    return SOUND


def decode_ports(octets: Octets, packet: Packet, at: int, end: int, ip_end: int) -> int:
    """Read a TCP header that the capture cut behind its ports: it names the flow, and no more."""
    packet.src_port = be16(octets, at)
    packet.dst_port = be16(octets, at + 2)
    packet.fragment = TRANSPORT_CUT
    packet.fragment_id = 0
    packet.fragment_offset = 0
    packet.fragment_bytes = 0
    packet.fragment_protocol = 0
    packet.extra_packets = 0
    packet.extra_gap = 0
    set_payload(packet, ip_end, end, ip_end)  # how much there is the offset would have said
    return SOUND


def window_scale_of(octets: Octets, at: int, end: int) -> int:
    """The shift count among the TCP options from `at` to `end`, else NO_WINDOW_SCALE.

    A malformed list ends the search quietly: receivers accept such segments.
    """
    while at < end:
        kind = u8(octets, at)
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        if end - at < 2:
            break
        length = u8(octets, at + 1)
        if length < 2 or length > end - at:
            break
        if kind == 3 and length == 3:
            shift = u8(octets, at + 2)
            return min(shift, WINDOW_SCALE_MAX)
        at += length
    return NO_WINDOW_SCALE


def decode_udp(
    octets: Octets, packet: Packet, at: int, end: int, ip_end: int, first_fragment: bool
) -> int:
    """UDP, RFC 768; its own length bounds the payload."""
    if end - at < 8:
        return cut_short(ip_end - at, 8, UDP_HEADER_TRUNCATED, first_fragment)
    length = be16(octets, at + 4)
    if length == 0 and ip_end - at > UDP_MAX:
        length = ip_end - at
    if length < 8:
        return UDP_BAD_LENGTH
    if length <= ip_end - at:
        ip_end = at + length
    elif not first_fragment:
        return UDP_BAD_LENGTH
    packet.src_port = be16(octets, at)
    packet.dst_port = be16(octets, at + 2)
    packet.checksum = be16(octets, at + 6)
    set_payload(packet, at + 8, min(end, ip_end), ip_end)
    if packet.payload_captured:
        packet.application = application_of_udp(octets, packet, at + 8, min(end, ip_end))
    return SOUND


def decode_udp_lite(
    octets: Octets, packet: Packet, at: int, end: int, ip_end: int, first_fragment: bool
) -> int:
    """UDP-Lite, RFC 3828 3.1: the length field bounds what the checksum covers."""
    if end - at < 8:
        return cut_short(ip_end - at, 8, UDP_LITE_HEADER_TRUNCATED, first_fragment)
    coverage = be16(octets, at + 4)
    if coverage != 0 and coverage < 8:
        return UDP_LITE_BAD_COVERAGE
    if coverage > ip_end - at and not first_fragment:
        return UDP_LITE_BAD_COVERAGE
    packet.src_port = be16(octets, at)
    packet.dst_port = be16(octets, at + 2)
    packet.checksum = be16(octets, at + 6)
    set_payload(packet, at + 8, end, ip_end)
    return SOUND


def decode_sctp(
    octets: Octets, packet: Packet, at: int, end: int, ip_end: int, first_fragment: bool
) -> int:
    """SCTP, RFC 9260 3.1; of its 32-bit checksum the upper half is kept."""
    if end - at < 12:
        return cut_short(ip_end - at, 12, SCTP_HEADER_TRUNCATED, first_fragment)
    packet.src_port = be16(octets, at)
    packet.dst_port = be16(octets, at + 2)
    packet.checksum = be16(octets, at + 8)
    set_payload(packet, at + 12, end, ip_end)
    return SOUND


def decode_dccp(
    octets: Octets, packet: Packet, at: int, end: int, ip_end: int, first_fragment: bool
) -> int:
    """DCCP, RFC 4340 5.1."""
    if end - at < 12:
        return cut_short(ip_end - at, 12, DCCP_HEADER_TRUNCATED, first_fragment)
    header = u8(octets, at + 4) << 2
    if header < 12:
        return DCCP_BAD_OFFSET
    if header > ip_end - at:
        return IP_TINY_FRAGMENT if first_fragment else DCCP_BAD_OFFSET
    packet.src_port = be16(octets, at)
    packet.dst_port = be16(octets, at + 2)
    packet.checksum = be16(octets, at + 6)
    set_payload(packet, at + header, end, ip_end)
    return SOUND


def decode_authenticated(
    octets: Octets, packet: Packet, at: int, end: int, ip_end: int, first_fragment: bool
) -> int:
    """An authentication header (RFC 4302 2) in an IPv4 packet, and what it protects."""
    if end - at < 12:
        return cut_short(ip_end - at, 12, AH_BAD_LENGTH, first_fragment)
    length = (u8(octets, at + 1) + 2) << 2
    if length < 12:
        return AH_BAD_LENGTH
    if length > end - at:
        return cut_short(ip_end - at, length, AH_BAD_LENGTH, first_fragment)
    packet.protocol = u8(octets, at)
    return decode_transport(octets, packet, at + length, end, ip_end, first_fragment)
