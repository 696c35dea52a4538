"""Copies of a packet: mirror ports show one packet twice, and it must count once."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.constants import (
    DUPLICATE_WAYS,
    DUPLICATES_MASK,
    MASK64,
    PRIME_1,
    PRIME_2,
    PRIME_3,
    PRIME_4,
)
from sensor.model.packets import KIND_COPY, KIND_FLOW, PROTOCOL_TCP, RST

if not cython.compiled:
    from sensor.flowtable.table_state import TableState
    from sensor.memory.records import Packet, packet_at, touch_bucket
    from sensor.model.packets import PacketBatch

COPY_WINDOW_WITHOUT_ID_NS = 1_000_000
"""Without an IPv4 identification two equal packets may be two sendings: a copy is closer."""

TOUCHED_AHEAD = 8
"""Packets ahead for which memory is asked."""


def mark_duplicates(table: TableState, packets: PacketBatch) -> None:
    """Mark the packets of a batch that were here a moment ago: KIND_COPY. Marks are known."""
    for index in range(packets.count):
        if index + TOUCHED_AHEAD < packets.count:
            packet = packet_at(packets.rows, index + TOUCHED_AHEAD)
            touch_bucket(table.copies, (packet.copy_mark & DUPLICATES_MASK) * 2 * DUPLICATE_WAYS)
        packet = packet_at(packets.rows, index)
        if packet.kind >= KIND_FLOW and is_copy(table, packet, packet.copy_mark):
            packet.kind = KIND_COPY


def copy_mark(table: TableState, packet: Packet) -> int:
    """One number for everything that two copies of a packet have in common; 0: there is nothing.

    Sequence numbers say which octets a segment carries. Of other packets the decoder left a hash of
    the payload: an identification may be constant, and a checksum that the network card was to
    fill in is the same for all datagrams of one length.
    """
    content = 0 if packet.protocol == PROTOCOL_TCP else packet.copy_mark
    if packet.ip_id == 0 and packet.checksum == 0 and content == 0:
        return 0  # two packets of equal length may be equal
    identity = packet.ip_id
    identity = (identity << 16) ^ packet.checksum
    identity = (identity << 32) ^ packet.seq
    position = packet.ack
    position = (position << 32) ^ packet.payload_bytes
    position ^= (packet.tcp_flags << 24) ^ (packet.src_port << 8)
    mark = (packet.hash + packet.src_lo * PRIME_2) & MASK64
    mark = ((mark ^ identity) * PRIME_1) & MASK64
    mark ^= (mark >> 29) ^ content
    mark = ((mark ^ position) * PRIME_3) & MASK64
    return mark ^ (mark >> 32)


def is_copy(table: TableState, packet: Packet, mark: int) -> bool:
    """True if the same packet was here a moment ago (mirror ports show packets twice)."""
    if mark == 0:
        return False
    at = _place(table, mark)
    if table.copies[at] == mark and is_near(table, packet, table.copies[at + DUPLICATE_WAYS]):
        return _counts_as_copy(table, packet)
    table.copies[at] = mark
    table.copies[at + DUPLICATE_WAYS] = packet.time_ns & MASK64
    return False


def _place(table: TableState, mark: int) -> int:
    """Where a mark is; if it is nowhere, the oldest of the places where it might be."""
    first = (mark & DUPLICATES_MASK) * 2 * DUPLICATE_WAYS
    oldest = first
    for at in range(first, first + DUPLICATE_WAYS):
        if table.copies[at] == mark:
            return at
        if table.copies[at + DUPLICATE_WAYS] < table.copies[oldest + DUPLICATE_WAYS]:
            oldest = at
    return oldest


def _counts_as_copy(table: TableState, packet: Packet) -> bool:
    """Judge a packet that was here a moment ago, and remember that its flow is seen twice.

    A closed socket answers each late segment with the same RST (RFC 9293 3.10.7.1), often without
    an identification: that one is a copy only if other packets of its flow had copies.
    """
    doubled = ((packet.hash ^ PRIME_2) * PRIME_4) & MASK64
    doubled ^= doubled >> 32
    at = _place(table, doubled)
    if packet.ip_id == 0 and packet.protocol == PROTOCOL_TCP and packet.tcp_flags & RST:
        return table.copies[at] == doubled
    table.copies[at] = doubled
    table.copies[at + DUPLICATE_WAYS] = packet.time_ns & MASK64
    return True


def is_near(table: TableState, packet: Packet, before_ns: int) -> bool:
    """True if a packet comes so soon after another time, or before it, that it may be a copy."""
    window = table.copy_window_ns
    if packet.ip_id == 0:
        window = min(window, COPY_WINDOW_WITHOUT_ID_NS)
    apart = (packet.time_ns - before_ns) & MASK64
    return apart <= window or MASK64 - apart < window
