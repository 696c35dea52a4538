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
    from sensor.decode.llc import is_common, non_ip
    from sensor.memory.loads import Octets, be16, u8
    from sensor.memory.records import Packet

LABELS_MAX = 16
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
    if first == 4:
        return decode_ipv4(octets, packet, at, end, wire_end)
    if first == 6:
        return decode_ipv6(octets, packet, at, end, wire_end)
    if first == 1:
        return non_ip(packet)  # an associated channel, RFC 4385 5
    return decode_pseudowire(octets, packet, at, end, wire_end)


def decode_pseudowire(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """An Ethernet frame (RFC 4448 4.1), behind a control word or without; else no IP.

    Only the two ends of a pseudowire know what it carries: an EtherType in the right place decides.
    """
    header = CONTROL_WORD + 14
    if end - at < header:
        return HEADER_NOT_CAPTURED if wire_end - at >= header else non_ip(packet)
    if u8(octets, at) >> 4 == 0 and is_common(be16(octets, at + header - 2)):
        at += CONTROL_WORD
    elif not is_common(be16(octets, at + 12)):
        return non_ip(packet)
    packet.kind = KIND_PSEUDOWIRE
    packet.protocol = 0
    packet.payload_offset = at
    packet.payload_bytes = wire_end - at
    packet.payload_captured = end - at
    return SOUND
