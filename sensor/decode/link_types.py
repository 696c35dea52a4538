"""Link types: what stands in front of a frame's first header that is known from elsewhere.

Those of 802.11 are beside (ieee80211.py), as are Ethernet (ethernet.py), PPP and Cisco's HDLC
(ppp.py).
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.decode.constants import LINK_ETHERNET
from sensor.model.anomalies import HEADER_NOT_CAPTURED, LINK_TRUNCATED, UNKNOWN_LINK_TYPE

if not cython.compiled:
    from sensor.decode.ethernet import (
        decode_ethernet,
        decode_ethernet_frame,
        decode_ethertype,
        decode_raw,
        reset,
    )
    from sensor.decode.ieee80211 import decode_radiotap, decode_wireless
    from sensor.decode.ipv4 import decode_ipv4
    from sensor.decode.ipv6 import decode_ipv6
    from sensor.decode.llc import decode_llc, non_ip
    from sensor.decode.mpls import decode_mpls
    from sensor.decode.ppp import decode_hdlc, decode_ppp, decode_pppoe
    from sensor.memory.loads import Octets, be16, be32, be64, le16, le32, u8
    from sensor.memory.records import Frame, Packet

# LINKTYPE_ values, draft-ietf-opsawg-pcaplinktype 2. Raw IP has three numbers because BSDs wrote
# their own DLT_RAW into files.
LINK_NULL = 0
LINK_TOKEN_RING = 6
LINK_SLIP = 8
LINK_PPP = 9
LINK_FDDI = 10
LINK_RAW_BSD = 12
LINK_RAW_OPENBSD = 14
LINK_PPP_HDLC = 50
LINK_PPPOE = 51
LINK_ATM_LLC = 100
LINK_RAW = 101
LINK_CISCO_HDLC = 104
LINK_WIRELESS = 105
LINK_FRAME_RELAY = 107
LINK_LOOP = 108
LINK_ENC = 109
LINK_SLL = 113
LINK_PFLOG = 117
LINK_PRISM = 119
LINK_FIBRE_CHANNEL = 122
LINK_RADIOTAP = 127
LINK_FIREWIRE = 138
LINK_AVS = 163
LINK_PPPD = 166
LINK_PPI = 192
LINK_PPP_DIRECTED = 204
LINK_MPLS = 219
LINK_IPNET = 226
LINK_IPV4 = 228
LINK_IPV6 = 229
LINK_NFLOG = 239
LINK_NETANALYZER = 240
LINK_PKTAP_USER = 149  # what Darwin wrote before it had a number
LINK_JUNIPER_ETHERNET = 178
LINK_ARCNET = 129
LINK_IPOIB = 242
LINK_PKTAP = 258
LINK_MPACKET = 274
LINK_SLL2 = 276
LINK_BROADCOM = 281
LINK_BROADCOM_FRONT = 282
LINK_MARVELL = 284
LINK_MARVELL_LONG = 285

ETHERTYPE_MIN = 0x0600  # IEEE 802.3 3.2.6
# Linux cooked captures: ARPHRD_ values whose protocol field is no EtherType.
ARPHRD_FRAD = 770
ARPHRD_RADIOTAP = 803
ARPHRD_NETLINK = 824
SLL_LLC = 0x0004  # the protocol field's value for an LLC header

AVS_MAGIC = 0x80211  # and the version in 12 bits
PRISM_BYTES = 144
ATTRIBUTES_MAX = 64
ATTRIBUTE_TYPE = 0x3FFF
ATTRIBUTE_PAYLOAD = 9  # NFULA_PAYLOAD, linux/netfilter/nfnetlink_log.h
UNNUMBERED = 0x03  # Q.922 control: unnumbered information
NLPID_IPV4 = 0xCC
NLPID_IPV6 = 0x8E
NLPID_PPP = 0xCF
NLPID_SNAP = 0x80
BRIDGED = 0x0080C2  # IEEE 802.1's organisation code
BRIDGED_WITH_FCS = 0x0001
BRIDGED_ETHERNET = 0x0007
PKTAP_MIN = 108  # octets of the shortest header; a longer one says so
PKTAP_PACKET = 1
JUNIPER_MAGIC = 0x4D4743  # and flags in the last octet
JUNIPER_NO_LINK = 0x02
JUNIPER_EXTENDED = 0x80
PREAMBLE = 0x55
ARCNET_OLD_IP = 240  # RFC 1051
ARCNET_IP = 212  # RFC 1201
ARCNET_IPV6 = 196  # RFC 2497
ROUTED = 0x80  # in the first octet of a Token Ring source
SOURCE_MASK = 0x7FFF_FFFF_FFFF


def decode_frame(octets: Octets, frame: Frame, packet: Packet) -> int:
    """Reset the packet, then decode the frame into it by its link type."""
    if frame.link == LINK_ETHERNET:
        return decode_ethernet_frame(octets, frame, packet)
    reset(frame, packet)
    at = frame.offset
    end = at + frame.captured
    return decode_other_link(octets, packet, frame.link, at, end, max(at + frame.wire, end))


def decode_other_link(
    octets: Octets, packet: Packet, link: int, at: int, end: int, wire_end: int
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
    return decode_rare_link(octets, packet, link, at, end, wire_end)


def decode_rare_link(
    octets: Octets, packet: Packet, link: int, at: int, end: int, wire_end: int
) -> int:
    """Link types of few captures."""
    if link == LINK_NFLOG:
        return decode_nflog(octets, packet, at, end, wire_end)
    if link in (LINK_PPI, LINK_PRISM, LINK_AVS, LINK_PFLOG):
        return decode_told_length(octets, packet, link, at, end, wire_end)
    if link == LINK_FRAME_RELAY:
        return decode_frame_relay(octets, packet, at, end, wire_end)
    if link in (LINK_FDDI, LINK_TOKEN_RING):
        return decode_ring(octets, packet, link, at, end, wire_end)
    if link in (LINK_BROADCOM, LINK_MARVELL, LINK_MARVELL_LONG):
        return decode_switch_port(octets, packet, link, at, end, wire_end)
    if fixed_bytes(link) < 0:
        return decode_odd_link(octets, packet, link, at, end, wire_end)
    return decode_fixed(octets, packet, link, at, end, wire_end)


def decode_odd_link(
    octets: Octets, packet: Packet, link: int, at: int, end: int, wire_end: int
) -> int:
    """Link types with headers of their own kind."""
    if link in (LINK_PKTAP, LINK_PKTAP_USER):
        return decode_pktap(octets, packet, at, end, wire_end)
    if link == LINK_JUNIPER_ETHERNET:
        return decode_juniper(octets, packet, at, end, wire_end)
    if link == LINK_ARCNET:
        return decode_arcnet(octets, packet, at, end, wire_end)
    if link == LINK_MPACKET:
        return decode_mpacket(octets, packet, at, end, wire_end)
    if link == LINK_IPOIB:
        return decode_ipoib(octets, packet, at, end, wire_end)
    return UNKNOWN_LINK_TYPE


def decode_loopback(
    octets: Octets, packet: Packet, link: int, at: int, end: int, wire_end: int
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


def decode_cooked(
    octets: Octets, packet: Packet, link: int, at: int, end: int, wire_end: int
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


def decode_if_ip(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """Link types whose content is an IP packet in most frames, but not in all."""
    if end > at and u8(octets, at) >> 4 not in (4, 6):
        return non_ip(packet)
    return decode_raw(octets, packet, at, end, wire_end)


def fixed_bytes(link: int) -> int:
    """The octets of a header that has always as many; -1: not of this link type."""
    if link in (LINK_ATM_LLC, LINK_MPLS):
        return 0
    if link == LINK_PPP_DIRECTED:
        return 1
    if link == LINK_PPPD:
        return 2
    if link in (LINK_NETANALYZER, LINK_BROADCOM_FRONT):
        return 4
    if link == LINK_ENC:
        return 12
    if link in (LINK_SLIP, LINK_FIBRE_CHANNEL):
        return 16
    if link == LINK_FIREWIRE:
        return 18
    return 24 if link == LINK_IPNET else -1


def decode_fixed(
    octets: Octets, packet: Packet, link: int, at: int, end: int, wire_end: int
) -> int:
    """Link types with a header of fixed length in front of what is known from elsewhere."""
    header = fixed_bytes(link)
    if end - at < header:
        return LINK_TRUNCATED if wire_end - at < header else HEADER_NOT_CAPTURED
    at += header
    if link in (LINK_ATM_LLC, LINK_FIBRE_CHANNEL):  # RFC 2684 5.1, RFC 2625 3
        return decode_llc(octets, packet, at, end, wire_end)
    if link == LINK_MPLS:
        return decode_mpls(octets, packet, at, end, wire_end)
    if link == LINK_PPP_DIRECTED:
        return decode_hdlc(octets, packet, at, end, wire_end)
    if link == LINK_PPPD:
        return decode_ppp(octets, packet, at, end, wire_end)
    if link in (LINK_NETANALYZER, LINK_BROADCOM_FRONT):
        return decode_ethernet(octets, packet, at, end, wire_end)
    if link == LINK_FIREWIRE:
        return decode_ethertype(octets, packet, be16(octets, at - 2), at, end, wire_end)
    return decode_if_ip(octets, packet, at, end, wire_end)


def decode_told_length(
    octets: Octets, packet: Packet, link: int, at: int, end: int, wire_end: int
) -> int:
    """Link types whose header has its own length: PPI, pflog, and those of old 802.11 drivers."""
    if end - at < 8:
        return LINK_TRUNCATED if wire_end - at < 8 else HEADER_NOT_CAPTURED
    inner = LINK_WIRELESS
    if link == LINK_PPI:
        header = le16(octets, at + 2)
        inner = le32(octets, at + 4)
    elif link == LINK_PFLOG:
        header = (u8(octets, at) + 3) & ~3
        inner = LINK_RAW
    elif be32(octets, at) >> 12 == AVS_MAGIC:
        header = be32(octets, at + 4)
    else:
        header = PRISM_BYTES
    if header < 8 or header > wire_end - at:
        return LINK_TRUNCATED
    if header > end - at:
        return HEADER_NOT_CAPTURED
    at += header
    if inner == LINK_RAW:
        return decode_if_ip(octets, packet, at, end, wire_end)
    if inner == LINK_ETHERNET:
        return decode_ethernet(octets, packet, at, end, wire_end)
    if inner == LINK_WIRELESS:
        return decode_wireless(octets, packet, at, end, wire_end, False)
    return non_ip(packet)


def decode_nflog(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """The kernel's NFLOG target: attributes, one of them the packet.

    Numbers are in the order of the machine that captured; nearly all are little-endian.
    """
    if end - at < 4:
        return LINK_TRUNCATED if wire_end - at < 4 else HEADER_NOT_CAPTURED
    at += 4
    for _ in range(ATTRIBUTES_MAX):
        if end - at < 4:
            return non_ip(packet) if wire_end - at < 4 else HEADER_NOT_CAPTURED
        length = le16(octets, at)
        if length < 4 or length > wire_end - at:
            return LINK_TRUNCATED
        if le16(octets, at + 2) & ATTRIBUTE_TYPE == ATTRIBUTE_PAYLOAD:
            wire_end = at + length
            return decode_if_ip(octets, packet, at + 4, min(end, wire_end), wire_end)
        at += (length + 3) & ~3
    return non_ip(packet)


def decode_frame_relay(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """Frame Relay's address, then RFC 2427, or an EtherType as Cisco has it."""
    place = at
    while place < end and not u8(octets, place) & 1:  # the last octet of the address is odd
        place += 1
    place += 1
    if end - place < 4:
        return LINK_TRUNCATED if wire_end - place < 4 else HEADER_NOT_CAPTURED
    if place - at < 2 or place - at > 4:
        return non_ip(packet)
    if u8(octets, place) == UNNUMBERED:
        return decode_nlpid(octets, packet, place + 1, end, wire_end)
    return decode_ethertype(octets, packet, be16(octets, place), place + 2, end, wire_end)


def decode_nlpid(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """The protocol number of RFC 2427 3.1, of which at least 3 octets are there with a pad."""
    if u8(octets, at) == 0:  # a pad
        at += 1
    protocol = u8(octets, at)
    at += 1
    if protocol == NLPID_IPV4:
        return decode_ipv4(octets, packet, at, end, wire_end)
    if protocol == NLPID_IPV6:
        return decode_ipv6(octets, packet, at, end, wire_end)
    if protocol == NLPID_PPP:
        return decode_ppp(octets, packet, at, end, wire_end)
    if protocol == NLPID_SNAP:
        return decode_relay_snap(octets, packet, at, end, wire_end)
    return non_ip(packet)


def decode_relay_snap(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """An organisation code and a number: an EtherType, or a frame that is bridged."""
    if end - at < 5:
        return LINK_TRUNCATED if wire_end - at < 5 else HEADER_NOT_CAPTURED
    organisation = be32(octets, at) >> 8
    kind = be16(octets, at + 3)
    at += 5
    if organisation == 0:
        return decode_ethertype(octets, packet, kind, at, end, wire_end)
    if organisation == BRIDGED and kind in (BRIDGED_WITH_FCS, BRIDGED_ETHERNET):
        return decode_ethernet(octets, packet, at, end, wire_end)
    return non_ip(packet)


def decode_ring(octets: Octets, packet: Packet, link: int, at: int, end: int, wire_end: int) -> int:
    """FDDI and Token Ring: LLC behind two addresses, and the route that a bridge wrote there."""
    header = 13 if link == LINK_FDDI else 14
    if end - at < header:
        return LINK_TRUNCATED if wire_end - at < header else HEADER_NOT_CAPTURED
    control = u8(octets, at + header - 13)
    if control & (0xF0 if link == LINK_FDDI else 0xC0) != (0x50 if link == LINK_FDDI else 0x40):
        return non_ip(packet)  # no LLC: the ring's own business
    source = at + header - 6
    packet.dst_mac = be64(octets, source - 6) >> 16
    packet.src_mac = be64(octets, source - 2) & SOURCE_MASK
    if link == LINK_TOKEN_RING and u8(octets, source) & ROUTED:
        if end - at < header + 2:
            return LINK_TRUNCATED if wire_end - at < header + 2 else HEADER_NOT_CAPTURED
        route = u8(octets, at + header) & 31
        if route < 2:
            return LINK_TRUNCATED
        header += route
    return decode_llc(octets, packet, at + header, end, wire_end)


def decode_switch_port(
    octets: Octets, packet: Packet, link: int, at: int, end: int, wire_end: int
) -> int:
    """The tag that a switch chip puts behind the addresses for its own host (DSA)."""
    header = 12 + (8 if link == LINK_MARVELL_LONG else 4) + 2
    if end - at < header:
        return LINK_TRUNCATED if wire_end - at < header else HEADER_NOT_CAPTURED
    packet.dst_mac = be64(octets, at) >> 16
    packet.src_mac = be64(octets, at + 6) >> 16
    at += header
    return decode_ethertype(octets, packet, be16(octets, at - 2), at, end, wire_end)


def decode_pktap(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """Darwin's pktap: a header with its own length, and the link type of what follows."""
    if end - at < 12:
        return LINK_TRUNCATED if wire_end - at < 12 else HEADER_NOT_CAPTURED
    header = le32(octets, at)
    link = le32(octets, at + 8)
    if header < PKTAP_MIN or header > wire_end - at:
        return LINK_TRUNCATED
    if header > end - at:
        return HEADER_NOT_CAPTURED
    if le32(octets, at + 4) != PKTAP_PACKET or link in (LINK_PKTAP, LINK_PKTAP_USER):
        return non_ip(packet)
    at += header
    if link == LINK_ETHERNET:
        return decode_ethernet(octets, packet, at, end, wire_end)
    return decode_other_link(octets, packet, link, at, end, wire_end)


def decode_juniper(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """Juniper's routers: a magic number and flags, extensions, then Ethernet or IP alone."""
    if end - at < 6:
        return LINK_TRUNCATED if wire_end - at < 6 else HEADER_NOT_CAPTURED
    word = be32(octets, at)
    if word >> 8 != JUNIPER_MAGIC:
        return non_ip(packet)
    header = 4
    if word & JUNIPER_EXTENDED:
        header = 6 + be16(octets, at + 4)
    if word & JUNIPER_NO_LINK:
        header += 4  # the protocol family, as the router numbers it
    if end - at < header:
        return LINK_TRUNCATED if wire_end - at < header else HEADER_NOT_CAPTURED
    at += header
    if word & JUNIPER_NO_LINK:
        return decode_if_ip(octets, packet, at, end, wire_end)
    return decode_ethernet(octets, packet, at, end, wire_end)


def decode_arcnet(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """ARCNET as Linux writes it: addresses, an offset, the protocol; then RFC 1201's split."""
    if end - at < 8:
        return LINK_TRUNCATED if wire_end - at < 8 else HEADER_NOT_CAPTURED
    protocol = u8(octets, at + 4)
    if protocol == ARCNET_OLD_IP:
        return decode_ipv4(octets, packet, at + 5, end, wire_end)
    if u8(octets, at + 5) != 0:
        return non_ip(packet)  # a part of a packet
    if protocol == ARCNET_IP:
        return decode_ipv4(octets, packet, at + 8, end, wire_end)
    if protocol == ARCNET_IPV6:
        return decode_ipv6(octets, packet, at + 8, end, wire_end)
    return non_ip(packet)


def decode_mpacket(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """Frames that may be interrupted, from their preamble on (IEEE 802.3 99.3)."""
    if end - at < 8:
        return LINK_TRUNCATED if wire_end - at < 8 else HEADER_NOT_CAPTURED
    # Seven octets of preamble, then express or a start; a continuation has six, and a count.
    if u8(octets, at + 6) != PREAMBLE or u8(octets, at + 7) not in (0xD5, 0xE6, 0x4C, 0x7F, 0xB3):
        return non_ip(packet)
    return decode_ethernet(octets, packet, at + 8, end, wire_end)


def decode_ipoib(octets: Octets, packet: Packet, at: int, end: int, wire_end: int) -> int:
    """IP over InfiniBand: a global routing header, an EtherType, 16 empty bits (RFC 4391 6)."""
    if end - at < 44:
        return LINK_TRUNCATED if wire_end - at < 44 else HEADER_NOT_CAPTURED
    return decode_ethertype(octets, packet, be16(octets, at + 40), at + 44, end, wire_end)
