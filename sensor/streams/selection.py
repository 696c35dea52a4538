"""Which payloads analyzers may want: chosen right behind the decoder, where the octets still are.

A payload is kept, in the packet batch, if a port of its packet is among the hints, if its first
octets look like a protocol that somebody analyzes, or if an earlier payload of the same flow did.
The flow table gives what was kept to whoever follows the flow; the window of the capture may be
filled anew meanwhile. Everything else costs a look at two ports.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.model.applications import APPLICATIONS
from sensor.model.packets import KIND_FLOW, PROTOCOL_TCP, PROTOCOL_UDP

if not cython.compiled:
    from sensor.memory.buffers import put_octets
    from sensor.memory.records import packet_at
    from sensor.model.frames import FrameBatch
    from sensor.model.packets import PacketBatch

OF_TCP = 1
OF_UDP = 2
WATCHED_MAX = 1 << 16
"""Flows that signatures alone chose; a newer one takes the place of an older one."""


class Selection:
    """Chooses payloads. It has state: one serves one flow table, whose `prepare` comes before it.

    `tcp_ports` and `udp_ports` are the hints, `applications` codes of model/applications.py.
    """

    def __init__(
        self, tcp_ports: Iterable[int], udp_ports: Iterable[int], applications: Iterable[int]
    ) -> None:
        hints = np.zeros(1 << 16, np.uint8)
        hints[list(tcp_ports)] |= OF_TCP
        hints[list(udp_ports)] |= OF_UDP
        self.hints = hints.data
        wanted = np.zeros(len(APPLICATIONS), np.uint8)
        wanted[list(applications)] = 1
        self.wanted = wanted.data
        self.watched = np.zeros(WATCHED_MAX, np.uint64).data
        self.watching = False

    def watch_as(self, other: Selection) -> None:
        """Watch for the flows that another one has chosen by signatures."""
        self.watched, self.watching = other.watched, other.watching

    def select(self, frames: FrameBatch, packets: PacketBatch) -> None:
        """Copy the chosen payloads of a batch from the window of its frames."""
        with cython.nogil:
            size = mark(self, packets)
        packets.keep_room(size + 1)
        if size:
            with cython.nogil:
                keep(frames, packets)


def mark(selection: Selection, packets: PacketBatch) -> int:
    """Set `payload_offset` to 0 for what nobody wants; the octets of the rest."""
    size = 0
    for i in range(packets.count):
        packet = packet_at(packets.rows, i)
        if is_chosen(selection, packets, i):
            size += packet.payload_captured
        else:
            packet.payload_offset = 0
    return size


def is_chosen(selection: Selection, packets: PacketBatch, index: int) -> bool:
    """True if an analyzer may want a packet's payload."""
    packet = packet_at(packets.rows, index)
    if packet.kind != KIND_FLOW or packet.payload_captured == 0 or packet.payload_offset == 0:
        return False
    if packet.protocol == PROTOCOL_UDP:  # each datagram is known by itself: none is watched for
        hints = selection.hints[packet.src_port] | selection.hints[packet.dst_port]
        return selection.wanted[packet.application] != 0 or hints & OF_UDP != 0
    if packet.protocol != PROTOCOL_TCP:
        return False
    place = (packet.hash >> 16) & (WATCHED_MAX - 1)
    if selection.wanted[packet.application]:
        selection.watched[place] = packet.hash
        selection.watching = True
        return True
    if (selection.hints[packet.src_port] | selection.hints[packet.dst_port]) & OF_TCP:
        return True
    return selection.watching and selection.watched[place] == packet.hash


def keep(frames: FrameBatch, packets: PacketBatch) -> None:
    """Copy what is chosen, from place 1 on: 0 means not kept."""
    at = 1
    for i in range(packets.count):
        packet = packet_at(packets.rows, i)
        if packet.payload_offset and packet.payload_captured:
            put_octets(packets.kept_room, at, frames.octets, packet.payload_offset,
                       packet.payload_captured)
            packet.payload_offset = at
            at += packet.payload_captured
