"""The originator of a flow, judged by its first packet; and reversing a flow."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.flow_state import ADVANCED, SAW_ACK, SAW_DATA, SAW_FIN, SAW_RST
from sensor.model.applications import (
    OFFER_CLIENT,
    OFFER_SERVER,
    TELNET_CLIENT,
    TELNET_SERVER,
)
from sensor.model.packets import (
    ACK,
    PROTOCOL_ICMP,
    PROTOCOL_ICMPV6,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    SYN,
)

if not cython.compiled:
    from sensor.memory.records import Flow, Packet, ones

PAIRS_LOW = SAW_FIN | SAW_RST | SAW_DATA | SAW_ACK | ADVANCED
"""The originator's bit of each pair that a flow without a SYN can have."""
WELL_KNOWN_PORTS = 1024
RESERVED_PORTS = 512
"""From here up to the well-known ports' end clients take reserved source ports: rresvport(3)."""
NFS_PORT = 2049
EPHEMERAL_PORTS = 32_768
"""Clients' ports by default: Linux from here on, others from 49,152 (RFC 6335 6)."""
DHCP_SERVER_PORT = 67
DHCP_CLIENT_PORT = 68
"""RFC 2131 4.1."""
DHCPV6_SERVER_PORT = 547
DHCPV6_CLIENT_PORT = 546
"""RFC 8415 7.2."""
BROADCAST_IPV4 = 0xFFFF_FFFF
BROADCAST_MAC = 0xFFFF_FFFF_FFFF


def initiator_of(packet: Packet, early: bool) -> int:
    """The side of a new flow that its first packet comes from: 0 or 1, plus 2 if guessed.

    A multicast or broadcast address never opened anything. SYN decides, then SYN-ACK, then telnet
    negotiation, then the ports, then who spoke first. Other transports than TCP have no mid-stream:
    who spoke first opened the flow, unless the capture has only just begun (`early`).
    """
    if is_group(packet.ip_version, packet.dst_hi, packet.dst_lo):
        return 0
    if is_group(packet.ip_version, packet.src_hi, packet.src_lo):
        return 1
    if packet.protocol == PROTOCOL_TCP:
        if packet.tcp_flags & SYN:
            return 1 if packet.tcp_flags & ACK else 0
        if packet.application in (TELNET_SERVER, OFFER_SERVER):
            return 3
        if packet.application in (TELNET_CLIENT, OFFER_CLIENT):
            return 2
        return 2 + (1 if _serves_tcp(packet.src_port, packet.dst_port) else 0)
    if packet.dst_mac == BROADCAST_MAC:
        return 0
    if packet.protocol == PROTOCOL_ICMP or packet.protocol == PROTOCOL_ICMPV6:
        return _icmp_initiator(packet)
    if packet.protocol == PROTOCOL_UDP and _answers_dhcp(packet.src_port, packet.dst_port):
        return 1 + 2
    return 1 + 2 if early and _serves(packet.src_port, packet.dst_port) else 0


def is_group(ip_version: int, hi: int, lo: int) -> bool:
    """True for multicast and the limited broadcast (RFC 1112 4, RFC 919 7, RFC 4291 2.7)."""
    if ip_version == 4:
        return (lo >> 28) & 15 == 14 or lo & BROADCAST_IPV4 == BROADCAST_IPV4
    return hi >> 56 == 0xFF


def _serves_tcp(port: int, other: int) -> bool:
    """True if a port is rather the server's than the other one."""
    if port < WELL_KNOWN_PORTS or other < WELL_KNOWN_PORTS:
        if port == NFS_PORT:
            return other >= RESERVED_PORTS
        if other == NFS_PORT:
            return port < RESERVED_PORTS
        return port < WELL_KNOWN_PORTS <= other
    return port < EPHEMERAL_PORTS <= other


def _serves(port: int, other: int) -> bool:
    """The same of a datagram that may be an answer, where a reserved port proves less."""
    if port == NFS_PORT:
        return RESERVED_PORTS <= other < WELL_KNOWN_PORTS
    if port >= RESERVED_PORTS and other < EPHEMERAL_PORTS:
        return False
    return 0 < port < WELL_KNOWN_PORTS <= other


def _answers_dhcp(port: int, other: int) -> bool:
    """From the server's port to the client's: the question went to a group, in another flow."""
    if port == DHCP_SERVER_PORT:
        return other == DHCP_CLIENT_PORT
    return port == DHCPV6_SERVER_PORT and other == DHCPV6_CLIENT_PORT


def _icmp_initiator(packet: Packet) -> int:
    """A reply that comes first has a request that was not seen: its receiver opened the flow.

    Routers advertise themselves unasked, or are asked by multicast (RFC 1256 3, RFC 4861 6.2).
    """
    kind = packet.icmp_type
    reply = kind in (0, 14, 16, 18) if packet.protocol == PROTOCOL_ICMP else kind in (129, 136)
    return 1 + 2 if reply else 0


def reverse(flow: Flow) -> None:
    """Exchange originator and responder."""
    hi = flow.orig_hi
    lo = flow.orig_lo
    port = flow.orig_port
    flow.orig_hi = flow.resp_hi
    flow.orig_lo = flow.resp_lo
    flow.orig_port = flow.resp_port
    flow.resp_hi = hi
    flow.resp_lo = lo
    flow.resp_port = port
    for at in range(6):
        mac = flow.orig_mac[at]
        flow.orig_mac[at] = flow.resp_mac[at]
        flow.resp_mac[at] = mac
    _reverse_counters(flow)
    # Bits come in pairs; the rest of the state belongs to flows with a SYN, which are not guessed.
    low = flow.state & PAIRS_LOW
    high = flow.state & (PAIRS_LOW << 1)
    flow.state = (flow.state & ~(PAIRS_LOW | (PAIRS_LOW << 1))) | (low << 1) | (high >> 1)
    flow.history_seen = ((flow.history_seen << 8) | (flow.history_seen >> 8)) & 0xFFFF
    for at in range(ones(flow.history_seen)):
        flow.history[at] = flow.history[at] ^ 0x20


def _reverse_counters(flow: Flow) -> None:
    packets = flow.packets[0]
    octets = flow.bytes[0]
    payload = flow.payload_bytes[0]
    missed = flow.missed_bytes[0]
    flow.packets[0] = flow.packets[1]
    flow.bytes[0] = flow.bytes[1]
    flow.payload_bytes[0] = flow.payload_bytes[1]
    flow.missed_bytes[0] = flow.missed_bytes[1]
    flow.packets[1] = packets
    flow.bytes[1] = octets
    flow.payload_bytes[1] = payload
    flow.missed_bytes[1] = missed
    upcoming = flow.next_seq[0]
    acked = flow.acked[0]
    window = flow.window[0]
    isn = flow.isn[0]
    flags = flow.tcp_flags[0]
    flow.next_seq[0] = flow.next_seq[1]
    flow.acked[0] = flow.acked[1]
    flow.window[0] = flow.window[1]
    flow.isn[0] = flow.isn[1]
    flow.tcp_flags[0] = flow.tcp_flags[1]
    flow.next_seq[1] = upcoming
    flow.acked[1] = acked
    flow.window[1] = window
    flow.isn[1] = isn
    flow.tcp_flags[1] = flags
