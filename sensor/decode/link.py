"""The link headers in front of IP.

A frame without IP (ARP, LLDP, spanning tree) is sound and ends here as `KIND_NON_IP`.
"""

from __future__ import annotations

from typing import Any

try:
    import cython
except ImportError:
    from sensor import interpreted as cython

from sensor.anomalies import (
    ETHERNET_BAD_LENGTH,
    HEADER_NOT_CAPTURED,
    IP_BAD_VERSION,
    IPV4_HEADER_TRUNCATED,
    LINK_TRUNCATED,
    UNKNOWN_LINK_TYPE,
    VLAN_STACK_TOO_DEEP,
    VLAN_TRUNCATED,
)
from sensor.decode.constants import (
    ETHERTYPE_IPV4,
    ETHERTYPE_IPV6,
    ETHERTYPE_MPLS,
    ETHERTYPE_MPLS_UPSTREAM,
    ETHERTYPE_OLD_VLAN,
    ETHERTYPE_PPPOE,
    ETHERTYPE_SERVICE_VLAN,
    ETHERTYPE_VLAN,
)
from sensor.records import NO_VLAN, NO_WINDOW_SCALE

if not cython.compiled:
    from sensor.decode.ipv4 import decode_ipv4
    from sensor.decode.ipv6 import decode_ipv6
    from sensor.decode.llc import decode_llc, non_ip
    from sensor.decode.mpls import decode_mpls
    from sensor.decode.ppp import decode_hdlc, decode_pppoe
    from sensor.decode.wireless import decode_radiotap, decode_wireless
    from sensor.loads import be16, be32, be64, le32, u8

# LINKTYPE_ values, draft-ietf-opsawg-pcaplinktype 2. Raw IP has three numbers because BSDs wrote
# their own DLT_RAW into files.
LINK_NULL = 0
LINK_ETHERNET = 1
LINK_PPP = 9
LINK_RAW_BSD = 12
LINK_RAW_OPENBSD = 14
LINK_PPP_HDLC = 50
LINK_PPPOE = 51
LINK_RAW = 101
LINK_CISCO_HDLC = 104
LINK_WIRELESS = 105
LINK_LOOP = 108
LINK_SLL = 113
LINK_RADIOTAP = 127
LINK_IPV4 = 228
LINK_IPV6 = 229
LINK_SLL2 = 276

ETHERTYPE_MIN = 0x0600  # below it the field is a length, IEEE 802.3 3.2.6
LENGTH_MAX = 1500

VLAN_TAGS_MAX = 8

# Linux cooked captures: ARPHRD_ values whose protocol field is no EtherType.
ARPHRD_FRAD = 770
ARPHRD_RADIOTAP = 803
ARPHRD_NETLINK = 824
SLL_LLC = 0x0004  # the protocol field's value for an LLC header


def decode_frame(octets: Any, frame: Any, packet: Any) -> int:
    """Reset the packet, then decode the frame into it by its link type."""
    packet.time_ns = frame.time_ns
    packet.interface = frame.interface
    packet.process = frame.process
    packet.dst_mac = 0
    packet.src_mac = 0
    packet.tenant = 0
    packet.tunnels = 0
    packet.vlan_outer = NO_VLAN
    packet.vlan_inner = NO_VLAN
    clear_headers(packet)
    if frame.vlan_tci != NO_VLAN:
        packet.vlan_outer = frame.vlan_tci & 0x0FFF
    at = frame.offset
    end = at + frame.captured
    wire_end = at + frame.wire
    # Some tools write the captured length into both fields, or a smaller one into the second.
    wire_end = max(wire_end, end)
    if frame.link == LINK_ETHERNET:
        return decode_ethernet(octets, packet, at, end, wire_end)
    return decode_other_link(octets, packet, frame.link, at, end, wire_end)


def clear_headers(packet: Any) -> None:
    """Reset what the headers from IP on may leave unset."""
    packet.window_scale = NO_WINDOW_SCALE
    packet.fragment = 0
    packet.seq = 0
    packet.ack = 0
    packet.src_port = 0
    packet.dst_port = 0
    packet.checksum = 0
    packet.window = 0
    packet.tcp_flags = 0
    packet.icmp_type = 0
    packet.icmp_code = 0
    packet.quoted = 0
    packet.telnet_role = 0


def decode_ethernet(octets: Any, packet: Any, at: int, end: int, wire_end: int) -> int:
    """Ethernet, IEEE 802.3 3.2."""
    if end - at < 14:
        return LINK_TRUNCATED if wire_end - at < 14 else HEADER_NOT_CAPTURED
    packet.dst_mac = be64(octets, at) >> 16
    packet.src_mac = be64(octets, at + 6) >> 16
    return decode_ethertype(octets, packet, be16(octets, at + 12), at + 14, end, wire_end)


def decode_ethertype(
    octets: Any, packet: Any, ethertype: int, at: int, end: int, wire_end: int
) -> int:
    """What an EtherType announces: IP, VLAN tags in front of it, or something else."""
    tags = 0
    while True:
        if ethertype == ETHERTYPE_IPV4:
            return decode_ipv4(octets, packet, at, end, wire_end)
        if ethertype == ETHERTYPE_IPV6:
            return decode_ipv6(octets, packet, at, end, wire_end)
        if ethertype not in (ETHERTYPE_VLAN, ETHERTYPE_SERVICE_VLAN, ETHERTYPE_OLD_VLAN):
            break
        if tags == VLAN_TAGS_MAX:
            return VLAN_STACK_TOO_DEEP
        if end - at < 4:
            return VLAN_TRUNCATED if wire_end - at < 4 else HEADER_NOT_CAPTURED
        add_vlan(packet, be16(octets, at) & 0x0FFF)
        ethertype = be16(octets, at + 2)
        at += 4
        tags += 1
    if ethertype < ETHERTYPE_MIN:
        return decode_length(octets, packet, ethertype, at, end, wire_end)
    if ethertype in (ETHERTYPE_MPLS, ETHERTYPE_MPLS_UPSTREAM):
        return decode_mpls(octets, packet, at, end, wire_end)
    if ethertype == ETHERTYPE_PPPOE:
        return decode_pppoe(octets, packet, at, end, wire_end)
    return non_ip(packet)


def add_vlan(packet: Any, vlan_id: int) -> None:
    """Record the id of the next tag; those behind the second are not kept."""
    if packet.vlan_outer == NO_VLAN:
        packet.vlan_outer = vlan_id
    elif packet.vlan_inner == NO_VLAN:
        packet.vlan_inner = vlan_id


def decode_length(
    octets: Any, packet: Any, length: int, at: int, end: int, wire_end: int
) -> int:
    """A frame with an 802.3 length instead of an EtherType: LLC, then padding."""
    if length > LENGTH_MAX or length > wire_end - at:
        return ETHERNET_BAD_LENGTH
    wire_end = at + length
    return decode_llc(octets, packet, at, min(end, wire_end), wire_end)


def decode_other_link(
    octets: Any, packet: Any, link: int, at: int, end: int, wire_end: int
) -> int:
    """Every link type but Ethernet."""
    if link in (LINK_SLL, LINK_SLL2):
        return decode_cooked(octets, packet, link, at, end, wire_end)
    if link in (LINK_RAW, LINK_RAW_BSD, LINK_RAW_OPENBSD):
        return decode_raw(octets, packet, at, end, wire_end)
    if link == LINK_IPV4:
        return decode_ipv4(octets, packet, at, end, wire_end)
    if link == LINK_IPV6:
        return decode_ipv6(octets, packet, at, end, wire_end)
    if link in (LINK_PPP, LINK_PPP_HDLC, LINK_CISCO_HDLC):
        return decode_hdlc(octets, packet, at, end, wire_end)
    if link == LINK_PPPOE:
        return decode_pppoe(octets, packet, at, end, wire_end)
    if link == LINK_RADIOTAP:
        return decode_radiotap(octets, packet, at, end, wire_end)
    if link == LINK_WIRELESS:
        return decode_wireless(octets, packet, at, end, wire_end, False)
    if link in (LINK_NULL, LINK_LOOP):
        return decode_loopback(octets, packet, link, at, end, wire_end)
    return UNKNOWN_LINK_TYPE


def decode_loopback(
    octets: Any, packet: Any, link: int, at: int, end: int, wire_end: int
) -> int:
    """BSD loopback: an address family, in the order of the capturing host or of the network."""
    if end - at < 4:
        return LINK_TRUNCATED if wire_end - at < 4 else HEADER_NOT_CAPTURED
    family = be32(octets, at)
    # No system has a family beyond 16 bits: a larger number was written in the other order.
    if link == LINK_NULL and family > 0xFFFF:
        family = le32(octets, at)
    at += 4
    if family == 2:
        return decode_ipv4(octets, packet, at, end, wire_end)
    # IPv6 is 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on Darwin, 10 on Linux, 23 on Windows.
    if family in (24, 28, 30, 10, 23):
        return decode_ipv6(octets, packet, at, end, wire_end)
    return non_ip(packet)


def decode_raw(octets: Any, packet: Any, at: int, end: int, wire_end: int) -> int:
    """No link header: the first four bits tell the IP version."""
    if end - at < 1:
        return IPV4_HEADER_TRUNCATED if wire_end - at < 1 else HEADER_NOT_CAPTURED
    version = u8(octets, at) >> 4
    if version == 4:
        return decode_ipv4(octets, packet, at, end, wire_end)
    if version == 6:
        return decode_ipv6(octets, packet, at, end, wire_end)
    return IP_BAD_VERSION


def decode_cooked(
    octets: Any, packet: Any, link: int, at: int, end: int, wire_end: int
) -> int:
    """Linux cooked captures, LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2: no destination MAC."""
    header = 16 if link == LINK_SLL else 20
    if end - at < header:
        return LINK_TRUNCATED if wire_end - at < header else HEADER_NOT_CAPTURED
    if link == LINK_SLL:
        hardware = be16(octets, at + 2)
        ethertype = be16(octets, at + 14)
    else:
        hardware = be16(octets, at + 8)
        ethertype = be16(octets, at)
    at += header
    if hardware in (ARPHRD_NETLINK, ARPHRD_RADIOTAP, ARPHRD_FRAD):
        return non_ip(packet)
    if ethertype == SLL_LLC:
        return decode_llc(octets, packet, at, end, wire_end)
    if ethertype < ETHERTYPE_MIN:
        return non_ip(packet)
    return decode_ethertype(octets, packet, ethertype, at, end, wire_end)
