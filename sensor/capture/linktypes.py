"""Kinds of interfaces, and of the headers that their frames start with."""

# ARPHRD_ values (linux/if_arp.h) of interfaces whose frames start with an Ethernet header.
ARPHRD_ETHER = 1
ARPHRD_LOOPBACK = 772

# LINKTYPE_ values, draft-ietf-opsawg-pcaplinktype 2.
LINK_ETHERNET = 1
LINK_RAW = 101
LINK_IPV4 = 228
LINK_IPV6 = 229
LINK_UNKNOWN = 0xFFFF
