"""Every way a frame can be malformed: a small code, a stable name, what it means, and the standard.

A decoder returns one of these codes; `SOUND` means that nothing is wrong. Codes are indices into
`ANOMALIES`, names are what people count and query by: both only ever grow at the end.

`HEADER_NOT_CAPTURED` is the one that does not blame the sender: the snapshot length cut a header
that was whole on the wire. A payload that was cut off is no anomaly.
"""

from __future__ import annotations

from dataclasses import dataclass

SOUND = 0
HEADER_NOT_CAPTURED = 1
UNKNOWN_LINK_TYPE = 2
LINK_TRUNCATED = 3
VLAN_TRUNCATED = 4
VLAN_STACK_TOO_DEEP = 5
ETHERNET_BAD_LENGTH = 6
LLC_TRUNCATED = 7
IP_BAD_VERSION = 8
IP_TINY_FRAGMENT = 9
IP_FRAGMENT_TOO_LONG = 10
IPV4_HEADER_TRUNCATED = 11
IPV4_BAD_HEADER_LENGTH = 12
IPV4_BAD_LENGTH = 13
IPV4_TRUNCATED = 14
IPV6_HEADER_TRUNCATED = 15
IPV6_TRUNCATED = 16
IPV6_EXTENSION_TRUNCATED = 17
IPV6_TOO_MANY_EXTENSIONS = 18
IPV6_HOP_BY_HOP_MISPLACED = 19
IPV6_FRAGMENT_BAD_LENGTH = 20
AH_BAD_LENGTH = 21
TCP_HEADER_TRUNCATED = 22
TCP_BAD_OFFSET = 23
UDP_HEADER_TRUNCATED = 24
UDP_BAD_LENGTH = 25
UDP_LITE_HEADER_TRUNCATED = 26
UDP_LITE_BAD_COVERAGE = 27
SCTP_HEADER_TRUNCATED = 28
DCCP_HEADER_TRUNCATED = 29
DCCP_BAD_OFFSET = 30
ICMP_HEADER_TRUNCATED = 31
ICMPV6_HEADER_TRUNCATED = 32
MPLS_TRUNCATED = 33
MPLS_STACK_TOO_DEEP = 34
PPPOE_BAD_LENGTH = 35
RADIOTAP_BAD_LENGTH = 36
GRE_TRUNCATED = 37
ERSPAN_TRUNCATED = 38
TUNNEL_TOO_DEEP = 39
IP_OVERLAPPING_FRAGMENTS = 40


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One defect of traffic."""

    code: int
    name: str
    meaning: str
    source: str
    """The section that the frame offends, or that defines what it lacks."""


ANOMALIES = (
    Anomaly(SOUND, "sound", "nothing is wrong", ""),
    Anomaly(HEADER_NOT_CAPTURED, "header_not_captured",
            "the snapshot length cut off a header that was whole on the wire",
            "draft-ietf-opsawg-pcap 5"),
    Anomaly(UNKNOWN_LINK_TYPE, "unknown_link_type",
            "the capture has a link type that the sensor cannot decode",
            "draft-ietf-opsawg-pcaplinktype 2"),
    Anomaly(LINK_TRUNCATED, "link_truncated",
            "the frame is shorter than its link header", "IEEE 802.3 3.2"),
    Anomaly(VLAN_TRUNCATED, "vlan_truncated",
            "the frame ends inside a VLAN tag", "IEEE 802.1Q 9.3"),
    Anomaly(VLAN_STACK_TOO_DEEP, "vlan_stack_too_deep",
            "more than 8 tags (VLAN or other) in front of the packet", "IEEE 802.1Q 9.5"),
    Anomaly(ETHERNET_BAD_LENGTH, "ethernet_bad_length",
            "the 802.3 length exceeds the frame or is neither a length nor a type",
            "IEEE 802.3 3.2.6"),
    Anomaly(LLC_TRUNCATED, "llc_truncated",
            "the frame ends inside its LLC or SNAP header", "RFC 1042"),
    Anomaly(IP_BAD_VERSION, "ip_bad_version",
            "the IP version is not the one that the link header announced", "RFC 791 3.1"),
    Anomaly(IP_TINY_FRAGMENT, "ip_tiny_fragment",
            "the first fragment does not hold the whole transport header",
            "RFC 1858 3, RFC 7112 5"),
    Anomaly(IP_FRAGMENT_TOO_LONG, "ip_fragment_too_long",
            "the fragment reaches beyond the longest packet there can be",
            "RFC 791 3.2, RFC 8200 4.5"),
    Anomaly(IPV4_HEADER_TRUNCATED, "ipv4_header_truncated",
            "fewer than 20 octets behind the link header", "RFC 791 3.1"),
    Anomaly(IPV4_BAD_HEADER_LENGTH, "ipv4_bad_header_length",
            "the header length is below 20 octets", "RFC 791 3.1"),
    Anomaly(IPV4_BAD_LENGTH, "ipv4_bad_length",
            "the total length is shorter than the header", "RFC 791 3.1"),
    Anomaly(IPV4_TRUNCATED, "ipv4_truncated",
            "the total length is longer than the frame", "RFC 791 3.1"),
    Anomaly(IPV6_HEADER_TRUNCATED, "ipv6_header_truncated",
            "fewer than 40 octets behind the link header", "RFC 8200 3"),
    Anomaly(IPV6_TRUNCATED, "ipv6_truncated",
            "the payload length is longer than the frame", "RFC 8200 3"),
    Anomaly(IPV6_EXTENSION_TRUNCATED, "ipv6_extension_truncated",
            "an extension header reaches beyond the packet", "RFC 8200 4"),
    Anomaly(IPV6_TOO_MANY_EXTENSIONS, "ipv6_too_many_extensions",
            "more than 16 extension headers", "RFC 8504 5.3"),
    Anomaly(IPV6_HOP_BY_HOP_MISPLACED, "ipv6_hop_by_hop_misplaced",
            "hop-by-hop options elsewhere than right behind the IPv6 header", "RFC 8200 4.1"),
    Anomaly(IPV6_FRAGMENT_BAD_LENGTH, "ipv6_fragment_bad_length",
            "a fragment other than the last is no multiple of 8 octets long", "RFC 8200 4.5"),
    Anomaly(AH_BAD_LENGTH, "ah_bad_length",
            "the authentication header reaches beyond the packet or is too short for itself",
            "RFC 4302 2.2"),
    Anomaly(TCP_HEADER_TRUNCATED, "tcp_header_truncated",
            "fewer than 20 octets of TCP", "RFC 9293 3.1"),
    Anomaly(TCP_BAD_OFFSET, "tcp_bad_offset",
            "the data offset is below 20 octets or beyond the segment", "RFC 9293 3.1"),
    Anomaly(UDP_HEADER_TRUNCATED, "udp_header_truncated",
            "fewer than 8 octets of UDP", "RFC 768"),
    Anomaly(UDP_BAD_LENGTH, "udp_bad_length",
            "the length is below 8 octets or beyond the packet", "RFC 768"),
    Anomaly(UDP_LITE_HEADER_TRUNCATED, "udp_lite_header_truncated",
            "fewer than 8 octets of UDP-Lite", "RFC 3828 3.1"),
    Anomaly(UDP_LITE_BAD_COVERAGE, "udp_lite_bad_coverage",
            "the checksum coverage is 1 to 7 or beyond the packet", "RFC 3828 3.1"),
    Anomaly(SCTP_HEADER_TRUNCATED, "sctp_header_truncated",
            "fewer than 12 octets of SCTP", "RFC 9260 3.1"),
    Anomaly(DCCP_HEADER_TRUNCATED, "dccp_header_truncated",
            "fewer than 12 octets of DCCP", "RFC 4340 5.1"),
    Anomaly(DCCP_BAD_OFFSET, "dccp_bad_offset",
            "the data offset is below 12 octets or beyond the packet", "RFC 4340 5.1"),
    Anomaly(ICMP_HEADER_TRUNCATED, "icmp_header_truncated",
            "fewer than 8 octets of ICMP", "RFC 792"),
    Anomaly(ICMPV6_HEADER_TRUNCATED, "icmpv6_header_truncated",
            "fewer than 8 octets of ICMPv6", "RFC 4443 2.1"),
    Anomaly(MPLS_TRUNCATED, "mpls_truncated",
            "the frame ends inside the label stack or right behind it", "RFC 3032 2.1"),
    Anomaly(MPLS_STACK_TOO_DEEP, "mpls_stack_too_deep",
            "more than 16 labels in front of the packet", "RFC 3032 2.1"),
    Anomaly(PPPOE_BAD_LENGTH, "pppoe_bad_length",
            "the PPPoE length is longer than the frame", "RFC 2516 4"),
    Anomaly(RADIOTAP_BAD_LENGTH, "radiotap_bad_length",
            "the radiotap length is below 8 octets or beyond the frame",
            "draft-ietf-opsawg-pcaplinktype 2"),
    Anomaly(GRE_TRUNCATED, "gre_truncated",
            "the packet ends inside the GRE header", "RFC 2784 2.1, RFC 2890 2"),
    Anomaly(ERSPAN_TRUNCATED, "erspan_truncated",
            "the packet ends inside the ERSPAN header", "draft-foschiano-erspan 4"),
    Anomaly(TUNNEL_TOO_DEEP, "tunnel_too_deep",
            "more than 4 tunnels inside one another", "RFC 2473 4.1.1"),
    Anomaly(IP_OVERLAPPING_FRAGMENTS, "ip_overlapping_fragments",
            "the fragment overlaps another one of its packet, or reaches beyond the packet's end",
            "RFC 5722 4, RFC 1858 4"),
)
"""Indexed by code."""
