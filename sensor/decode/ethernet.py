"""Ethernet, what an EtherType announces, and packets without a link header.

A frame without IP (ARP, LLDP, spanning tree) is sound and ends here as `KIND_NON_IP`.
"""

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
    ETHERTYPE_MPLS_UPSTREAM,
    ETHERTYPE_PPPOE,
    ETHERTYPE_SERVICE_TAG,
)
from sensor.memory.records import NO_VLAN, NO_WINDOW_SCALE
from sensor.model.anomalies import (
    ETHERNET_BAD_LENGTH,
    HEADER_NOT_CAPTURED,
    IP_BAD_VERSION,
    IPV4_HEADER_TRUNCATED,
    LINK_TRUNCATED,
    SOUND,
    VLAN_STACK_TOO_DEEP,
    VLAN_TRUNCATED,
)

if not cython.compiled:
    from sensor.decode.ipv4 import decode_ipv4
    from sensor.decode.ipv6 import decode_ipv6
    from sensor.decode.llc import decode_llc, non_ip
    from sensor.decode.mpls import decode_mpls
    from sensor.decode.ppp import decode_pppoe
    from sensor.decode.vlan import is_shell, is_vlan, tag_header, tenant_of
    from sensor.memory.loads import Octets, be16, be32, be64, u8
    from sensor.memory.records import Frame, Packet

ETHERTYPE_MIN = 0x0600  # below it the field is a length, IEEE 802.3 3.2.6
LENGTH_MAX = 1500

TAGS_MAX = 8
SERVICE_MASK = 0xFF_FFFF


def decode_ethernet_frame(octets: Octets, frame: Frame, packet: Packet) -> int:
    """Nearly all frames: those of Ethernet, without a way through another module."""
    reset(frame, packet)
    at = frame.offset
    end = at + frame.captured
    # Some tools write the captured length into both fields, or a smaller one into the second.
    return decode_ethernet(octets, packet, at, end, max(at + frame.wire, end))


def reset(frame: Frame, packet: Packet) -> None:
    """Set what a packet has of its frame, and nothing else."""
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
        add_vlan(packet, frame.vlan_tci & 0x0FFF)


def clear_headers(packet: Packet) -> None:
    """Reset what the headers from IP on may leave unset."""
    packet.window_scale = NO_WINDOW_SCALE
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
    packet.fragment = 0
    packet.application = 0


def decode_ethernet(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """Ethernet, IEEE 802.3 3.2."""
    if end - at < 14:
        return LINK_TRUNCATED if wire_end - at < 14 else HEADER_NOT_CAPTURED
    packet.dst_mac = be64(octets, at) >> 16
    packet.src_mac = be64(octets, at + 6) >> 16
    return decode_ethertype(octets, packet, be16(octets, at + 12), at + 14, end, wire_end)


def decode_ethertype(
    octets: Octets, packet: Packet, ethertype: int, at: int, end: int, wire_end: int
) -> int:
    """The content that an EtherType announces: IP, tags in front of it, or something else."""
    tags = 0
    while True:
        if ethertype == ETHERTYPE_IPV4:
            return decode_ipv4(octets, packet, at, end, wire_end)
        if ethertype == ETHERTYPE_IPV6:
            return decode_ipv6(octets, packet, at, end, wire_end)
        header = tag_header(octets, ethertype, at, end)
        if header == 0:
            break
        if tags == TAGS_MAX:
            return VLAN_STACK_TOO_DEEP
        if end - at < header:
            return HEADER_NOT_CAPTURED if wire_end - at >= header else truncated(ethertype)
        enter_tag(octets, packet, ethertype, at, at + header)
        at += header
        ethertype = be16(octets, at - 2)
        tags += 1
    if ethertype < ETHERTYPE_MIN:
        return decode_length(octets, packet, ethertype, at, end, wire_end)
    if ethertype in (ETHERTYPE_MPLS, ETHERTYPE_MPLS_UPSTREAM):
        return decode_mpls(octets, packet, at, end, wire_end)
    if ethertype == ETHERTYPE_PPPOE:
        return decode_pppoe(octets, packet, at, end, wire_end)
    return non_ip(packet)


def truncated(ethertype: int) -> int:
    """The anomaly of a frame that ends inside a tag."""
    return VLAN_TRUNCATED if is_vlan(ethertype) else LINK_TRUNCATED


def enter_tag(octets: Octets, packet: Packet, ethertype: int, at: int, behind: int) -> None:
    """Note the ids of a tag; of a shell, the addresses of the frame inside."""
    if is_vlan(ethertype):
        add_vlan(packet, be16(octets, at) & 0x0FFF)
    if not is_shell(ethertype):
        return
    packet.dst_mac = be64(octets, behind - 14) >> 16
    packet.src_mac = be64(octets, behind - 8) >> 16
    packet.vlan_outer = NO_VLAN
    packet.vlan_inner = NO_VLAN
    if ethertype == ETHERTYPE_SERVICE_TAG:
        packet.tenant = tenant_of(packet.tenant, be32(octets, at) & SERVICE_MASK)


def add_vlan(packet: Packet, vlan_id: int) -> None:
    """Record the id of the next tag; those behind the second are not kept.

    0 is no VLAN: the tag has only a priority (IEEE 802.1Q 9.6).
    """
    if vlan_id == 0:
        return
    if packet.vlan_outer == NO_VLAN:
        packet.vlan_outer = vlan_id
    elif packet.vlan_inner == NO_VLAN:
        packet.vlan_inner = vlan_id


def decode_length(
    octets: Octets, packet: Packet, length: int, at: int, end: int, wire_end: int
) -> int:
    """A frame with an 802.3 length instead of an EtherType: LLC, then padding."""
    if length > LENGTH_MAX:
        return ETHERNET_BAD_LENGTH
    if length > wire_end - at:
        code = decode_llc(octets, packet, at, end, at + length)
        return ETHERNET_BAD_LENGTH | CUT if code == SOUND else ETHERNET_BAD_LENGTH
    wire_end = at + length
    return decode_llc(octets, packet, at, min(end, wire_end), wire_end)


def decode_raw(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """No link header: the first four bits are the IP version."""
    if end - at < 1:
        return IPV4_HEADER_TRUNCATED if wire_end - at < 1 else HEADER_NOT_CAPTURED
    version = u8(octets, at) >> 4
    if version == 4:
        return decode_ipv4(octets, packet, at, end, wire_end)
    if version == 6:
        return decode_ipv6(octets, packet, at, end, wire_end)
    return IP_BAD_VERSION
