"""The life of a flow in the table: it is created, its deadlines are kept, it ends."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.flowtable.constants import ANY_RST, MADE_FLOW, MASK32, UNDER_WAY_NS
from sensor.flowtable.flow_state import (
    CLOSED,
    COUNTED_LOSSY,
    COUNTED_ONE_WAY,
    FAILED,
    GAP,
    HANDSHAKE_DONE,
    SAW_ACK,
    STARTED,
    WAITING,
)
from sensor.memory.records import HISTORY_MAX, NO_WINDOW_SCALES
from sensor.model.flow import (
    ACCEPTED,
    ATTEMPTED,
    END_EVICTED,
    END_IDLE_TIMEOUT,
    FLOW_ACTIVE,
    FLOW_ENDED,
    INFERRED_ONE_SIDED,
    LOSSY_FLOWS_MIN,
    LOSSY_SHARE,
    NOT_ENDED,
    ONE_SIDED,
    TAG_DIRECTION_GUESSED,
)
from sensor.model.packets import ACK, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP

if not cython.compiled:
    from sensor.flowtable.direction import initiator_of, reverse
    from sensor.flowtable.eviction import delist, enlist, victim
    from sensor.flowtable.hashtable import insert, remove
    from sensor.flowtable.notes import note
    from sensor.flowtable.segments import add_end
    from sensor.flowtable.table_state import TableState
    from sensor.flowtable.time_wait import remember
    from sensor.flowtable.timer_wheel import timers_cancel, timers_schedule
    from sensor.flowtable.tunnel_paths import path_of
    from sensor.flowtable.verdict import conn_state_of, due_action, judge_end
    from sensor.memory.records import Flow, Packet, flow_at, packet_at
    from sensor.model.packets import PacketBatch


def create(table: TableState, packets: PacketBatch, index: int, hashed: int) -> int:
    """A new flow for a packet; makes room by eviction where the table is full."""
    packet = packet_at(packets.rows, index)
    if table.count >= table.flows_max:
        _evict(table)
    if table.free_count:
        table.free_count -= 1
        slot = table.free[table.free_count]
    else:
        slot = table.slots_used
        table.slots_used += 1
    opened = initiator_of(packet, table.now_ns - table.first_ns < UNDER_WAY_NS)
    _fill(table, packets, index, slot, opened & 1)
    flow = flow_at(table.rows, slot)
    if opened & 2:
        flow.tags = TAG_DIRECTION_GUESSED
    table.number += 1
    table.count += 1
    table.peak = max(table.peak, table.count)
    table.slot_hash[slot] = hashed
    flow.seen_ns = table.now_ns
    insert(table, slot, hashed)
    table.slot_class[slot] = 0
    enlist(table, slot, 0)
    flow.known_ns = table.now_ns
    timers_schedule(table.timers, slot, deadline_of(table, slot))
    if table.noting:
        note(table, packets, index, MADE_FLOW)
    return slot


def _fill(table: TableState, packets: PacketBatch, index: int, slot: int, side: int) -> None:
    """Write a fresh record: the packet comes from `side`."""
    packet = packet_at(packets.rows, index)
    flow = flow_at(table.rows, slot)
    if side == 0:
        flow.orig_hi = packet.src_hi
        flow.orig_lo = packet.src_lo
        flow.resp_hi = packet.dst_hi
        flow.resp_lo = packet.dst_lo
        flow.orig_port = packet.src_port
        flow.resp_port = packet.dst_port
    else:
        flow.orig_hi = packet.dst_hi
        flow.orig_lo = packet.dst_lo
        flow.resp_hi = packet.src_hi
        flow.resp_lo = packet.src_lo
        flow.orig_port = packet.dst_port
        flow.resp_port = packet.src_port
    flow.tenant = packet.tenant
    flow.protocol = packet.protocol
    flow.ip_version = packet.ip_version
    flow.icmp_code = packet.icmp_code
    flow.interface = packet.interface
    flow.process = packet.process
    flow.tunnel = path_of(table.paths, packets, index) if packet.tunnels else 0
    flow.vlan_outer = packet.vlan_outer
    flow.vlan_inner = packet.vlan_inner
    flow.first_ns = packet.time_ns
    flow.first_seq = packet.seq
    if table.key_vlan:  # equal packets in two VLANs are two flows, with two names
        vlans = (packet.vlan_outer << 16) ^ (packet.vlan_inner << 4)
        flow.first_seq = (packet.seq ^ vlans) & MASK32
    flow.last_ns = packet.time_ns
    flow.decided_ns = packet.time_ns
    flow.decided_frame = 0
    flow.decided_file = 0
    flow.handshake_ns = 0
    orig_mac = packet.dst_mac if side else packet.src_mac
    resp_mac = packet.src_mac if side else packet.dst_mac
    for at in range(6):
        flow.orig_mac[at] = (orig_mac >> (40 - 8 * at)) & 0xFF
        flow.resp_mac[at] = (resp_mac >> (40 - 8 * at)) & 0xFF
    _clear(flow)
    if packet.protocol != PROTOCOL_TCP:
        flow.isn[0] = packet.seq


def _clear(flow: Flow) -> None:
    """Nothing has been seen of the flow yet: slots are used again."""
    flow.state = 0
    flow.application = 0
    flow.history_seen = 0
    flow.window_scales = NO_WINDOW_SCALES
    flow.pending_isn = 0
    flow.verdict = 0
    flow.evidence = 0
    flow.confidence = 0
    flow.tags = 0
    flow.end_reason = NOT_ENDED
    flow.conn_state = 0
    flow.action = 0
    for end in range(2):
        flow.next_seq[end] = 0
        flow.acked[end] = 0
        flow.window[end] = 0
        flow.isn[end] = 0
        flow.packets[end] = 0
        flow.bytes[end] = 0
        flow.payload_bytes[end] = 0
        flow.missed_bytes[end] = 0
        flow.tcp_flags[end] = 0
    for at in range(HISTORY_MAX):
        flow.history[at] = 0


def prove_direction(table: TableState, flow: Flow, packet: Packet, side: int) -> int:
    """Reverse a flow whose direction was guessed wrongly, while no event of it is out."""
    truth = 1 if packet.tcp_flags & ACK else 0
    if side == truth:
        flow.tags &= ~TAG_DIRECTION_GUESSED
        return side
    if flow.state & (STARTED | FAILED) or flow.action == FLOW_ACTIVE:
        return side
    reverse(flow)
    flow.tags &= ~TAG_DIRECTION_GUESSED
    return truth


def timeout_of(table: TableState, flow: Flow) -> int:
    if flow.protocol == PROTOCOL_TCP:
        if flow.state & CLOSED:
            return table.closed_ns if _is_over(flow) else table.attempt_ns
        if flow.state & HANDSHAKE_DONE or flow.verdict == ACCEPTED:
            return table.idle_ns
        return table.attempt_ns
    if flow.protocol == PROTOCOL_UDP:
        return table.udp_ns
    if flow.protocol == PROTOCOL_ICMP or flow.protocol == PROTOCOL_ICMPV6:
        return table.icmp_ns
    return table.other_ns


def _is_over(flow: Flow) -> bool:
    """True if a closed TCP flow is over: reset, or both FINs acknowledged."""
    if flow.state & ANY_RST:
        return True
    return flow.acked[0] == flow.next_seq[1] and flow.acked[1] == flow.next_seq[0]


def deadline_of(table: TableState, slot: int) -> int:
    """When the flow must be looked at next: verdict, activity or idleness, whichever is first."""
    flow = flow_at(table.rows, slot)
    deadline = flow.seen_ns + timeout_of(table, flow)
    if flow.state & WAITING:
        deadline = min(deadline, flow.handshake_ns + table.wait_ns)
    if table.active_ns:
        deadline = min(deadline, flow.known_ns + table.active_ns)
    return deadline


def end_flow(table: TableState, slot: int, reason: int) -> None:
    """End a flow: its verdict if none was given, its record; then it is gone."""
    flow = flow_at(table.rows, slot)
    known_ns = table.due_ns if table.due_ns else table.now_ns
    was = flow.verdict
    judge_end(
        flow, _capture_is_one_sided(table), reason == END_IDLE_TIMEOUT, reason == END_EVICTED
    )
    if was != flow.verdict and flow.verdict != ACCEPTED and flow.verdict != ATTEMPTED:
        flow.decided_ns = flow.last_ns
    emit_due(table, slot, known_ns)
    flow.end_reason = reason
    flow.conn_state = conn_state_of(flow)
    if table.following:
        add_end(table, slot)
    emit(table, slot, FLOW_ENDED, known_ns)
    if flow.state & CLOSED and flow.history[1] != 0 and reason != END_EVICTED:  # no lone RST
        remember(table, flow, table.slot_hash[slot], known_ns)
    table.verdict_counts[flow.verdict] += 1
    table.packets_in_table -= flow.packets[0] + flow.packets[1]
    table.packets_ended += flow.packets[0] + flow.packets[1]
    timers_cancel(table.timers, slot)
    remove(table, slot)
    delist(table, slot)
    table.free[table.free_count] = slot
    table.free_count += 1
    table.count -= 1


def emit_due(table: TableState, slot: int, known_ns: int) -> None:
    flow = flow_at(table.rows, slot)
    action = due_action(flow, table.accept_on_data)
    if action >= 0:
        flow.conn_state = conn_state_of(flow)
        emit(table, slot, action, known_ns)
    if flow.evidence == INFERRED_ONE_SIDED or (flow.evidence == ONE_SIDED and flow.state & SAW_ACK):
        if not flow.state & COUNTED_ONE_WAY:  # it took an answer that the capture does not have
            flow.state |= COUNTED_ONE_WAY
            table.one_way += 1


def emit(table: TableState, slot: int, action: int, known_ns: int) -> None:
    """Copy the flow as it is now into the event buffer."""
    table.event_view[table.event_count] = table.view[slot]
    event = flow_at(table.event_rows, table.event_count)
    event.action = action
    event.known_ns = known_ns
    table.event_count += 1


def _capture_is_one_sided(table: TableState) -> bool:
    """True if a missing answer proves nothing, because the capture misses answers."""
    if table.one_way > table.two_way:
        return True
    return table.lossy >= LOSSY_FLOWS_MIN and table.lossy * LOSSY_SHARE >= table.two_way


def count_lossy(table: TableState, slot: int) -> None:
    """Count a flow as lossy while something of it is missing: what came late was not lost."""
    flow = flow_at(table.rows, slot)
    missing = flow.missed_bytes[0] != 0 or flow.missed_bytes[1] != 0
    if missing and not flow.state & COUNTED_LOSSY:
        flow.state |= COUNTED_LOSSY
        table.lossy += 1
    elif flow.state & COUNTED_LOSSY and not missing:
        flow.state &= ~(COUNTED_LOSSY | GAP)
        table.lossy -= 1


def _evict(table: TableState) -> None:
    """End the flow that will be missed least."""
    table.evicted += 1
    end_flow(table, victim(table), END_EVICTED)
