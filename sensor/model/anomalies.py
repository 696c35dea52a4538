"""Every way a frame can be malformed: a small code, a stable name, what it means, and the standard.

A decoder returns one of these codes; `SOUND` means that nothing is wrong. Codes are indices into
`ANOMALIES`, names are what people count and query by: both only ever grow at the end.

`HEADER_NOT_CAPTURED` is the one that does not blame the sender: the snapshot length cut a header
that was whole on the wire. A payload that was cut off is no anomaly.
"""

from __future__ import annotations

from dataclasses import dataclass

(
    SOUND, HEADER_NOT_CAPTURED, UNKNOWN_LINK_TYPE, LINK_TRUNCATED, VLAN_TRUNCATED,
    VLAN_STACK_TOO_DEEP, ETHERNET_BAD_LENGTH, LLC_TRUNCATED, IP_BAD_VERSION, IP_TINY_FRAGMENT,
    IP_FRAGMENT_TOO_LONG, IPV4_HEADER_TRUNCATED, IPV4_BAD_HEADER_LENGTH, IPV4_BAD_LENGTH,
    IPV4_TRUNCATED, IPV6_HEADER_TRUNCATED, IPV6_TRUNCATED, IPV6_EXTENSION_TRUNCATED,
    IPV6_TOO_MANY_EXTENSIONS, IPV6_HOP_BY_HOP_MISPLACED, IPV6_FRAGMENT_BAD_LENGTH, AH_BAD_LENGTH,
    TCP_HEADER_TRUNCATED, TCP_BAD_OFFSET, UDP_HEADER_TRUNCATED, UDP_BAD_LENGTH,
    UDP_LITE_HEADER_TRUNCATED, UDP_LITE_BAD_COVERAGE, SCTP_HEADER_TRUNCATED, DCCP_HEADER_TRUNCATED,
    DCCP_BAD_OFFSET, ICMP_HEADER_TRUNCATED, ICMPV6_HEADER_TRUNCATED, MPLS_TRUNCATED,
    MPLS_STACK_TOO_DEEP, PPPOE_BAD_LENGTH, RADIOTAP_BAD_LENGTH, GRE_TRUNCATED, ERSPAN_TRUNCATED,
    TUNNEL_TOO_DEEP, IP_OVERLAPPING_FRAGMENTS,
) = range(41)


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One defect of traffic."""

    code: int
    name: str
    meaning: str
    source: str
    """The section that the frame offends, or that defines what it lacks."""


ANOMALIES = tuple(Anomaly(code, *row) for code, row in enumerate((
    ("sound", "nothing is wrong", ""),
    ("header_not_captured",
     "the snapshot length cut off a header that was whole on the wire", "draft-ietf-opsawg-pcap 5"),
    ("unknown_link_type",
     "the capture has a link type that the sensor cannot decode",
     "draft-ietf-opsawg-pcaplinktype 2"),
    ("link_truncated", "the frame is shorter than its link header", "IEEE 802.3 3.2"),
    ("vlan_truncated", "the frame ends inside a VLAN tag", "IEEE 802.1Q 9.3"),
    ("vlan_stack_too_deep",
     "more than 8 tags (VLAN or other) in front of the packet", "IEEE 802.1Q 9.5"),
    ("ethernet_bad_length",
     "the 802.3 length exceeds the frame or is neither a length nor a type", "IEEE 802.3 3.2.6"),
    ("llc_truncated", "the frame ends inside its LLC or SNAP header", "RFC 1042"),
    ("ip_bad_version",
     "the IP version is not the one that the link header announced", "RFC 791 3.1"),
    ("ip_tiny_fragment",
     "the first fragment does not hold the whole transport header", "RFC 1858 3, RFC 7112 5"),
    ("ip_fragment_too_long",
     "the fragment reaches beyond the longest packet there can be", "RFC 791 3.2, RFC 8200 4.5"),
    ("ipv4_header_truncated", "fewer than 20 octets behind the link header", "RFC 791 3.1"),
    ("ipv4_bad_header_length", "the header length is below 20 octets", "RFC 791 3.1"),
    ("ipv4_bad_length", "the total length is shorter than the header", "RFC 791 3.1"),
    ("ipv4_truncated", "the total length is longer than the frame", "RFC 791 3.1"),
    ("ipv6_header_truncated", "fewer than 40 octets behind the link header", "RFC 8200 3"),
    ("ipv6_truncated", "the payload length is longer than the frame", "RFC 8200 3"),
    ("ipv6_extension_truncated", "an extension header reaches beyond the packet", "RFC 8200 4"),
    ("ipv6_too_many_extensions", "more than 16 extension headers", "RFC 8504 5.3"),
    ("ipv6_hop_by_hop_misplaced",
     "hop-by-hop options elsewhere than right behind the IPv6 header", "RFC 8200 4.1"),
    ("ipv6_fragment_bad_length",
     "a fragment other than the last is no multiple of 8 octets long", "RFC 8200 4.5"),
    ("ah_bad_length",
     "the authentication header reaches beyond the packet or is too short for itself",
     "RFC 4302 2.2"),
    ("tcp_header_truncated", "fewer than 20 octets of TCP", "RFC 9293 3.1"),
    ("tcp_bad_offset", "the data offset is below 20 octets or beyond the segment", "RFC 9293 3.1"),
    ("udp_header_truncated", "fewer than 8 octets of UDP", "RFC 768"),
    ("udp_bad_length", "the length is below 8 octets or beyond the packet", "RFC 768"),
    ("udp_lite_header_truncated", "fewer than 8 octets of UDP-Lite", "RFC 3828 3.1"),
    ("udp_lite_bad_coverage",
     "the checksum coverage is 1 to 7 or beyond the packet", "RFC 3828 3.1"),
    ("sctp_header_truncated", "fewer than 12 octets of SCTP", "RFC 9260 3.1"),
    ("dccp_header_truncated", "fewer than 12 octets of DCCP", "RFC 4340 5.1"),
    ("dccp_bad_offset", "the data offset is below 12 octets or beyond the packet", "RFC 4340 5.1"),
    ("icmp_header_truncated", "fewer than 8 octets of ICMP", "RFC 792"),
    ("icmpv6_header_truncated", "fewer than 8 octets of ICMPv6", "RFC 4443 2.1"),
    ("mpls_truncated", "the frame ends inside the label stack or right behind it", "RFC 3032 2.1"),
    ("mpls_stack_too_deep", "more than 16 labels in front of the packet", "RFC 3032 2.1"),
    ("pppoe_bad_length", "the PPPoE length is longer than the frame", "RFC 2516 4"),
    ("radiotap_bad_length",
     "the radiotap length is below 8 octets or beyond the frame",
     "draft-ietf-opsawg-pcaplinktype 2"),
    ("gre_truncated", "the packet ends inside the GRE header", "RFC 2784 2.1, RFC 2890 2"),
    ("erspan_truncated", "the packet ends inside the ERSPAN header", "draft-foschiano-erspan 4"),
    ("tunnel_too_deep", "more than 4 tunnels inside one another", "RFC 2473 4.1.1"),
    ("ip_overlapping_fragments",
     "the fragment overlaps another one of its packet, or reaches beyond the packet's end",
     "RFC 5722 4, RFC 1858 4"),
)))
"""Indexed by code."""
