"""The LLC header of frames without an EtherType; frames without IP."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.decode.constants import (
    ETHERTYPE_ARP,
    ETHERTYPE_IPV4,
    ETHERTYPE_IPV6,
    ETHERTYPE_MPLS,
    ETHERTYPE_OLD_VLAN,
    ETHERTYPE_PPPOE,
    ETHERTYPE_SERVICE_VLAN,
    ETHERTYPE_VLAN,
    ETHERTYPE_VLAN_9200,
    ETHERTYPE_VLAN_9300,
)
from sensor.model.anomalies import HEADER_NOT_CAPTURED, LLC_TRUNCATED, SOUND
from sensor.model.packets import KIND_NON_IP

if not cython.compiled:
    from sensor.decode.ipv4 import decode_ipv4
    from sensor.decode.ipv6 import decode_ipv6
    from sensor.memory.loads import Octets, be16, u8
    from sensor.memory.records import Packet

def is_common(ethertype: int) -> bool:
    """True for an EtherType by which a frame of unknown shape is recognised."""
    return ethertype in (
        ETHERTYPE_IPV4, ETHERTYPE_ARP, ETHERTYPE_IPV6, ETHERTYPE_VLAN, ETHERTYPE_SERVICE_VLAN,
        ETHERTYPE_OLD_VLAN, ETHERTYPE_VLAN_9200, ETHERTYPE_VLAN_9300, ETHERTYPE_MPLS,
        ETHERTYPE_PPPOE,
    )


def is_likely_frame(octets: Octets, at: int, end: int) -> bool:
    """True if an Ethernet frame seems to start at `at`: 14 octets are there, and fit what follows.

    Where nothing announces a frame, its EtherType and the version of the IP header behind it do.
    """
    ethertype = be16(octets, at + 12)
    if end - at > 14 and ethertype in (ETHERTYPE_IPV4, ETHERTYPE_IPV6):
        return u8(octets, at + 14) >> 4 == (4 if ethertype == ETHERTYPE_IPV4 else 6)
    return is_common(ethertype)


def non_ip(packet: Packet) -> int:
    """A sound frame that carries no IP packet."""
    packet.kind = KIND_NON_IP
    packet.ip_version = 0
    packet.protocol = 0
    packet.ip_bytes = 0
    packet.payload_bytes = 0
    packet.payload_captured = 0
    return SOUND


def decode_llc(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """IEEE 802.2 LLC, with SNAP (RFC 1042) in front of IP."""
    if end - at < 3:
        return LLC_TRUNCATED if wire_end - at < 3 else HEADER_NOT_CAPTURED
    if u8(octets, at + 2) == 0x03 and be16(octets, at) == 0x0606:  # the access points of IP itself
        return decode_ipv4(octets, packet, at + 3, end, wire_end)
    if be16(octets, at) != 0xAAAA or u8(octets, at + 2) != 0x03:
        return non_ip(packet)
    if end - at < 8:
        return LLC_TRUNCATED if wire_end - at < 8 else HEADER_NOT_CAPTURED
    # The organisation codes 0 and, from bridges, 0000f8 (IEEE 802.1H) are followed by an EtherType.
    if be16(octets, at + 3) != 0 or u8(octets, at + 5) not in (0, 0xF8):
        return non_ip(packet)
    if be16(octets, at + 6) == ETHERTYPE_IPV4:
        return decode_ipv4(octets, packet, at + 8, end, wire_end)
    if be16(octets, at + 6) == ETHERTYPE_IPV6:
        return decode_ipv6(octets, packet, at + 8, end, wire_end)
    return non_ip(packet)
