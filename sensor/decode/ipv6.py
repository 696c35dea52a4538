"""IPv6 (RFC 8200): header, extension headers, fragments."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.decode.constants import CUT
from sensor.model.anomalies import (
    AH_BAD_LENGTH,
    HEADER_NOT_CAPTURED,
    IP_BAD_VERSION,
    IP_FRAGMENT_TOO_LONG,
    IP_TINY_FRAGMENT,
    IPV6_EXTENSION_TRUNCATED,
    IPV6_FRAGMENT_BAD_LENGTH,
    IPV6_HEADER_TRUNCATED,
    IPV6_HOP_BY_HOP_MISPLACED,
    IPV6_TOO_MANY_EXTENSIONS,
    IPV6_TRUNCATED,
    SOUND,
)
from sensor.model.packets import IS_FRAGMENT, KIND_FRAGMENT, MORE_FRAGMENTS

if not cython.compiled:
    from sensor.decode.ipv6_extensions import (
        AUTHENTICATION,
        EXTENSIONS_MAX,
        FRAGMENT,
        HOP_BY_HOP,
        extension_bytes,
        is_extension,
    )
    from sensor.decode.transport import decode_transport
    from sensor.memory.loads import Octets, be16, be32, be64, u8
    from sensor.memory.records import Packet

NO_NEXT_HEADER = 59
PAYLOAD_MAX = 65535  # behind the IPv6 header, put together again


def decode_ipv6(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """The IPv6 header, extension headers, then the transport."""
    if end - at < 40:
        return IPV6_HEADER_TRUNCATED if wire_end - at < 40 else HEADER_NOT_CAPTURED
    if u8(octets, at) >> 4 != 6:
        return IP_BAD_VERSION
    length = be16(octets, at + 4)
    protocol = u8(octets, at + 6)
    # Jumbograms (RFC 2675) and segmentation offload have 0 where the field is too small; up to 46
    # octets, what lies behind the header is Ethernet's padding.
    if length == 0 and protocol != NO_NEXT_HEADER and wire_end - at > 46:
        length = wire_end - at - 40
    if length > wire_end - at - 40:
        code = decode_ipv6(octets, packet, at, end, at + 40 + length)
        return IPV6_TRUNCATED | CUT if code == SOUND else IPV6_TRUNCATED
    packet.ip_version = 6
    packet.protocol = protocol
    packet.ttl = u8(octets, at + 7)
    packet.ip_id = 0
    packet.ip_bytes = length + 40
    packet.src_hi = be64(octets, at + 8)
    packet.src_lo = be64(octets, at + 16)
    packet.dst_hi = be64(octets, at + 24)
    packet.dst_lo = be64(octets, at + 32)
    at += 40
    wire_end = at + length
    end = min(end, wire_end)
    if is_extension(protocol):
        return decode_extensions(octets, packet, at, end, wire_end)
    return decode_transport(octets, packet, at, end, wire_end, False)


def decode_extensions(octets: Octets, packet: Packet, at: int, end: int, ip_end: int) -> int:
    """Read over the extension headers to the transport, or to the rest of a later fragment."""
    protocol = packet.protocol
    headers = 0
    more = False
    while is_extension(protocol):
        if headers == EXTENSIONS_MAX:
            return IPV6_TOO_MANY_EXTENSIONS
        if protocol == HOP_BY_HOP and headers:
            return IPV6_HOP_BY_HOP_MISPLACED
        length = 8 if ip_end - at < 8 or end - at < 8 else extension_bytes(octets, protocol, at)
        if length > ip_end - at:
            return IP_TINY_FRAGMENT if more else IPV6_EXTENSION_TRUNCATED
        if length > end - at:
            return HEADER_NOT_CAPTURED
        # Its fixed part has 12 octets (RFC 4302 2); shorter, it would overlap what follows.
        if protocol == AUTHENTICATION and length < 12:
            return AH_BAD_LENGTH
        packet.protocol = u8(octets, at)
        if protocol == FRAGMENT:
            word = be16(octets, at + 2)
            code = bad_fragment(word, ip_end - at - 8)
            if code:
                return code
            note_fragment(octets, packet, at, end, ip_end)
            if word & 0xFFF8:
                packet.kind = KIND_FRAGMENT
                return SOUND
            more = word & 1 != 0
        at += length
        protocol = packet.protocol
        headers += 1
    return decode_transport(octets, packet, at, end, ip_end, more)


def note_fragment(octets: Octets, packet: Packet, at: int, end: int, ip_end: int) -> None:
    """Record the fragment header at `at`; the caller proved its 8 octets."""
    word = be16(octets, at + 2)
    if word & 0xFFF9 == 0:
        return  # first and last: a whole packet (RFC 6946)
    packet.fragment = IS_FRAGMENT | (MORE_FRAGMENTS if word & 1 else 0)
    packet.fragment_id = be32(octets, at + 4)
    packet.fragment_protocol = u8(octets, at)
    packet.fragment_offset = word & 0xFFF8
    packet.fragment_bytes = ip_end - at - 8
    packet.extra_packets = 0
    packet.extra_gap = 0
    packet.payload_offset = at + 8
    packet.payload_bytes = ip_end - at - 8
    packet.payload_captured = end - at - 8


def bad_fragment(word: int, length: int) -> int:
    """The anomaly of a fragment's length, headers left out (RFC 8200 4.5)."""
    if word & 1 and length & 7:
        return IPV6_FRAGMENT_BAD_LENGTH
    # The offset counts in units of 8 octets, from bit 3: the masked word is the octet offset.
    if (word & 0xFFF8) + length > PAYLOAD_MAX:
        return IP_FRAGMENT_TOO_LONG
    return SOUND
