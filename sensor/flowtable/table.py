"""The flow table: packets and deadlines in, flow events out, in packet time.

`advance` folds a packet batch into the flows in progress. Before each packet everything that is due
leaves; at the end of a batch everything due by its watermark leaves. So the way a capture is cut
into batches is invisible in the output, and events come in the order in which they became known.

Events collect in a buffer of fixed size. `advance` and `drain` stop when it is nearly full and say
so; the caller takes the events and calls again.

    while not table.advance(packets):
        handle(table.take())
"""

from __future__ import annotations

import numpy as np

try:
    import cython
except ImportError:
    from sensor import interpreted as cython

from sensor.flow import (
    ACCEPTED,
    END_ACTIVE_TIMEOUT,
    END_FIN,
    END_IDLE_TIMEOUT,
    END_OF_CAPTURE,
    END_RST,
    FLOW_ACTIVE,
    NOT_ENDED,
    TAG_DIRECTION_GUESSED,
    VERDICTS,
)
from sensor.flowtable.constants import ANY_RST, COPIES_MASK, EVENTS_MAX, MASK32, NO_SLOT
from sensor.flowtable.state import (
    CLOSED,
    COUNTED_LOSSY,
    COUNTED_TWO_WAY,
    FAILED,
    GAP,
    NEW_SYN,
    SAW_SYN,
    STARTED,
    WAITING,
)
from sensor.flowtable.tablestate import TableState
from sensor.packets import (
    ACK,
    KIND_ANOMALY,
    KIND_FLOW,
    KIND_FRAGMENT,
    KIND_NON_IP,
    PROTOCOL_TCP,
    SYN,
)
from sensor.records import NO_VLAN

if not cython.compiled:
    from sensor.flowtable.copies import copy_mark, is_copy
    from sensor.flowtable.keys import find, find_quoted, key_hash, rehash, side_of
    from sensor.flowtable.life import (
        create,
        deadline_of,
        emit,
        emit_due,
        end_flow,
        prove_direction,
        timeout_of,
    )
    from sensor.flowtable.ranks import reclass
    from sensor.flowtable.tcp import tcp_begins_another, tcp_update
    from sensor.flowtable.timers import (
        timers_now,
        timers_pop,
        timers_schedule,
        timers_sooner,
        timers_start,
    )
    from sensor.flowtable.verdict import (
        conn_state_of,
        judge_icmp,
        judge_reply,
        judge_tcp,
        settle_handshake,
    )
    from sensor.records import flow_at, packet_at, touch_bucket, touch_flow, touch_packet

CROWDED = 2
DONE = 0
EVENTS_PER_PACKET = 8
"""Room that one packet may need: an old flow, an evicted one and its own may all speak."""
FULL = 1
TOUCH_FAR = 16
TOUCH_NEAR = 8
"""How many packets ahead memory is asked for: far enough that it is there in time."""


class FlowTable(TableState):
    """Flows in progress, and what is counted on the way. One table serves one run."""

    def advance(self, packets):
        """Fold a batch in; False: the event buffer is full, take the events and call again."""
        while True:
            status = self.run(packets)
            if status != CROWDED:
                return status == DONE
            self.grow()

    def prepare(self, packets):
        """Compute what the table needs of each packet by itself; `advance` does it if need be.

        It touches no state: a thread may do it ahead for one batch while `advance` works on
        another.
        """
        with cython.nogil:
            _prepare(self, packets)
        packets.prepared = True

    def run(self, packets):
        """One stretch of the work, without the GIL; its status."""
        with cython.nogil:
            status = _run(self, packets)
        return status

    def drain(self):
        """End every flow: the capture is over. False as in `advance`."""
        with cython.nogil:
            done = _drain(self)
        return done

    def grow(self):
        """Double the hash table."""
        count = (self.bucket_mask + 1) * 2
        self.buckets = memoryview(np.zeros(count, np.uint64))
        self.bucket_mask = count - 1
        with cython.nogil:
            rehash(self)

    def take(self):
        """The events since the last call, in the order in which they became known.

        Shapes: a numpy array of records.FLOW_LAYOUT, the caller's own.
        """
        size = self.event_records.dtype.itemsize
        octets = self.event_records.view(np.uint8)[: self.event_count * size].copy()
        self.event_count = 0
        return octets.view(self.event_records.dtype)

    def books(self):
        """What was counted, for the ledger; `pipeline.py` asserts that it balances."""
        return {
            "packets_in_table": self.packets_in_table,
            "packets_ended": self.packets_ended,
            "packets_without_flow": self.fragments + self.icmp_quoting,
            "fragments": self.fragments,
            "icmp_quoting": self.icmp_quoting,
            "anomalies": self.anomalies,
            "non_ip": self.non_ip,
            "duplicates": self.duplicates,
            "time_backwards": self.time_backwards,
            "flows_open": self.count,
            "flows_total": self.number,
            "flows_peak": self.peak,
            "evicted": self.evicted,
            "one_way": self.one_way,
            "two_way": self.two_way,
            "lossy": self.lossy,
            "tunnel_paths": self.paths.count,
            "tunnel_paths_refused": self.paths.refused,
            "verdicts": dict(zip(VERDICTS, list(self.verdict_counts), strict=True)),
        }


def _run(table, packets):
    """Work through the batch from `cursor`: DONE, or FULL or CROWDED and to be called again."""
    if not packets.prepared:
        _prepare(table, packets)
        packets.prepared = True
    while table.cursor < packets.count:
        index = table.cursor
        if index + TOUCH_FAR + TOUCH_NEAR < packets.count:
            _touch_far(table, packets, index + TOUCH_FAR)
            _touch_near(table, packets, index + TOUCH_NEAR)
        packet = packet_at(packets.rows, index)
        if packet.time_ns < table.now_ns:
            if not table.cursor_timed:
                table.time_backwards += 1
        else:
            if table.first_ns < 0:
                table.first_ns = packet.time_ns
                timers_start(table.timers, packet.time_ns)
            table.now_ns = packet.time_ns
        table.cursor_timed = True
        if not _expire(table, table.now_ns):
            return FULL
        if table.event_count > EVENTS_MAX - EVENTS_PER_PACKET:
            return FULL
        if (table.count + 1) * 2 > table.bucket_mask + 1:
            return CROWDED
        _fold(table, packets, index)
        table.cursor += 1
        table.cursor_timed = False
    # A live capture lets time pass before its first packet: there is nothing to expire then.
    if table.first_ns >= 0 and packets.watermark_ns > table.now_ns:
        table.now_ns = packets.watermark_ns
    if table.first_ns >= 0 and not _expire(table, table.now_ns):
        return FULL
    table.cursor = 0
    return DONE


def _prepare(table, packets):
    for index in range(packets.count):
        packet = packet_at(packets.rows, index)
        if packet.kind >= KIND_FLOW:
            packet.hash = key_hash(table, packet)
            packet.copy_mark = copy_mark(table, packet) if table.duplicates_on else 0


def _touch_far(table, packets, index):
    """First stage of having memory ready: the packet, its hash bucket, its place among copies."""
    packet = packet_at(packets.rows, index)
    touch_packet(packets.rows, index + TOUCH_NEAR)
    if packet.kind >= KIND_FLOW:
        touch_bucket(table.buckets, (packet.hash >> 32) & table.bucket_mask)
        touch_bucket(table.copies, (packet.copy_mark & COPIES_MASK) * 2)


def _touch_near(table, packets, index):
    """Second stage: the flow that the bucket most likely leads to."""
    packet = packet_at(packets.rows, index)
    if packet.kind == KIND_FLOW:
        entry = table.buckets[(packet.hash >> 32) & table.bucket_mask]
        if entry:
            touch_flow(table.rows, (entry & MASK32) - 1)


def _fold(table, packets, index):
    """Give one packet to its flow, or count why it has none."""
    packet = packet_at(packets.rows, index)
    kind = packet.kind
    if kind >= KIND_FLOW and kind != KIND_FRAGMENT:
        if table.duplicates_on and is_copy(table, packet, packet.copy_mark):
            table.duplicates += 1
        elif kind == KIND_FLOW:
            _fold_flow(table, packets, index)
        else:
            _fold_icmp_error(table, packets, index)
    elif kind == KIND_ANOMALY:
        table.anomalies += 1
    elif kind == KIND_NON_IP:
        table.non_ip += 1
    elif kind == KIND_FRAGMENT:
        table.fragments += 1


def _fold_flow(table, packets, index):
    packet = packet_at(packets.rows, index)
    hashed = packet.hash
    slot = find(table, packet, hashed)
    if slot == NO_SLOT:
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
            if renewed:  # the SYN was counted with the old flow; what it said is known
                flow.state |= SAW_SYN
                flow.isn[0] = (packet.ack - 1) & MASK32
            side = side_of(flow, packet)
        elif flow.tags & TAG_DIRECTION_GUESSED:
            side = prove_direction(table, flow, packet, side)
    _update(table, packets, index, slot, side)


def _update(table, packets, index, slot, side):
    """Count the packet, follow the protocol, judge, and emit what became known."""
    packet = packet_at(packets.rows, index)
    flow = flow_at(table.rows, slot)
    state = flow.state
    was = flow.verdict
    if packet.protocol == PROTOCOL_TCP:
        tcp_update(flow, packet, side)
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
    if packet.protocol != PROTOCOL_TCP:
        if was != ACCEPTED:
            judge_reply(flow)
    elif flow.state != state or flow.packets[0] + flow.packets[1] == 1:
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
        _count_lossy(table, slot)


def _wait(table, slot, state):
    """Bring the deadline forward where the handshake waits for a veto."""
    flow = flow_at(table.rows, slot)
    if flow.state & WAITING and not state & WAITING:
        flow.handshake_ns = table.now_ns
        timers_sooner(table.timers, slot, table.now_ns + table.wait_ns)


def _count_lossy(table, slot):
    """Count a flow as lossy while something of it is missing: what came late was not lost."""
    flow = flow_at(table.rows, slot)
    missing = flow.missed_bytes[0] != 0 or flow.missed_bytes[1] != 0
    if missing and not flow.state & COUNTED_LOSSY:
        flow.state |= COUNTED_LOSSY
        table.lossy += 1
    elif flow.state & COUNTED_LOSSY and not missing:
        flow.state &= ~(COUNTED_LOSSY | GAP)
        table.lossy -= 1


def _stamp(table, packets, index, slot, state):
    """Note which packet decided, unless a handshake before it did and only waits for a veto."""
    flow = flow_at(table.rows, slot)
    if state & WAITING and flow.state & WAITING:
        return
    if state & FAILED and flow.verdict != ACCEPTED:
        return
    flow.decided_ns = packet_at(packets.rows, index).time_ns
    flow.decided_frame = (packets.first_number + index) & MASK32
    flow.decided_file = table.file_index


def _fold_icmp_error(table, packets, index):
    """An ICMP error belongs to the flow that it quotes; it makes one only if that is unknown."""
    packet = packet_at(packets.rows, index)
    if packet.quoted:
        slot = find_quoted(table, packet)
        if slot != NO_SLOT:
            table.icmp_quoting += 1
            flow = flow_at(table.rows, slot)
            if flow.orig_hi == packet.quoted_src_hi and flow.orig_lo == packet.quoted_src_lo:
                was = flow.verdict
                judge_icmp(flow, packet)
                if flow.verdict != was:
                    _stamp(table, packets, index, slot, 0)
                emit_due(table, slot, table.now_ns)
            return
    _fold_flow(table, packets, index)


def _expire(table, now_ns):
    """Work off what is due by `now_ns`; False: the event buffer is full."""
    if (now_ns >> 24) <= table.expired_tick:
        return True
    while True:
        if table.event_count > EVENTS_MAX - EVENTS_PER_PACKET:
            return False
        slot = timers_pop(table.timers, now_ns)
        if slot < 0:
            table.expired_tick = now_ns >> 24
            return True
        _due(table, slot, timers_now(table.timers))


def _due(table, slot, due_ns):
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


def _drain(table):
    """End every flow, by slot; False: the event buffer is full."""
    while table.drain_at < table.slots_used:
        if table.event_count > EVENTS_MAX - EVENTS_PER_PACKET:
            return False
        slot = table.drain_at
        if table.timers.ticks[slot]:
            flow = flow_at(table.rows, slot)
            reason = END_OF_CAPTURE
            if flow.state & CLOSED:
                reason = END_RST if flow.state & ANY_RST else END_FIN
            end_flow(table, slot, reason)
        table.drain_at += 1
    return True
