"""Numbers that several modules of the decoder share.

This module is never compiled: each compiled module declares the C types of what it takes from here
in its own .pxd.
"""

from __future__ import annotations

LINK_ETHERNET = 1  # LINKTYPE_ETHERNET; link_types.py has the others

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_ARP = 0x0806
ETHERTYPE_IPV6 = 0x86DD
ETHERTYPE_VLAN = 0x8100  # IEEE 802.1Q
ETHERTYPE_SERVICE_VLAN = 0x88A8  # IEEE 802.1ad
ETHERTYPE_OLD_VLAN = 0x9100  # what double tagging used before 802.1ad
ETHERTYPE_VLAN_9200 = 0x9200  # and other switches of that time
ETHERTYPE_VLAN_9300 = 0x9300
ETHERTYPE_MPLS = 0x8847  # RFC 5332 3
ETHERTYPE_MPLS_UPSTREAM = 0x8848
ETHERTYPE_PPPOE = 0x8864  # RFC 2516 4, session stage
ETHERTYPE_SERVICE_TAG = 0x88E7  # IEEE 802.1ah, provider backbone bridges: I-TAG

PPP_IPV4 = 0x0021  # RFC 1332 2
PPP_IPV6 = 0x0057  # RFC 5072 2

NO_CONTENT = 0
CONTENT_ETHERNET = 1
CONTENT_IPV4 = 2
CONTENT_IPV6 = 3
CONTENT_MPLS = 4
CONTENT_PPP = 5
CONTENT_WIRELESS = 6
"""The content of a tunnel, in `Tunnel.content`."""

CUT = 0x8000
"""Added to an anomaly's code inside the decoder: the packet can be read, if its length is right."""
PLACES = 1024
"""Interfaces, and behind them tunnels, of which lengths are remembered; beyond it they share."""
