"""Tags and shells that switches put between the MAC addresses and the EtherType of a frame.

A tag is followed by the next EtherType. A shell is followed by a whole Ethernet frame, the one that
the switches carry for somebody else.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.decode.constants import (
    ETHERTYPE_OLD_VLAN,
    ETHERTYPE_SERVICE_TAG,
    ETHERTYPE_SERVICE_VLAN,
    ETHERTYPE_VLAN,
    ETHERTYPE_VLAN_9200,
    ETHERTYPE_VLAN_9300,
)

if not cython.compiled:
    from sensor.memory.loads import Octets, be16, u8

# Tags.
CISCO_METADATA = 0x8909  # security group of the sender
VN_TAG = 0x8926  # the port of a fabric extender
HSR = 0x892F  # IEC 62439-3, redundant rings
E_TAG = 0x893F  # IEEE 802.1BR, port extension
MACSEC = 0x88E5  # IEEE 802.1AE
REDUNDANCY_TAG = 0xF1C1  # IEEE 802.1CB
# Shells.
FABRIC_PATH = 0x8903
TRILL = 0x22F3  # RFC 6325 3

MACSEC_ENCRYPTED = 0x0C  # encrypted, or changed: either way nothing can be read
MACSEC_CHANNEL = 0x20  # the channel is named
MASK32 = 0xFFFF_FFFF
PRIME = 0x9E37_79B1


def tag_header(octets: Octets, ethertype: int, at: int, end: int) -> int:
    """The octets from behind an EtherType to behind the next one; 0: there is no tag or shell."""
    if is_vlan(ethertype):
        return 4
    size = tag_bytes(octets, ethertype, at, end)
    if size == 0:
        return 0
    return size + (14 if is_shell(ethertype) else 2)


def tag_bytes(octets: Octets, ethertype: int, at: int, end: int) -> int:
    """The octets of a tag or shell other than a VLAN's, alone; 0: it is none."""
    if ethertype in (VN_TAG, HSR, REDUNDANCY_TAG, ETHERTYPE_SERVICE_TAG):
        return 4
    if ethertype in (CISCO_METADATA, E_TAG):
        return 6
    if ethertype == FABRIC_PATH:
        return 2
    if ethertype == TRILL:
        options = be16(octets, at) >> 6 & 31 if end - at >= 2 else 0
        return 6 + 4 * options
    if ethertype == MACSEC:
        control = u8(octets, at) if end - at >= 1 else 0
        if control & MACSEC_ENCRYPTED:
            return 0
        return 14 if control & MACSEC_CHANNEL else 6
    return 0


def is_vlan(ethertype: int) -> bool:
    """True if a VLAN tag follows."""
    return ethertype in (
        ETHERTYPE_VLAN, ETHERTYPE_SERVICE_VLAN, ETHERTYPE_OLD_VLAN, ETHERTYPE_VLAN_9200,
        ETHERTYPE_VLAN_9300,
    )


def is_shell(ethertype: int) -> bool:
    """True if a whole Ethernet frame follows."""
    return ethertype in (FABRIC_PATH, ETHERTYPE_SERVICE_TAG, TRILL)


def tenant_of(outer: int, inner: int) -> int:
    """One number for the ids of overlays inside one another; 0 stands for none."""
    if outer == 0 or inner == 0:
        return outer | inner
    mixed = ((outer ^ (outer >> 15)) * PRIME) & MASK32
    mixed = ((mixed ^ inner) * PRIME) & MASK32
    mixed = mixed ^ (mixed >> 16)
    return mixed if mixed else PRIME
