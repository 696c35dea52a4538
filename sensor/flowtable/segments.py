"""Segments: what a flow carries, for whoever follows it, beside the flow events.

The table follows the flows whose payloads its packet batches kept (streams/selection.py). Each such
packet gives a segment with its payload and the flow as it is after it; the flow's end gives a
last one. Whoever takes them may say of a flow that nobody follows it any more.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.constants import (
    FOLLOWED,
    FOLLOWED_NO_MORE,
    MASK32,
    SEGMENT_BYTES,
    SEGMENTS_MAX,
    TURNED,
)
from sensor.flowtable.flow_state import SAW_SYN, SAW_SYN_RESP, SAW_SYNACK
from sensor.model.packets import ACK, PROTOCOL_TCP, SYN
from sensor.model.segments import SEGMENT_DATA, SEGMENT_END

if not cython.compiled:
    from sensor.flowtable.table_state import TableState
    from sensor.memory.buffers import put_octets
    from sensor.memory.records import Flow, flow_at, packet_at, segment_at
    from sensor.model.packets import PacketBatch

PAYLOAD_MAX = 1 << 18
"""Octets of one packet; a further packet is only taken where there is room for them."""
SEGMENTS_PER_PACKET = 8


def is_crowded(table: TableState) -> bool:
    """True if a further packet may find no room."""
    return (table.segment_count > SEGMENTS_MAX - SEGMENTS_PER_PACKET
            or table.segment_bytes > SEGMENT_BYTES - PAYLOAD_MAX)


def add_segment(
    table: TableState, packets: PacketBatch, index: int, slot: int, side: int
) -> None:
    """Keep the payload of a packet that was folded into its flow."""
    state = table.followed[slot]
    packet = packet_at(packets.rows, index)
    if state & FOLLOWED_NO_MORE or packet.payload_captured == 0:
        return
    table.followed[slot] = state | FOLLOWED
    flow = flow_at(table.rows, slot)
    _begin(table, slot, side)
    segment = segment_at(table.segment_rows, table.segment_count - 1)
    segment.kind = SEGMENT_DATA
    segment.time_ns = packet.time_ns
    segment.seq = packet.seq
    if packet.protocol == PROTOCOL_TCP and packet.tcp_flags & SYN:
        segment.seq = (packet.seq + 1) & MASK32  # which a SYN takes itself (RFC 9293 3.4)
    segment.bytes = packet.payload_bytes
    segment.captured = min(packet.payload_captured, PAYLOAD_MAX)
    segment.offset = table.segment_bytes
    if packet.protocol == PROTOCOL_TCP:
        segment.has_isn = knows_isn(flow, side)
        segment.isn = flow.isn[side]
        segment.has_acked = (flow.tcp_flags[1 - side] & ACK) != 0
        segment.acked = flow.acked[1 - side]
    if packets.numbered:
        segment.frame = packets.numbers[index]
        segment.file = packets.file_of[index]
    else:
        segment.frame = (packets.first_number + index) & MASK32
        segment.file = table.file_index
    put_octets(table.segment_room, table.segment_bytes, packets.kept_room, packet.payload_offset,
               segment.captured)
    table.segment_bytes += segment.captured


def knows_isn(flow: Flow, side: int) -> bool:
    """True if the number of that side's SYN was seen."""
    if side == 0:
        return flow.state & SAW_SYN != 0
    return flow.state & (SAW_SYNACK | SAW_SYN_RESP) != 0


def add_end(table: TableState, slot: int) -> None:
    """Say of a followed flow that it is over; its slot may then be used again."""
    if table.followed[slot] & FOLLOWED:
        _begin(table, slot, 0)
        segment = segment_at(table.segment_rows, table.segment_count - 1)
        segment.kind = SEGMENT_END
        segment.time_ns = flow_at(table.rows, slot).last_ns
    table.followed[slot] = 0


def turn(table: TableState, slot: int) -> None:
    """Note that a flow's originator and responder have changed places."""
    table.followed[slot] ^= TURNED


def _begin(table: TableState, slot: int, side: int) -> None:
    """A segment with nothing but its flow."""
    turned = 1 if table.followed[slot] & TURNED else 0
    table.segment_flow_view[table.segment_count] = table.view[slot]
    segment = segment_at(table.segment_rows, table.segment_count)
    table.segment_count += 1
    segment.slot = slot
    segment.side = side ^ turned
    segment.turned = turned
    segment.known_ns = table.due_ns if table.due_ns else table.now_ns
    segment.seq = 0
    segment.bytes = 0
    segment.captured = 0
    segment.offset = 0
    segment.frame = 0
    segment.file = 0
    segment.has_isn = False
    segment.has_acked = False
