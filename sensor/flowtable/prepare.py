"""What the flow table does ahead of a packet: its hash, its copies, the memory it will need."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.constants import AHEAD_MAX, NO_SLOT
from sensor.model.packets import KIND_FLOW

if not cython.compiled:
    from sensor.flowtable.duplicates import copy_mark, mark_duplicates
    from sensor.flowtable.hashtable import find_likely, key_hash
    from sensor.flowtable.table_state import TableState
    from sensor.memory.records import packet_at, touch_bucket, touch_flow, touch_packet
    from sensor.model.packets import PacketBatch

TOUCH_BUCKET = 10
TOUCH_FLOW = 5
"""Packets ahead for which memory is asked: far enough that it is there in time."""


def prepare_batch(table: TableState, packets: PacketBatch) -> None:
    """Hash the keys of a batch's packets, and mark what are copies."""
    for index in range(packets.count):
        packet = packet_at(packets.rows, index)
        if packet.kind >= KIND_FLOW:
            packet.hash = key_hash(table, packet)
            # Copies of fragments were found before: decode/fragments.py.
            is_whole = table.duplicates_on and not packet.fragment
            packet.copy_mark = copy_mark(table, packet) if is_whole else 0
    if table.duplicates_on:
        mark_duplicates(table, packets)


def touch_ahead(table: TableState, packets: PacketBatch, index: int) -> None:
    """Have the memory ready that packets behind this one will need, one stage after the other."""
    if index + AHEAD_MAX < packets.count:
        touch_packet(packets.rows, index + AHEAD_MAX)
    if 0 <= index + TOUCH_BUCKET < packets.count:
        packet = packet_at(packets.rows, index + TOUCH_BUCKET)
        if packet.kind >= KIND_FLOW:
            touch_bucket(table.buckets, (packet.hash >> 32) & table.bucket_mask)
    if 0 <= index + TOUCH_FLOW < packets.count:
        packet = packet_at(packets.rows, index + TOUCH_FLOW)
        if packet.kind == KIND_FLOW:
            slot = find_likely(table, packet.hash)
            if slot != NO_SLOT:
                touch_flow(table.rows, slot)
