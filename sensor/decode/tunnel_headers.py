"""The headers of tunnels: GRE and what it carries, VXLAN, Geneve, GTP-U, Teredo.

Each function fills the record of a tunnel: its id, what its content is and where that starts. It
leaves `content` at NO_CONTENT where there is none that could be decoded. What stands at a UDP port
by chance is hardly ever taken for a header: what is inside has to be sound. Bits that are reserved
are not looked at, as receivers do.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.decode.constants import (
    CONTENT_ETHERNET,
    CONTENT_IPV4,
    CONTENT_IPV6,
    CONTENT_MPLS,
    CONTENT_PPP,
    ETHERTYPE_IPV4,
    ETHERTYPE_IPV6,
    ETHERTYPE_MPLS,
    ETHERTYPE_MPLS_UPSTREAM,
    NO_CONTENT,
    PPP_IPV4,
    PPP_IPV6,
)
from sensor.model.anomalies import ERSPAN_TRUNCATED, GRE_TRUNCATED, HEADER_NOT_CAPTURED, SOUND
from sensor.model.tunnels import ERSPAN, NVGRE, PPTP

if not cython.compiled:
    from sensor.decode.llc import is_likely_frame
    from sensor.memory.loads import Octets, be16, be32, u8
    from sensor.memory.records import Tunnel

ETHERTYPE_BRIDGING = 0x6558  # RFC 1701: transparent Ethernet bridging
ETHERTYPE_PPP = 0x880B  # RFC 2637 4.1
ETHERTYPE_ERSPAN = 0x88BE  # types I and II, draft-foschiano-erspan 4
ETHERTYPE_ERSPAN_3 = 0x22EB

# The first 16 bits of GRE, RFC 2784 2.1, RFC 2890 2, RFC 2637 4.1.
GRE_CHECKSUM = 0x8000
GRE_ROUTING = 0x4000
GRE_KEY = 0x2000
GRE_SEQUENCE = 0x1000
GRE_ACKNOWLEDGED = 0x0080
GRE_VERSION = 0x0007
NVGRE_KEY_MIN = 0x10_0000
"""The lowest VSID is 0x1000, and 8 bits of flow id follow it (RFC 7637 3.2, 4.2)."""

VXLAN_VNI = 0x08  # RFC 7348 5: the VNI is valid
VXLAN_FLAGS = 0x0800_0000  # the same, and nothing else
VXLAN_GROUP = 0x8800_0000  # and draft-smith-vxlan-group-policy: 16 bits of group follow
ERSPAN_TRUNCATED_BIT = 0x04  # T, draft-foschiano-erspan 4.2: the mirror cut the frame
ERSPAN_IP = 2  # frame type
GENEVE_CONTROL = 0x80
GPE_VERSION = 0x30
GPE_PROTOCOL = 0x04
GPE_OAM = 0x01
GPE_IPV4 = 1
GPE_IPV6 = 2
GPE_ETHERNET = 3
GPE_MPLS = 5
GTP_EXTENSIONS_MAX = 16
GTP_PDU = 255


def content_of(ethertype: int) -> int:
    """The content that an EtherType announces; NO_CONTENT for what is not decoded."""
    if ethertype == ETHERTYPE_IPV4:
        return CONTENT_IPV4
    if ethertype == ETHERTYPE_IPV6:
        return CONTENT_IPV6
    if ethertype == ETHERTYPE_BRIDGING:
        return CONTENT_ETHERNET
    if ethertype in (ETHERTYPE_MPLS, ETHERTYPE_MPLS_UPSTREAM):
        return CONTENT_MPLS
    return NO_CONTENT


def ip_content(octets: Octets, at: int) -> int:
    """The content that the first octet of an IP packet announces."""
    version = u8(octets, at) >> 4
    if version == 4:
        return CONTENT_IPV4
    return CONTENT_IPV6 if version == 6 else NO_CONTENT


def missing(left: int, need: int, code: int) -> int:
    """Why a header of `need` octets is not there: the packet ends, or the capture."""
    return HEADER_NOT_CAPTURED if left >= need else code


def read_gre(octets: Octets, tunnel: Tunnel, at: int, end: int, wire_end: int) -> int:
    """GRE, version 0 (RFC 2784, 2890) and version 1 (PPTP); what it was before RFC 2784 is left."""
    if end - at < 4:
        return missing(wire_end - at, 4, GRE_TRUNCATED)
    word = be16(octets, at)
    ethertype = be16(octets, at + 2)
    if word & GRE_VERSION == 1 and ethertype == ETHERTYPE_PPP:
        return read_pptp(octets, tunnel, word, at, end, wire_end)
    if word & (GRE_VERSION | GRE_ROUTING):
        return SOUND
    mirrored = ethertype in (ETHERTYPE_ERSPAN, ETHERTYPE_ERSPAN_3)
    content = content_of(ethertype)
    if content == NO_CONTENT and not mirrored:
        return SOUND
    key = 8 if word & GRE_CHECKSUM else 4
    header = key + (4 if word & GRE_KEY else 0) + (4 if word & GRE_SEQUENCE else 0)
    if end - at < header:
        return missing(wire_end - at, header, GRE_TRUNCATED)
    if mirrored:
        has_header = ethertype == ETHERTYPE_ERSPAN_3 or word & GRE_SEQUENCE != 0
        return read_erspan(octets, tunnel, has_header, at + header, end, wire_end)
    if word & GRE_KEY:
        tunnel.has_id = 1
        tunnel.id = be32(octets, at + key)
        if ethertype == ETHERTYPE_BRIDGING and header == 8 and tunnel.id >= NVGRE_KEY_MIN:
            tunnel.type = NVGRE
            tunnel.id = tunnel.id >> 8
    tunnel.inner = at + header
    tunnel.content = content
    return SOUND


def read_pptp(octets: Octets, tunnel: Tunnel, word: int, at: int, end: int, wire_end: int) -> int:
    """The GRE of PPTP: the key is a length and a call id, PPP follows if there is a number."""
    if word & (GRE_CHECKSUM | GRE_ROUTING) or not word & GRE_KEY or not word & GRE_SEQUENCE:
        return SOUND
    header = 16 if word & GRE_ACKNOWLEDGED else 12
    if end - at < header + 4:
        return missing(wire_end - at, header + 4, GRE_TRUNCATED)
    tunnel.id = be16(octets, at + 6)
    at += header
    protocol = be16(octets, at)
    if protocol == 0xFF03:
        at += 2
        protocol = be16(octets, at)
    # Control messages, compressed and encrypted packets are not looked into.
    if protocol in (PPP_IPV4, PPP_IPV6) or protocol >> 8 in (PPP_IPV4, PPP_IPV6):
        tunnel.type = PPTP
        tunnel.has_id = 1
        tunnel.inner = at
        tunnel.content = CONTENT_PPP
    return SOUND


def read_erspan(
    octets: Octets, tunnel: Tunnel, has_header: bool, at: int, end: int, wire_end: int
) -> int:
    """A mirrored frame: type I has no header, those of II and III begin with their version."""
    header = 0
    content = CONTENT_ETHERNET
    if has_header:
        if end - at < 8:
            return missing(wire_end - at, 8, ERSPAN_TRUNCATED)
        version = u8(octets, at) >> 4
        if version == 1:
            header = 8
            # Without its tag: it was on a trunk whose VLAN is named here alone.
            if (u8(octets, at + 2) >> 3) & 3 in (1, 2):
                tunnel.vlan = be16(octets, at) & 0x0FFF
        elif version == 2:
            header = 12
            if end - at >= 12:
                content = erspan_content(octets, at + 10)
                if u8(octets, at + 11) & 1:  # a subheader of the platform
                    header = 20
        else:
            return SOUND
        if end - at < header:
            return missing(wire_end - at, header, ERSPAN_TRUNCATED)
        tunnel.has_id = 1
        tunnel.id = be16(octets, at + 2) & 0x03FF
        tunnel.cut = u8(octets, at + 2) & ERSPAN_TRUNCATED_BIT != 0
    tunnel.type = ERSPAN
    tunnel.inner = at + header
    tunnel.content = content
    if content == CONTENT_IPV4 and end - tunnel.inner >= 1:
        tunnel.content = ip_content(octets, tunnel.inner)
    return SOUND


def erspan_content(octets: Octets, at: int) -> int:
    """The frame type of ERSPAN type III, draft-foschiano-erspan 4.3: Ethernet, or IP as it is."""
    return CONTENT_IPV4 if (u8(octets, at) >> 2) & 0x1F == ERSPAN_IP else CONTENT_ETHERNET


def read_vxlan(octets: Octets, tunnel: Tunnel, at: int, end: int) -> int:
    """VXLAN, RFC 7348 5: the flag for a VNI is set, reserved fields are ignored on receipt.

    Where these are not 0 what is inside must look like a frame: one bit alone is no proof.
    """
    if end - at < 8 or not u8(octets, at) & VXLAN_VNI:
        return SOUND
    word = be32(octets, at)
    plain = (word == VXLAN_FLAGS or word >> 24 == VXLAN_GROUP >> 24) and u8(octets, at + 7) == 0
    if not plain and (end - at < 8 + 14 or not is_likely_frame(octets, at + 8, end)):
        return SOUND
    tunnel.has_id = 1
    tunnel.id = be32(octets, at + 4) >> 8
    tunnel.inner = at + 8
    tunnel.content = CONTENT_ETHERNET
    return SOUND


def read_vxlan_gpe(octets: Octets, tunnel: Tunnel, at: int, end: int) -> int:
    """VXLAN-GPE, draft-ietf-nvo3-vxlan-gpe 3.1: the last octet of the first word names the content,
    if a flag says so; else it is a frame.
    """
    if end - at < 8 or u8(octets, at) & (GPE_VERSION | VXLAN_VNI | GPE_OAM) != VXLAN_VNI:
        return SOUND
    protocol = u8(octets, at + 3) if u8(octets, at) & GPE_PROTOCOL else GPE_ETHERNET
    if protocol == GPE_ETHERNET:
        tunnel.content = CONTENT_ETHERNET
    elif protocol == GPE_IPV4:
        tunnel.content = CONTENT_IPV4
    elif protocol == GPE_IPV6:
        tunnel.content = CONTENT_IPV6
    elif protocol == GPE_MPLS:
        tunnel.content = CONTENT_MPLS
    tunnel.has_id = 1
    tunnel.id = be32(octets, at + 4) >> 8
    tunnel.inner = at + 8
    return SOUND


def read_geneve(octets: Octets, tunnel: Tunnel, at: int, end: int) -> int:
    """Geneve, RFC 8926 3.4: version 0, options, no control packet."""
    if end - at < 8 or u8(octets, at) >> 6 or u8(octets, at + 1) & GENEVE_CONTROL:
        return SOUND
    header = 8 + ((u8(octets, at) & 0x3F) << 2)
    content = content_of(be16(octets, at + 2))
    if end - at < header or content == NO_CONTENT:
        return SOUND
    tunnel.has_id = 1
    tunnel.id = be32(octets, at + 4) >> 8
    tunnel.inner = at + header
    tunnel.content = content
    return SOUND


def read_gtp(octets: Octets, tunnel: Tunnel, at: int, end: int) -> int:
    """GTP-U, 3GPP TS 29.281 5.1: user packets, behind extension headers."""
    # Version 1, the protocol type of GTP; the bit behind it is spare.
    if end - at < 8 or u8(octets, at) & 0xF0 != 0x30 or u8(octets, at + 1) != GTP_PDU:
        return SOUND
    inner = at + 8
    if u8(octets, at) & 7:
        inner += 4
        if end - inner < 0:
            return SOUND
        following = u8(octets, inner - 1) if u8(octets, at) & 4 else 0
        headers = 0
        while following:
            if end - inner < 4 or headers == GTP_EXTENSIONS_MAX or u8(octets, inner) == 0:
                return SOUND
            inner += u8(octets, inner) << 2
            if end - inner < 0:
                return SOUND
            following = u8(octets, inner - 1)
            headers += 1
    if end - inner < 1:
        return SOUND
    tunnel.has_id = 1
    tunnel.id = be32(octets, at + 4)
    tunnel.inner = inner
    tunnel.content = ip_content(octets, inner)
    return SOUND


def read_teredo(octets: Octets, tunnel: Tunnel, at: int, end: int) -> int:
    """Teredo, RFC 4380 5.1.1: IPv6 behind an authentication, an origin, both or neither."""
    if end - at >= 13 and be16(octets, at) == 1:
        at += 13 + u8(octets, at + 2) + u8(octets, at + 3)
    if end - at >= 8 and be16(octets, at) == 0:
        at += 8
    if end - at >= 1 and u8(octets, at) >> 4 == 6:
        tunnel.inner = at
        tunnel.content = CONTENT_IPV6
    return SOUND
