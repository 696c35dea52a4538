"""IPv4 (RFC 791): header, options, fragments."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.decode.constants import CUT
from sensor.model.addresses import V4_PREFIX
from sensor.model.anomalies import (
    HEADER_NOT_CAPTURED,
    IP_BAD_VERSION,
    IP_FRAGMENT_TOO_LONG,
    IPV4_BAD_HEADER_LENGTH,
    IPV4_BAD_LENGTH,
    IPV4_HEADER_TRUNCATED,
    IPV4_TRUNCATED,
    SOUND,
)
from sensor.model.packets import IS_FRAGMENT, KIND_FRAGMENT, MORE_FRAGMENTS, PROTOCOL_AH

if not cython.compiled:
    from sensor.decode.transport import decode_authenticated, decode_transport
    from sensor.memory.loads import Octets, be16, be32, u8
    from sensor.memory.records import Packet

FRAGMENT_BITS = 0x3FFF  # more fragments, and the offset
MORE_BIT = 0x2000
FRAGMENT_OFFSET = 0x1FFF  # in units of 8 octets
PACKET_MAX = 65535  # a packet put together again, header included


def decode_ipv4(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """The IPv4 header, then the transport; what lies behind the total length is padding."""
    if end - at < 20:
        return IPV4_HEADER_TRUNCATED if wire_end - at < 20 else HEADER_NOT_CAPTURED
    first = u8(octets, at)
    if first >> 4 != 4:
        return IP_BAD_VERSION
    header = (first & 0x0F) << 2
    if header < 20:
        return IPV4_BAD_HEADER_LENGTH
    length = be16(octets, at + 2)
    # Segmentation offload leaves 0 where the packet is longer than the field can hold.
    if length == 0:
        length = wire_end - at
    if length < header:
        return IPV4_BAD_LENGTH
    if length > wire_end - at:
        code = decode_ipv4(octets, packet, at, end, at + length)
        return IPV4_TRUNCATED | CUT if code == SOUND else IPV4_TRUNCATED
    packet.ip_version = 4
    packet.protocol = u8(octets, at + 9)
    packet.ttl = u8(octets, at + 8)
    packet.ip_id = be16(octets, at + 4)
    packet.ip_bytes = length
    packet.src_hi = 0
    packet.src_lo = V4_PREFIX | be32(octets, at + 12)
    packet.dst_hi = 0
    packet.dst_lo = V4_PREFIX | be32(octets, at + 16)
    fragment = be16(octets, at + 6)
    wire_end = at + length
    end = min(end, wire_end)
    at += header
    if at > end:
        return HEADER_NOT_CAPTURED
    if fragment & FRAGMENT_BITS:
        return decode_fragment(octets, packet, fragment, at, end, wire_end)
    if packet.protocol == PROTOCOL_AH:
        return decode_authenticated(octets, packet, at, end, wire_end, False)
    return decode_transport(octets, packet, at, end, wire_end, False)


def decode_fragment(
    octets: Octets, packet: Packet, fragment: int, at: int, end: int, ip_end: int
) -> int:
    """A fragment: the first one has the ports; fragments.py finds the flow of later ones."""
    start = (fragment & FRAGMENT_OFFSET) << 3
    if start + packet.ip_bytes > PACKET_MAX:
        return IP_FRAGMENT_TOO_LONG
    packet.fragment = IS_FRAGMENT | (MORE_FRAGMENTS if fragment & MORE_BIT else 0)
    packet.fragment_id = packet.ip_id
    packet.fragment_protocol = packet.protocol
    packet.fragment_offset = start
    packet.fragment_bytes = ip_end - at
    packet.extra_packets = 0
    packet.extra_gap = 0
    packet.payload_offset = at
    packet.payload_bytes = ip_end - at
    packet.payload_captured = end - at
    if start == 0 and packet.protocol == PROTOCOL_AH:
        return decode_authenticated(octets, packet, at, end, ip_end, True)
    if start == 0:
        return decode_transport(octets, packet, at, end, ip_end, True)
    packet.kind = KIND_FRAGMENT
    return SOUND
