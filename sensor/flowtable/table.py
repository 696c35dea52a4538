"""The flow table: packets and deadlines in, flow events out, in packet time.

`advance` folds a packet batch into the flows in progress. Before each packet everything that is due
leaves; at the end of a batch everything due by its watermark leaves. So the way a capture is cut
into batches is invisible in the output, and events come in the order in which they became known.

Events collect in a buffer of fixed size. `advance` and `drain` stop when it is nearly full and
return False; the caller takes the events and calls again.
"""

from __future__ import annotations

import numpy as np

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.constants import (
    AHEAD_MAX,
    ANY_RST,
    EVENTS_MAX,
    JUMP_NS,
    MASK32,
    NO_SLOT,
    QUOTES_FLOW,
)
from sensor.flowtable.drain_order import in_order_of_beginning
from sensor.flowtable.flow_state import (
    CLOSED,
    COUNTED_TWO_WAY,
    FAILED,
    GAP,
    NEW_SYN,
    SAW_SYN,
    STARTED,
    WAITING,
)
from sensor.flowtable.table_state import TableState
from sensor.memory.records import NO_VLAN
from sensor.model.flow import (
    ACCEPTED,
    END_ACTIVE_TIMEOUT,
    END_FIN,
    END_IDLE_TIMEOUT,
    END_OF_CAPTURE,
    END_RST,
    FLOW_ACTIVE,
    NOT_ENDED,
    TAG_DIRECTION_GUESSED,
)
from sensor.model.packets import (
    ACK,
    FRAGMENT_COPY,
    FRAGMENT_TINY,
    KIND_ANOMALY,
    KIND_CONTINUED,
    KIND_COPY,
    KIND_FLOW,
    KIND_FRAGMENT,
    KIND_NON_IP,
    PROTOCOL_TCP,
    SYN,
    TRANSPORT_CUT,
)

if not cython.compiled:
    from sensor.flowtable.applications import is_first, proven
    from sensor.flowtable.eviction import reclass
    from sensor.flowtable.hashtable import find, find_quoted, rehash, side_of
    from sensor.flowtable.lifecycle import (
        count_lossy,
        create,
        deadline_of,
        emit,
        emit_due,
        end_flow,
        prove_direction,
        timeout_of,
    )
    from sensor.flowtable.notes import note
    from sensor.flowtable.prepare import prepare_batch, touch_ahead
    from sensor.flowtable.segments import add_segment, is_crowded, turn
    from sensor.flowtable.tcp import tcp_begins_another, tcp_continue, tcp_skip, tcp_update
    from sensor.flowtable.time_jumps import final_time, hold, settle
    from sensor.flowtable.time_wait import counts_as_late
    from sensor.flowtable.timer_wheel import timers_now, timers_pop, timers_schedule, timers_sooner
    from sensor.flowtable.verdict import (
        conn_state_of,
        judge_icmp,
        judge_reply,
        judge_tcp,
        settle_handshake,
    )
    from sensor.memory.records import (
        Flow,
        Packet,
        flow_at,
        packet_at,
    )
    from sensor.model.packets import PacketBatch

CROWDED = 2
DONE = 0
EVENTS_PER_PACKET = 8
"""Room that one packet may need: an old flow, an evicted one and its own may all end."""
EVENTS_LEFT = EVENTS_MAX - EVENTS_PER_PACKET
FULL = 1
HELD = 3


class FlowTable(TableState):
    """Flows in progress, and what is counted on the way. One table serves one run."""

    def advance(self, packets: PacketBatch) -> bool:
        """Fold a batch in; False: the event buffer is full, take the events and call again."""
        while True:
            status = self.run(packets)
            if status != CROWDED:
                return status == DONE
            self.grow()

    def prepare(self, packets: PacketBatch) -> None:
        """Compute what the table needs of each packet by itself; `advance` does it if need be.

        What it remembers of earlier packets, `advance` does not look at: a thread may do it ahead
        for one batch while `advance` works on another, but each batch once, in their order.
        """
        with cython.nogil:
            prepare_batch(self, packets)
        packets.prepared = True

    def run(self, packets: PacketBatch) -> int:
        """One stretch of the work, without the GIL; its status."""
        with cython.nogil:
            status = _run(self, packets)
        return status

    def drain(self) -> bool:
        """End every flow: the capture is over. False as in `advance`."""
        while self.drain_count < 0:
            with cython.nogil:
                status = _release_last(self)
            if status == FULL:
                return False
            if status == CROWDED:
                self.grow()
            else:
                order = in_order_of_beginning(self.records, np.asarray(self.timers.ticks))
                self.drain_count = len(order)
                self.draining = order.data if len(order) else self.draining
        with cython.nogil:
            status = _drain(self)
        return status == DONE

    def grow(self) -> None:
        """Double the hash table."""
        count = (self.bucket_mask + 1) * 2
        self.buckets = np.zeros(count, np.uint64).data
        self.bucket_mask = count - 1
        with cython.nogil:
            rehash(self)


def _run(table: TableState, packets: PacketBatch) -> int:
    """Work through the batch from `cursor`: DONE, or FULL or CROWDED and to be called again."""
    if not packets.prepared:
        prepare_batch(table, packets)
        packets.prepared = True
    if table.cursor == 0:
        for index in range(-AHEAD_MAX, 0):
            touch_ahead(table, packets, index)
    while table.cursor < packets.count:
        index = table.cursor
        touch_ahead(table, packets, index)
        packet = packet_at(packets.rows, index)
        if not table.cursor_timed:
            odd = packet.time_ns < table.now_ns or packet.time_ns > table.now_ns + JUMP_NS
            if odd or table.held.count or table.first_ns < 0:
                status = _odd_time(table, packets, index)
                if status == HELD:
                    table.cursor += 1
                    continue
                if status != DONE:
                    return status
            else:
                table.now_ns = packet.time_ns
            table.cursor_timed = True
        if not _expire(table, table.now_ns) or is_full(table):
            return FULL
        if (table.count + 1) * 2 > table.bucket_mask + 1:
            return CROWDED
        _fold(table, packets, index)
        table.cursor += 1
        table.cursor_timed = False
    status = _let_time_pass(table, packets)
    if status == DONE:
        table.cursor = 0
    return status


def _let_time_pass(table: TableState, packets: PacketBatch) -> int:
    """The batch is done: expire up to its watermark; as `_run`."""
    if table.held.count and packets.count == 0:  # live: nothing comes, but time goes on
        status = _release(table, packets.watermark_ns)
        if status != DONE:
            return status
    # A live capture lets time pass before its first packet: there is nothing to expire then.
    if table.first_ns >= 0 and 0 < packets.watermark_ns - table.now_ns <= JUMP_NS:
        table.now_ns = packets.watermark_ns
    if table.first_ns >= 0 and not _expire(table, table.now_ns):
        return FULL
    return DONE


def _odd_time(table: TableState, packets: PacketBatch, index: int) -> int:
    """Take the time of a packet that is dated back or far ahead, or comes after such a one."""
    time_ns = packet_at(packets.rows, index).time_ns
    if table.held.count:
        status = _release(table, time_ns)
        if status != DONE:
            return status
    if table.first_ns < 0 or time_ns > table.now_ns + JUMP_NS:
        hold(table, packets, index)
        return HELD
    table.time_backwards += time_ns < table.now_ns
    table.now_ns = max(table.now_ns, time_ns)
    return DONE


def _release(table: TableState, next_ns: int) -> int:
    """Fold in the packet that was held back; as `_run`."""
    settle(table, next_ns)
    if not _expire(table, table.now_ns) or is_full(table):
        return FULL
    if (table.count + 1) * 2 > table.bucket_mask + 1:
        return CROWDED
    file_index = table.file_index
    table.file_index = table.held_file
    _fold(table, table.held, 0)
    table.file_index = file_index
    table.held.count = 0
    return DONE


def _fold(table: TableState, packets: PacketBatch, index: int) -> None:
    """Give one packet to its flow, or count why it has none."""
    packet = packet_at(packets.rows, index)
    kind = packet.kind
    if kind == KIND_COPY:
        table.duplicates += 1
    elif kind >= KIND_FLOW:
        if packet.fragment:
            _fold_fragment(table, packets, index)
        elif kind == KIND_FLOW:
            _fold_flow(table, packets, index)
        else:
            _fold_icmp_error(table, packets, index)
    elif kind == KIND_ANOMALY:
        table.anomalies += 1
    elif kind == KIND_NON_IP:
        table.non_ip += 1


def _fold_fragment(table: TableState, packets: PacketBatch, index: int) -> None:
    """A fragment: a copy, part of a flow, or of no flow that is known."""
    packet = packet_at(packets.rows, index)
    kind = packet.kind
    if packet.fragment & FRAGMENT_COPY:
        table.duplicates += 1
    elif kind == KIND_FLOW:
        _fold_flow(table, packets, index)
    elif kind == KIND_CONTINUED:
        slot = find(table, packet, packet.hash)
        if slot == NO_SLOT:  # the flow is over already
            table.fragments += 1
        else:
            _update(table, packets, index, slot, side_of(flow_at(table.rows, slot), packet))
    elif kind == KIND_FRAGMENT:
        table.fragments += 1
    else:
        _fold_icmp_error(table, packets, index)


def _fold_flow(table: TableState, packets: PacketBatch, index: int) -> None:
    packet = packet_at(packets.rows, index)
    hashed = packet.hash
    slot = find(table, packet, hashed)
    if slot == NO_SLOT:
        if counts_as_late(table, packet, hashed):
            return
        slot = create(table, packets, index, hashed)
    flow = flow_at(table.rows, slot)
    side = side_of(flow, packet)
    seen = flow.packets[0] + flow.packets[1] != 0
    if seen and packet.protocol == PROTOCOL_TCP and packet.tcp_flags & SYN:
        if tcp_begins_another(flow, packet, side):
            renewed = (flow.state & NEW_SYN) != 0 and (packet.tcp_flags & ACK) != 0
            end_flow(table, slot, END_RST if flow.state & ANY_RST else END_FIN)
            slot = create(table, packets, index, hashed)
            flow = flow_at(table.rows, slot)
            if renewed:  # the SYN was counted with the old flow; its number is known
                flow.state |= SAW_SYN
                flow.isn[0] = (packet.ack - 1) & MASK32
            side = side_of(flow, packet)
        elif flow.tags & TAG_DIRECTION_GUESSED:
            side = _turned(table, packet, slot, side)
    _update(table, packets, index, slot, side)


def _turned(table: TableState, packet: Packet, slot: int, side: int) -> int:
    """The side that a SYN proves its sender to be, in the flow that is reversed if need be."""
    proven_side = prove_direction(table, flow_at(table.rows, slot), packet, side)
    if table.following and proven_side != side:
        turn(table, slot)
    return proven_side


def _update(table: TableState, packets: PacketBatch, index: int, slot: int, side: int) -> None:
    """Count the packet, follow the protocol, judge, and emit what became known."""
    packet = packet_at(packets.rows, index)
    flow = flow_at(table.rows, slot)
    state = flow.state
    was = flow.verdict
    first = flow.packets[0] + flow.packets[1] == 0
    if packet.fragment:
        _update_by_fragment(table, packet, flow, side)
    elif packet.protocol == PROTOCOL_TCP:
        tcp_update(flow, packet, side)
    _count(table, packet, flow, side)
    if packet.protocol != PROTOCOL_TCP:
        if was != ACCEPTED:
            judge_reply(flow)
    elif flow.state != state or (first and not packet.fragment & TRANSPORT_CUT):
        judge_tcp(flow)
        _wait(table, slot, state)
    if flow.state & CLOSED:
        timers_sooner(table.timers, slot, table.now_ns + timeout_of(table, flow))
    if was != ACCEPTED:
        _stamp(table, packets, index, slot, state)
        emit_due(table, slot, table.now_ns)
        reclass(table, slot)
    elif not flow.state & STARTED:
        _stamp(table, packets, index, slot, 0)
        emit_due(table, slot, table.now_ns)
    if flow.state & GAP:
        count_lossy(table, slot)
    if table.following and packet.payload_offset and not packet.fragment:
        add_segment(table, packets, index, slot, side)


def _count(table: TableState, packet: Packet, flow: Flow, side: int) -> None:
    """Count a packet, and note what it is the first of its flow to tell."""
    if packet.application and is_first(packet, flow.payload_bytes[side]):
        flow.application = proven(flow.application, packet.application, side)
    flow.packets[side] += 1
    flow.bytes[side] += packet.ip_bytes
    flow.payload_bytes[side] += packet.payload_bytes
    table.packets_in_table += 1
    flow.seen_ns = table.now_ns
    flow.last_ns = max(flow.last_ns, packet.time_ns)
    if packet.process and not flow.process:
        flow.process = packet.process
    if flow.vlan_outer == NO_VLAN and packet.vlan_outer != NO_VLAN:
        flow.vlan_outer = packet.vlan_outer
        flow.vlan_inner = packet.vlan_inner
    if not flow.state & COUNTED_TWO_WAY and flow.packets[1 - side]:
        flow.state |= COUNTED_TWO_WAY
        table.two_way += 1


def _update_by_fragment(table: TableState, packet: Packet, flow: Flow, side: int) -> None:
    """Follow the protocol of a fragment, and count those that a first one stands for.

    Of a segment whose flags were not captured nothing can be followed.
    They were counted as without a flow when they came.
    """
    if packet.protocol == PROTOCOL_TCP:
        if packet.kind == KIND_CONTINUED:
            tcp_continue(flow, packet, side)
        elif not packet.fragment & TRANSPORT_CUT:
            tcp_update(flow, packet, side)
            if packet.extra_gap:
                tcp_skip(flow, packet, side)
    extra = packet.extra_packets
    flow.packets[side] += extra
    table.packets_in_table += extra
    table.fragments -= extra
    if packet.fragment & FRAGMENT_TINY:  # itself an anomaly, in the place of one of them
        table.fragments -= 1
        table.anomalies += 1


def _wait(table: TableState, slot: int, state: int) -> None:
    """Bring the deadline forward where the handshake waits for a veto."""
    flow = flow_at(table.rows, slot)
    if flow.state & WAITING and not state & WAITING:
        flow.handshake_ns = table.now_ns
        timers_sooner(table.timers, slot, table.now_ns + table.wait_ns)


def _stamp(table: TableState, packets: PacketBatch, index: int, slot: int, state: int) -> None:
    """Note which packet decided, unless a handshake before it did and only waits for a veto."""
    flow = flow_at(table.rows, slot)
    if state & WAITING and flow.state & WAITING:
        return
    if state & FAILED and flow.verdict != ACCEPTED:
        return
    flow.decided_ns = packet_at(packets.rows, index).time_ns
    if packets.numbered:
        flow.decided_frame = packets.numbers[index]
        flow.decided_file = packets.file_of[index]
    else:
        flow.decided_frame = (packets.first_number + index) & MASK32
        flow.decided_file = table.file_index


def _fold_icmp_error(table: TableState, packets: PacketBatch, index: int) -> None:
    """An ICMP error belongs to the flow that it quotes; it makes one only if that is unknown."""
    packet = packet_at(packets.rows, index)
    if packet.quoted:
        slot = find_quoted(table, packet)
        if slot != NO_SLOT:
            table.icmp_quoting += 1
            if table.noting:
                note(table, packets, index, QUOTES_FLOW)
            flow = flow_at(table.rows, slot)
            if flow.orig_hi == packet.quoted_src_hi and flow.orig_lo == packet.quoted_src_lo:
                was = flow.verdict
                judge_icmp(flow, packet)
                if flow.verdict != was:
                    _stamp(table, packets, index, slot, 0)
                emit_due(table, slot, table.now_ns)
            return
    _fold_flow(table, packets, index)


def is_full(table: TableState) -> bool:
    """True if what a further packet brings may find no room."""
    return table.event_count > EVENTS_LEFT or (table.following and is_crowded(table))


def _expire(table: TableState, now_ns: int) -> bool:
    """Work off what is due by `now_ns`; False: the event buffer is full."""
    if (now_ns >> 24) <= table.expired_tick:
        return True
    while True:
        if is_full(table):
            return False
        slot = timers_pop(table.timers, now_ns)
        if slot < 0:
            table.expired_tick = now_ns >> 24
            return True
        _due(table, slot, timers_now(table.timers))


def _due(table: TableState, slot: int, due_ns: int) -> None:
    """A flow's deadline has come; it may have moved on since."""
    flow = flow_at(table.rows, slot)
    if flow.state & WAITING and flow.handshake_ns + table.wait_ns <= due_ns:
        settle_handshake(flow)
        emit_due(table, slot, due_ns)
        reclass(table, slot)
    if flow.seen_ns + timeout_of(table, flow) <= due_ns:
        reason = END_IDLE_TIMEOUT
        if flow.state & CLOSED:
            reason = END_RST if flow.state & ANY_RST else END_FIN
        table.due_ns = due_ns
        end_flow(table, slot, reason)
        table.due_ns = 0
        return
    if table.active_ns and flow.known_ns + table.active_ns <= due_ns:
        flow.known_ns = due_ns
        flow.end_reason = END_ACTIVE_TIMEOUT
        flow.conn_state = conn_state_of(flow)
        emit(table, slot, FLOW_ACTIVE, due_ns)
        flow.end_reason = NOT_ENDED
        flow.action = FLOW_ACTIVE  # a record is out: the direction stands
    timers_schedule(table.timers, slot, deadline_of(table, slot))


def _release_last(table: TableState) -> int:
    """Fold in the packet that was held back, as nothing follows it; as `_run`."""
    return _release(table, final_time(table)) if table.held.count else DONE


def _drain(table: TableState) -> int:
    """End every flow, the one that began first before all others; as `_run`."""
    while table.drain_at < table.drain_count:
        if is_full(table):
            return FULL
        slot = table.draining[table.drain_at]
        flow = flow_at(table.rows, slot)
        reason = END_OF_CAPTURE
        if flow.state & CLOSED:
            reason = END_RST if flow.state & ANY_RST else END_FIN
        end_flow(table, slot, reason)
        table.drain_at += 1
    return DONE
