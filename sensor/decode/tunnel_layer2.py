"""The headers of tunnels that carry links: L2TP, CAPWAP, EtherIP, TZSP.

As in tunnel_headers.py: each fills the record of a tunnel and changes nothing else; `content` stays
at NO_CONTENT where there is none that could be decoded.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.decode.constants import CONTENT_ETHERNET, CONTENT_PPP, CONTENT_WIRELESS
from sensor.model.tunnels import L2TP_3

if not cython.compiled:
    from sensor.decode.llc import is_likely_frame
    from sensor.memory.loads import Octets, be16, be32, u8
    from sensor.memory.records import Tunnel

# The first 16 bits of L2TP, RFC 2661 3.1.
L2TP_CONTROL = 0x8000
L2TP_LENGTH = 0x4000
L2TP_SEQUENCE = 0x0800
L2TP_OFFSET = 0x0200
L2TP_VERSION = 0x000F
L2TP_FRONT_MAX = 12
"""Octets in front of a frame in L2TP version 3, of which only the ends know how many there are: a
cookie of 0, 4 or 8, and 4 or none of a sublayer (RFC 3931 4.1)."""
HDLC = 0xFF03  # address and control, which some send in front of PPP

# The first 32 bits of CAPWAP, RFC 5415 4.3.
CAPWAP_PREAMBLE = 0xFF00_0000
CAPWAP_NATIVE = 0x0000_0100
CAPWAP_FRAGMENT = 0x0000_0080
CAPWAP_KEEP_ALIVE = 0x0000_0008
CAPWAP_WIRELESS = 1  # the binding of 802.11, RFC 5416

ETHERIP_VERSION = 0x3000  # RFC 3378 3: version 3, and reserved bits
TZSP_VERSION = 1
TZSP_SENT_MAX = 1  # types 0 and 1 carry a packet
TZSP_ETHERNET = 1
TZSP_WIRELESS = 18
TZSP_PADDING = 0
TZSP_END = 1
TZSP_FIELDS_MAX = 32


def read_l2tp(octets: Octets, tunnel: Tunnel, at: int, end: int) -> None:
    """L2TP in UDP: data of version 2 (RFC 2661 3.1), which is PPP, or of version 3."""
    if end - at < 8:
        return
    word = be16(octets, at)
    if word & L2TP_CONTROL:
        return
    if word & L2TP_VERSION == 3:
        read_l2tp_3(octets, tunnel, at + 4, end)
        return
    if word & L2TP_VERSION != 2:
        return
    inner = at + (4 if word & L2TP_LENGTH else 2)
    tunnel.id = be16(octets, inner + 2)
    tunnel.has_id = 1
    inner += 4 + (4 if word & L2TP_SEQUENCE else 0)
    if word & L2TP_OFFSET:
        if end - inner < 2:
            return
        inner += 2 + be16(octets, inner)
    if end - inner < 4:
        return
    if be16(octets, inner) == HDLC:
        inner += 2
    tunnel.inner = inner
    tunnel.content = CONTENT_PPP


def read_l2tp_3(octets: Octets, tunnel: Tunnel, at: int, end: int) -> None:
    """A session of L2TP version 3 (RFC 3931 4.1) from its id on: a frame, wherever it starts."""
    if end - at < 4 or be32(octets, at) == 0:  # a control message
        return
    tunnel.type = L2TP_3
    tunnel.has_id = 1
    tunnel.id = be32(octets, at)
    at += 4
    for front in range(0, L2TP_FRONT_MAX + 1, 4):
        if end - at - front < 15:
            return
        if is_likely_frame(octets, at + front, end):
            tunnel.inner = at + front
            tunnel.content = CONTENT_ETHERNET
            return


def read_capwap(octets: Octets, tunnel: Tunnel, at: int, end: int) -> None:
    """Data of CAPWAP (RFC 5415 4.3): frames of Ethernet or 802.11, whole and not encrypted."""
    if end - at < 8:
        return
    word = be32(octets, at)
    if word & (CAPWAP_PREAMBLE | CAPWAP_FRAGMENT | CAPWAP_KEEP_ALIVE):
        return
    header = (word >> 19 & 31) << 2
    if header < 8 or end - at < header:
        return
    tunnel.inner = at + header
    if not word & CAPWAP_NATIVE:
        tunnel.content = CONTENT_ETHERNET
    elif word >> 9 & 31 == CAPWAP_WIRELESS:
        tunnel.content = CONTENT_WIRELESS


def read_etherip(octets: Octets, tunnel: Tunnel, at: int, end: int) -> None:
    """EtherIP, RFC 3378 3: its version, and an Ethernet frame."""
    if end - at >= 2 and be16(octets, at) & 0xF000 == ETHERIP_VERSION:
        tunnel.inner = at + 2
        tunnel.content = CONTENT_ETHERNET


def read_tzsp(octets: Octets, tunnel: Tunnel, at: int, end: int) -> None:
    """TZSP, version 1: fields with a tag, then a frame of the kind that the header names."""
    if end - at < 5 or u8(octets, at) != TZSP_VERSION or u8(octets, at + 1) > TZSP_SENT_MAX:
        return
    kind = be16(octets, at + 2)
    at += 4
    for _ in range(TZSP_FIELDS_MAX):
        if end - at < 2:
            return
        tag = u8(octets, at)
        if tag == TZSP_END:
            tunnel.inner = at + 1
            if kind == TZSP_ETHERNET:
                tunnel.content = CONTENT_ETHERNET
            elif kind == TZSP_WIRELESS:
                tunnel.content = CONTENT_WIRELESS
            return
        at += 1 if tag == TZSP_PADDING else 2 + u8(octets, at + 1)
