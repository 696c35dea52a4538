"""MPLS (RFC 3032): the label stack, and what lies below it, which no label names."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.model.anomalies import HEADER_NOT_CAPTURED, MPLS_STACK_TOO_DEEP, MPLS_TRUNCATED, SOUND
from sensor.model.packets import KIND_PSEUDOWIRE

if not cython.compiled:
    from sensor.decode.ipv4 import decode_ipv4
    from sensor.decode.ipv6 import decode_ipv6
    from sensor.decode.llc import is_likely_frame, non_ip
    from sensor.memory.loads import Octets, be16, u8
    from sensor.memory.records import Packet

LABELS_MAX = 16
TRAILER_MAX = 8  # octets behind an IPv6 packet: padding of the shortest, a checksum
CONTROL_WORD = 4  # octets, RFC 4385 3


def decode_mpls(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """The label stack; the four bits below it name the content, as for routers (RFC 4928 2)."""
    labels = 0
    bottom = False
    while not bottom:
        if end - at < 4:
            return MPLS_TRUNCATED if wire_end - at < 4 else HEADER_NOT_CAPTURED
        if labels == LABELS_MAX:
            return MPLS_STACK_TOO_DEEP
        bottom = u8(octets, at + 2) & 1 != 0
        at += 4
        labels += 1
    if end - at < 1:
        return MPLS_TRUNCATED if wire_end - at < 1 else HEADER_NOT_CAPTURED
    first = u8(octets, at) >> 4
    if first in (1, 4, 6) and not is_plain_frame(octets, at, end, wire_end):
        if first == 4:
            return decode_ipv4(octets, packet, at, end, wire_end)
        if first == 6:
            return decode_ipv6(octets, packet, at, end, wire_end)
        return non_ip(packet)  # an associated channel, RFC 4385 5
    return decode_pseudowire(octets, packet, at, end, wire_end)


def is_plain_frame(octets: Octets, at: int, end: int, wire_end: int) -> bool:
    """True if what looks like IP or a channel by its first four bits is a frame of a pseudowire.

    Without a control word that is the first octet of a MAC address. An IP header proves itself by
    its checksum, or by a length that is the packet's.
    """
    if end - at < 15 or not is_likely_frame(octets, at, end):
        return False
    first = u8(octets, at) >> 4
    if first == 4:
        return not has_checksum(octets, at, end)
    if first == 6:
        beyond = wire_end - at - 40 - be16(octets, at + 4)
        return beyond < 0 or beyond > TRAILER_MAX
    return True


def has_checksum(octets: Octets, at: int, end: int) -> bool:
    """True if the checksum of an IPv4 header is right (RFC 791 3.1), as far as it is there."""
    header = (u8(octets, at) & 0x0F) << 2
    if header < 20 or end - at < header:
        return False
    total = 0
    for place in range(at, at + header, 2):
        total += be16(octets, place)
    return ((total & 0xFFFF) + (total >> 16)) & 0xFFFF in (0, 0xFFFF)


def decode_pseudowire(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """An Ethernet frame (RFC 4448 4.1), behind a control word or without; else no IP.

    Only the two ends of a pseudowire know what it carries: an EtherType in the right place decides.
    """
    header = CONTROL_WORD + 14
    if end - at < header:
        return HEADER_NOT_CAPTURED if wire_end - at >= header else non_ip(packet)
    if not is_likely_frame(octets, at, end):
        if u8(octets, at) >> 4 or not is_likely_frame(octets, at + CONTROL_WORD, end):
            return non_ip(packet)
        at += CONTROL_WORD
    packet.kind = KIND_PSEUDOWIRE
    packet.protocol = 0
    packet.payload_offset = at
    packet.payload_bytes = wire_end - at
    packet.payload_captured = end - at
    return SOUND
