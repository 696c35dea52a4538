"""Tunnels: what a sound packet carries inside becomes the packet, as deep as TUNNELS_MAX.

    read_header   read the header behind the outer packet's transport; nothing is changed yet
    enter         the outer packet is noted as a tunnel, its content decoded in its place

An IP protocol number announces a tunnel: what is wrong inside is an anomaly. A UDP port is
only a guess: if what lies there is not sound, the packet stays the outer one. So does one whose
tunnel carries what is no packet, or what cannot be read (compressed, encrypted).
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.config import DecodeSettings
from sensor.decode.constants import (
    CONTENT_ETHERNET,
    CONTENT_IPV4,
    CONTENT_IPV6,
    CONTENT_MPLS,
    CONTENT_WIRELESS,
    CUT,
    NO_CONTENT,
    PLACES,
)
from sensor.decode.slicing import Slicing
from sensor.memory.records import NO_VLAN, TUNNELS_MAX
from sensor.model.anomalies import SOUND, TUNNEL_TOO_DEEP
from sensor.model.packets import KIND_FLOW, KIND_PSEUDOWIRE, PROTOCOL_UDP
from sensor.model.tunnels import (
    CAPWAP,
    ETHERIP,
    FOUR_IN_SIX,
    GENEVE,
    GRE,
    GTP_U,
    IPIP,
    L2TP,
    L2TP_3,
    MPLS,
    NO_TUNNEL,
    NVGRE,
    SIX_IN_FOUR,
    SIX_IN_SIX,
    TEREDO,
    TZSP,
    VXLAN,
    VXLAN_GPE,
)

if not cython.compiled:
    from sensor.decode.ethernet import add_vlan, clear_headers, decode_ethernet
    from sensor.decode.ieee80211 import decode_wireless
    from sensor.decode.ipv4 import decode_ipv4
    from sensor.decode.ipv6 import decode_ipv6
    from sensor.decode.link_types import decode_frame
    from sensor.decode.mpls import decode_mpls
    from sensor.decode.ppp import decode_ppp
    from sensor.decode.slicing import notice, place_of, settle
    from sensor.decode.tunnel_headers import (
        read_geneve,
        read_gre,
        read_gtp,
        read_teredo,
        read_vxlan,
        read_vxlan_gpe,
    )
    from sensor.decode.tunnel_layer2 import (
        read_capwap,
        read_etherip,
        read_l2tp,
        read_l2tp_3,
        read_tzsp,
    )
    from sensor.decode.vlan import tenant_of
    from sensor.memory.loads import Octets
    from sensor.memory.records import Packet, Tunnel, frame_at, packet_at, tunnel_at
    from sensor.model.frames import FrameBatch
    from sensor.model.packets import PacketBatch

PROTOCOL_IPV4 = 4
PROTOCOL_IPV6 = 41
PROTOCOL_GRE = 47
PROTOCOL_ETHERIP = 97  # RFC 3378
PROTOCOL_L2TP = 115  # version 3, RFC 3931 4.1.1
PROTOCOL_MPLS = 137  # RFC 4023
PSEUDOWIRE = 255
"""Among the types of tunnels: opened like one, but no tunnel between two addresses."""
NOT_INSIDE = 0x1_0000
"""Plus a depth, among the codes of anomalies: what was guessed to be a tunnel there is none."""
PACKET_MAX = 65535


class TunnelPorts:
    """The UDP ports of tunnels, by the settings, and what is known of cuts inside tunnels."""

    def __init__(self, settings: DecodeSettings, slicing: Slicing) -> None:
        self.types = bytearray(PACKET_MAX + 1)
        self.hint = 0
        for ports, kind in (
            (settings.vxlan_ports, VXLAN), (settings.geneve_ports, GENEVE),
            (settings.gtp_ports, GTP_U), (settings.teredo_ports, TEREDO),
            (settings.vxlan_gpe_ports, VXLAN_GPE), (settings.gre_ports, GRE),
            (settings.mpls_ports, MPLS), (settings.l2tp_ports, L2TP),
            (settings.capwap_ports, CAPWAP), (settings.tzsp_ports, TZSP),
        ):  # fmt: skip
            for port in ports:
                self.types[port] = kind
                self.hint |= 1 << (port & 63)
        self.from_hint = 0
        for port in settings.teredo_ports + settings.l2tp_ports + settings.capwap_ports:
            self.from_hint |= 1 << (port & 63)
        self.slicing = slicing


def open_tunnels(ports: TunnelPorts, frames: FrameBatch, packets: PacketBatch, index: int) -> int:
    """Let what a sound packet carries take its place; its path goes beside it in the batch."""
    code = descend(ports, frames, packets, index, TUNNELS_MAX + 1)
    if code >= NOT_INSIDE:
        # Everything again, but not as deep: so nothing of the wrong guess is left.
        depth = code - NOT_INSIDE
        code = decode_frame(
            frames.octets, frame_at(frames.rows, index), packet_at(packets.rows, index))
        if code == SOUND or code & CUT:  # a cut of the frame itself was settled before
            code = descend(ports, frames, packets, index, depth)
    return code


def descend(
    ports: TunnelPorts, frames: FrameBatch, packets: PacketBatch, index: int, deepest: int
) -> int:
    """Open one tunnel after the other, `deepest` at most."""
    octets = frames.octets
    frame = frame_at(frames.rows, index)
    packet = packet_at(packets.rows, index)
    place = frame.interface % PLACES
    length = frame.wire
    for depth in range(deepest):
        kind = tunnel_type(ports, packet)
        if kind == NO_TUNNEL:
            break
        is_part = packet.fragment != 0
        guessed = packet.protocol == PROTOCOL_UDP or is_part
        tunnel = tunnel_at(packets.tunnel_rows, index * TUNNELS_MAX + packet.tunnels)
        code = read_header(octets, packet, tunnel, kind)
        if code != SOUND and not guessed:
            return code
        if code != SOUND or tunnel.content == NO_CONTENT:
            break
        if depth == TUNNELS_MAX:
            return TUNNEL_TOO_DEEP
        end = packet.payload_offset + packet.payload_bytes
        code = enter(octets, packet, tunnel)
        if tunnel.type != NO_TUNNEL:
            place = place_of(tunnel)
            length = end - tunnel.inner
        if not is_part:
            code = settle_inside(ports.slicing, packet, index, place, length, code, tunnel)
        if code & CUT:  # all of the batch is to be seen first
            return code
        # A packet of no length would reach as far as `enter` lets it: nobody sends that in parts.
        if code != SOUND or (is_part and packet.ip_bytes > PACKET_MAX):
            return NOT_INSIDE + depth if guessed else code
    return SOUND


def settle_inside(
    slicing: Slicing, packet: Packet, index: int, place: int, length: int, code: int,
    tunnel: Tunnel,
) -> int:
    """Note how long the content of a tunnel is, and settle whether it was cut."""
    notice(slicing, place, length)
    if code & CUT:
        return settle(slicing, packet, index, place, length, code, tunnel.cut != 0)
    return code


def tunnel_type(ports: TunnelPorts, packet: Packet) -> int:
    """The kind of tunnel that a packet may be; NO_TUNNEL for most."""
    if packet.kind != KIND_FLOW:
        return PSEUDOWIRE if packet.kind == KIND_PSEUDOWIRE else NO_TUNNEL
    if packet.protocol == PROTOCOL_UDP:
        if (ports.hint >> (packet.dst_port & 63)) & 1 and ports.types[packet.dst_port]:
            return ports.types[packet.dst_port]
        if (ports.from_hint >> (packet.src_port & 63)) & 1:  # the other way, from the port
            kind = ports.types[packet.src_port]
            return kind if kind in (TEREDO, L2TP, CAPWAP) else NO_TUNNEL
        return NO_TUNNEL
    if packet.protocol == PROTOCOL_GRE:
        return GRE
    if packet.protocol == PROTOCOL_IPV4:
        return IPIP if packet.ip_version == 4 else FOUR_IN_SIX
    if packet.protocol == PROTOCOL_IPV6:
        return SIX_IN_FOUR if packet.ip_version == 4 else SIX_IN_SIX
    if packet.protocol == PROTOCOL_ETHERIP:
        return ETHERIP
    if packet.protocol == PROTOCOL_L2TP:
        return L2TP_3
    return MPLS if packet.protocol == PROTOCOL_MPLS else NO_TUNNEL


def read_header(octets: Octets, packet: Packet, tunnel: Tunnel, kind: int) -> int:
    """Fill `tunnel` from the header that a packet carries; `content` is what follows it."""
    at = packet.payload_offset
    end = at + packet.payload_captured
    wire_end = at + packet.payload_bytes
    tunnel.type = kind
    tunnel.id = 0
    tunnel.has_id = 0
    tunnel.cut = 0
    tunnel.vlan = NO_VLAN
    tunnel.inner = at
    tunnel.content = NO_CONTENT
    if kind == VXLAN:
        return read_vxlan(octets, tunnel, at, end)
    if kind == GENEVE:
        return read_geneve(octets, tunnel, at, end)
    if kind == GTP_U:
        return read_gtp(octets, tunnel, at, end)
    if kind == GRE:
        return read_gre(octets, tunnel, at, end, wire_end)
    if kind == PSEUDOWIRE:
        tunnel.type = NO_TUNNEL
        tunnel.content = CONTENT_ETHERNET
    elif kind in (IPIP, FOUR_IN_SIX):
        tunnel.content = CONTENT_IPV4
    elif kind in (SIX_IN_FOUR, SIX_IN_SIX):
        tunnel.content = CONTENT_IPV6
    elif kind == MPLS:
        tunnel.content = CONTENT_MPLS
    else:
        read_rare_header(octets, tunnel, kind, at, end)
    return SOUND


def read_rare_header(octets: Octets, tunnel: Tunnel, kind: int, at: int, end: int) -> None:
    """Those of tunnels that few networks have; what is not as it must be stays closed."""
    if kind == TEREDO:
        read_teredo(octets, tunnel, at, end)
    elif kind == VXLAN_GPE:
        read_vxlan_gpe(octets, tunnel, at, end)
    elif kind == ETHERIP:
        read_etherip(octets, tunnel, at, end)
    elif kind == L2TP:
        read_l2tp(octets, tunnel, at, end)
    elif kind == L2TP_3:
        read_l2tp_3(octets, tunnel, at, end)
    elif kind == CAPWAP:
        read_capwap(octets, tunnel, at, end)
    else:
        read_tzsp(octets, tunnel, at, end)


def enter(octets: Octets, packet: Packet, tunnel: Tunnel) -> int:
    """Decode what is behind a tunnel's header in place of the packet that brought it."""
    at = tunnel.inner
    end = packet.payload_offset + packet.payload_captured
    wire_end = packet.payload_offset + packet.payload_bytes
    # Of a first fragment the rest comes in other frames: how much of it, nobody knows yet.
    if packet.fragment:
        wire_end += PACKET_MAX
    if tunnel.type != NO_TUNNEL:
        tunnel.src_hi = packet.src_hi
        tunnel.src_lo = packet.src_lo
        tunnel.dst_hi = packet.dst_hi
        tunnel.dst_lo = packet.dst_lo
        tunnel.fragment_id = packet.fragment_id
        tunnel.fragment_protocol = packet.fragment_protocol if packet.fragment else 0
        packet.tunnels += 1
        if tunnel.has_id and tunnel.type in (GRE, NVGRE, VXLAN, GENEVE, VXLAN_GPE):
            packet.tenant = tenant_of(packet.tenant, tunnel.id)
    clear_headers(packet)
    if tunnel.content == CONTENT_ETHERNET:
        packet.vlan_outer = NO_VLAN
        packet.vlan_inner = NO_VLAN
        if tunnel.vlan != NO_VLAN:
            add_vlan(packet, tunnel.vlan)
        return decode_ethernet(octets, packet, at, end, wire_end)
    if tunnel.content == CONTENT_IPV4:
        return decode_ipv4(octets, packet, at, end, wire_end)
    if tunnel.content == CONTENT_IPV6:
        return decode_ipv6(octets, packet, at, end, wire_end)
    if tunnel.content == CONTENT_MPLS:
        return decode_mpls(octets, packet, at, end, wire_end)
    if tunnel.content == CONTENT_WIRELESS:
        return decode_wireless(octets, packet, at, end, wire_end, False)
    return decode_ppp(octets, packet, at, end, wire_end)
