"""PPP (RFC 1661): by itself, in HDLC-like framing (RFC 1662), in PPPoE (RFC 2516); Cisco's HDLC."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.decode.constants import (
    CUT,
    ETHERTYPE_IPV4,
    ETHERTYPE_IPV6,
    ETHERTYPE_MPLS,
    PPP_IPV4,
    PPP_IPV6,
)
from sensor.model.anomalies import HEADER_NOT_CAPTURED, LINK_TRUNCATED, PPPOE_BAD_LENGTH, SOUND
from sensor.model.packets import KIND_NON_IP

if not cython.compiled:
    from sensor.decode.ipv4 import decode_ipv4
    from sensor.decode.ipv6 import decode_ipv6
    from sensor.decode.llc import non_ip
    from sensor.decode.mpls import decode_mpls
    from sensor.memory.loads import Octets, be16, u8
    from sensor.memory.records import Packet

PPP_MPLS = 0x0281
PPPOE_VERSION = 0x11  # version 1, type 1


def decode_ppp(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """PPP: a protocol number of two octets, or of one where the peers agreed on that (6.5)."""
    if end - at < 2:
        return LINK_TRUNCATED if wire_end - at < 2 else HEADER_NOT_CAPTURED
    protocol = u8(octets, at)
    if protocol & 1:
        at += 1
    else:
        protocol = be16(octets, at)
        at += 2
    if protocol == PPP_IPV4:
        return decode_ipv4(octets, packet, at, end, wire_end)
    if protocol == PPP_IPV6:
        return decode_ipv6(octets, packet, at, end, wire_end)
    if protocol == PPP_MPLS:
        return decode_mpls(octets, packet, at, end, wire_end)
    return non_ip(packet)


def decode_hdlc(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """PPP with or without its HDLC address and control, or Cisco's HDLC with its own."""
    if end - at < 4:
        return LINK_TRUNCATED if wire_end - at < 4 else HEADER_NOT_CAPTURED
    if be16(octets, at) == 0xFF03:
        return decode_ppp(octets, packet, at + 2, end, wire_end)
    if u8(octets, at) not in (0x0F, 0x8F) or u8(octets, at + 1) != 0:
        return decode_ppp(octets, packet, at, end, wire_end)
    ethertype = be16(octets, at + 2)
    if ethertype == ETHERTYPE_IPV4:
        return decode_ipv4(octets, packet, at + 4, end, wire_end)
    if ethertype == ETHERTYPE_IPV6:
        return decode_ipv6(octets, packet, at + 4, end, wire_end)
    if ethertype == ETHERTYPE_MPLS:
        return decode_mpls(octets, packet, at + 4, end, wire_end)
    return non_ip(packet)


def decode_pppoe(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """PPPoE's session stage; what lies behind its length is padding, unless an IP packet is longer.

    IP has a length of its own: where the two disagree, that of IP is believed, as receivers do.
    """
    if end - at < 6:
        return LINK_TRUNCATED if wire_end - at < 6 else HEADER_NOT_CAPTURED
    if u8(octets, at) != PPPOE_VERSION or u8(octets, at + 1) != 0:
        return non_ip(packet)  # discovery has codes of its own
    length = be16(octets, at + 4)
    at += 6
    if length > wire_end - at:
        code = decode_ppp(octets, packet, at, end, wire_end)
        return PPPOE_BAD_LENGTH if code == SOUND and packet.kind == KIND_NON_IP else code
    session_end = at + length
    code = decode_ppp(octets, packet, at, min(end, session_end), session_end)
    return decode_ppp(octets, packet, at, end, wire_end) if code & CUT else code
