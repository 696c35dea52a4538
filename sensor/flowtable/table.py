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

from sensor.flows import (
    ACCEPTED,
    ATTEMPTED,
    END_ACTIVE_TIMEOUT,
    END_EVICTED,
    END_FIN,
    END_IDLE_TIMEOUT,
    END_OF_CAPTURE,
    END_RST,
    FLOW_ACTIVE,
    FLOW_ENDED,
    INFERRED_ONE_SIDED,
    NOT_ENDED,
    TAG_DIRECTION_GUESSED,
    VERDICTS,
)
from sensor.flowtable.state import (
    ADVANCED,
    CLOSED,
    COUNTED_LOSSY,
    COUNTED_ONE_WAY,
    COUNTED_TWO_WAY,
    FAILED,
    GAP,
    HANDSHAKE_DONE,
    NEW_SYN,
    SAW_ACK,
    SAW_DATA,
    SAW_FIN,
    SAW_RST,
    SAW_RST_RESP,
    SAW_SYN,
    STARTED,
    WAITING,
)
from sensor.flowtable.timers import Timers
from sensor.packets import (
    ACK,
    KIND_ANOMALY,
    KIND_FLOW,
    KIND_FRAGMENT,
    KIND_NON_IP,
    PROTOCOL_ICMP,
    PROTOCOL_ICMPV6,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    SYN,
)
from sensor.records import FLOW_LAYOUT, HISTORY_MAX, NO_VLAN, NO_WINDOW_SCALE, allocate

if not cython.compiled:
    from sensor.flowtable.tcp import tcp_begins_another, tcp_update
    from sensor.flowtable.timers import (
        timers_cancel,
        timers_now,
        timers_pop,
        timers_schedule,
        timers_sooner,
        timers_start,
    )
    from sensor.flowtable.verdict import (
        conn_state_of,
        due_action,
        judge_end,
        judge_icmp,
        judge_reply,
        judge_tcp,
        settle_handshake,
    )
    from sensor.records import flow_at, flows_of, packet_at, touch_bucket, touch_flow, touch_packet

EVENTS_MAX = 16_384
"""Events that the buffer holds; rules see batches of about half as many in a replay."""
EVENTS_PER_PACKET = 8
"""Room that one packet may need: an old flow, an evicted one and its own may all speak."""
BUCKETS_FIRST = 1 << 14
COPIES = 1 << 14
"""Packets that the search for duplicates remembers."""
COPIES_MASK = COPIES - 1
COPY_WINDOW_WITHOUT_ID_NS = 1_000_000
"""Without an IPv4 identification two equal packets may be two sendings: a copy is closer."""
WELL_KNOWN_PORTS = 1024
MASK32 = 0xFFFF_FFFF
MASK64 = 0xFFFF_FFFF_FFFF_FFFF
PRIME_1 = 0x9E37_79B9_7F4A_7C15
PRIME_2 = 0xC2B2_AE3D_27D4_EB4F
PRIME_3 = 0x1656_67B1_9E37_79F9
PRIME_4 = 0xD6E8_FEB8_6659_FD93
NO_SLOT = -1
CLASSES = 3
"""Order of eviction: unanswered attempts, other flows, accepted flows; each oldest first."""
LOSSY_FLOWS_MIN = 3
PAIRS_LOW = SAW_FIN | SAW_RST | SAW_DATA | SAW_ACK | ADVANCED
"""The originator's bit of each pair that a flow without a SYN can have."""
ANY_RST = SAW_RST | SAW_RST_RESP

TOUCH_FAR = 16
TOUCH_NEAR = 8
"""How many packets ahead memory is asked for: far enough that it is there in time."""

DONE = 0
FULL = 1
CROWDED = 2


class FlowTable:
    """Flows in progress, and what is counted on the way. One table serves one run.

    `limits` is a config.FlowLimits. `accept_on_data` holds `flow_started` back until there is
    payload; `key_vlan` lets VLAN ids separate flows; `duplicates` counts copies of a packet once.
    `seed` keeps senders from choosing flows that collide in the hash table; it never shows in the
    output.
    """

    def __init__(
        self, limits, *, accept_on_data=False, key_vlan=False, duplicates=True, seed=0
    ):
        slots = max(1, limits.flows_max)
        self.flows_max = slots
        self.view, self.records = allocate(FLOW_LAYOUT, slots, cython.compiled)
        self.rows = flows_of(self.view)
        self.event_view, self.event_records = allocate(FLOW_LAYOUT, EVENTS_MAX, cython.compiled)
        self.event_rows = flows_of(self.event_view)
        self.timers = Timers(slots)
        self.free = memoryview(np.zeros(slots, np.uint32))
        self.slot_hash = memoryview(np.zeros(slots, np.uint64))
        self.slot_class = memoryview(np.zeros(slots, np.uint8))
        self.older = memoryview(np.zeros(slots, np.uint32))
        self.newer = memoryview(np.zeros(slots, np.uint32))
        self.oldest = memoryview(np.zeros(CLASSES, np.uint32))
        self.newest = memoryview(np.zeros(CLASSES, np.uint32))
        self.copies = memoryview(np.zeros(2 * COPIES, np.uint64))  # mark and time by turns
        self._set_buckets(BUCKETS_FIRST)
        self.attempt_ns = limits.tcp_attempt_timeout_ns
        self.idle_ns = limits.tcp_idle_timeout_ns
        self.closed_ns = limits.tcp_closed_timeout_ns
        self.udp_ns = limits.udp_timeout_ns
        self.icmp_ns = limits.icmp_timeout_ns
        self.other_ns = limits.other_timeout_ns
        self.active_ns = limits.active_timeout_ns
        self.wait_ns = limits.verdict_wait_ns
        self.copy_window_ns = limits.duplicate_window_ns
        self.accept_on_data = accept_on_data
        self.key_vlan = key_vlan
        self.duplicates_on = duplicates
        self.seed = seed & MASK64
        self.verdict_counts = memoryview(np.zeros(len(VERDICTS), np.uint64))
        self.now_ns = -1
        self.first_ns = -1
        self.file_index = 0
        self.expired_tick = self.due_ns = 0
        self.cursor = self.drain_at = self.event_count = 0
        self.cursor_timed = False
        self.count = self.peak = self.number = self.free_count = self.slots_used = 0
        self.packets_in_table = self.packets_ended = 0
        self.fragments = self.icmp_quoting = self.anomalies = self.non_ip = 0
        self.duplicates = self.time_backwards = self.evicted = 0
        self.one_way = self.two_way = self.lossy = 0

    def _set_buckets(self, count):
        self.buckets = memoryview(np.zeros(count, np.uint64))
        self.bucket_mask = count - 1

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
        self._set_buckets((self.bucket_mask + 1) * 2)
        with cython.nogil:
            _rehash(self)

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
            "verdicts": dict(zip(VERDICTS, list(self.verdict_counts), strict=True)),
        }


# ---- the loop ----------------------------------------------------------------------------------


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
    if packets.count and packets.watermark_ns > table.now_ns:
        table.now_ns = packets.watermark_ns
    if table.first_ns >= 0 and not _expire(table, table.now_ns):
        return FULL
    table.cursor = 0
    return DONE


def _prepare(table, packets):
    for index in range(packets.count):
        packet = packet_at(packets.rows, index)
        if packet.kind >= KIND_FLOW:
            packet.hash = _hash(table, packet)
            packet.copy_mark = _copy_mark(table, packet) if table.duplicates_on else 0


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
        if table.duplicates_on and _is_copy(table, packet, packet.copy_mark):
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
    slot = _find(table, packet, hashed)
    if slot == NO_SLOT:
        slot = _create(table, packets, index, hashed)
    flow = flow_at(table.rows, slot)
    side = _side(flow, packet)
    seen = flow.packets[0] + flow.packets[1] != 0
    if seen and packet.protocol == PROTOCOL_TCP and packet.tcp_flags & SYN:
        if tcp_begins_another(flow, packet, side):
            renewed = (flow.state & NEW_SYN) != 0 and (packet.tcp_flags & ACK) != 0
            _end(table, slot, END_RST if flow.state & ANY_RST else END_FIN)
            slot = _create(table, packets, index, hashed)
            flow = flow_at(table.rows, slot)
            if renewed:  # the SYN was counted with the old flow; what it said is known
                flow.state |= SAW_SYN
                flow.isn[0] = (packet.ack - 1) & MASK32
            side = _side(flow, packet)
        elif flow.tags & TAG_DIRECTION_GUESSED:
            side = _prove_direction(table, flow, packet, side)
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
    if packet.time_ns > flow.last_ns:
        flow.last_ns = packet.time_ns
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
        timers_sooner(table.timers, slot, table.now_ns + _timeout(table, flow))
    if was != ACCEPTED:
        _stamp(table, packets, index, slot, state)
        _emit_due(table, slot, table.now_ns)
        _reclass(table, slot)
    elif not flow.state & STARTED:
        _stamp(table, packets, index, slot, 0)
        _emit_due(table, slot, table.now_ns)
    if flow.state & GAP and not flow.state & COUNTED_LOSSY:
        flow.state |= COUNTED_LOSSY
        table.lossy += 1


def _wait(table, slot, state):
    """Bring the deadline forward where the handshake waits for a veto."""
    flow = flow_at(table.rows, slot)
    if flow.state & WAITING and not state & WAITING:
        flow.handshake_ns = table.now_ns
        timers_sooner(table.timers, slot, table.now_ns + table.wait_ns)


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
        slot = _find_quoted(table, packet)
        if slot != NO_SLOT:
            table.icmp_quoting += 1
            flow = flow_at(table.rows, slot)
            if flow.orig_hi == packet.quoted_src_hi and flow.orig_lo == packet.quoted_src_lo:
                was = flow.verdict
                judge_icmp(flow, packet)
                if flow.verdict != was:
                    _stamp(table, packets, index, slot, 0)
                _emit_due(table, slot, table.now_ns)
            return
    _fold_flow(table, packets, index)


# ---- duplicates --------------------------------------------------------------------------------


def _copy_mark(table, packet):
    """One number for everything that two copies of a packet have in common; 0: not to be told."""
    if packet.ip_id == 0 and packet.checksum == 0:
        return 0  # nothing tells two packets of equal length apart
    identity = packet.ip_id
    identity = (identity << 16) ^ packet.checksum
    identity = (identity << 32) ^ packet.seq
    position = packet.ack
    position = (position << 32) ^ packet.payload_bytes
    position ^= (packet.tcp_flags << 24) ^ (packet.src_port << 8)
    mark = (packet.hash + packet.src_lo * PRIME_2) & MASK64
    mark = ((mark ^ identity) * PRIME_1) & MASK64
    mark ^= mark >> 29
    mark = ((mark ^ position) * PRIME_3) & MASK64
    return mark ^ (mark >> 32)


def _is_copy(table, packet, mark):
    """Whether the same packet was here a moment ago (mirror ports show packets twice)."""
    if mark == 0:
        return False
    at = (mark & COPIES_MASK) * 2
    if table.copies[at] == mark:
        window = table.copy_window_ns
        if packet.ip_id == 0 and window > COPY_WINDOW_WITHOUT_ID_NS:
            window = COPY_WINDOW_WITHOUT_ID_NS
        before = table.copies[at + 1]
        apart = packet.time_ns - before
        if -window <= apart <= window:
            return True
    table.copies[at] = mark
    table.copies[at + 1] = packet.time_ns & MASK64
    return False


# ---- keys and the hash table -------------------------------------------------------------------


def _hash_end(table, hi, lo, port):
    mixed = (lo ^ (hi * PRIME_2) ^ (port * PRIME_3) ^ table.seed) & MASK64
    mixed = ((mixed ^ (mixed >> 32)) * PRIME_1) & MASK64
    return mixed ^ (mixed >> 29)


def _hash_pair(end_a, end_b, separate):
    """The same for both directions."""
    mixed = (end_a + end_b + separate * PRIME_4) & MASK64
    mixed = ((mixed ^ (mixed >> 31)) * PRIME_2) & MASK64
    return mixed ^ (mixed >> 33)


def _separate(table, packet, protocol, identifier):
    """What else separates flows than addresses and ports, in one number."""
    separate = packet.tenant
    separate = (separate << 8) ^ protocol
    if table.key_vlan:
        separate ^= (packet.vlan_outer * PRIME_3 + packet.vlan_inner * PRIME_1) & MASK64
    if protocol == PROTOCOL_ICMP or protocol == PROTOCOL_ICMPV6:
        separate ^= (identifier * PRIME_2) & MASK64
    return separate


def _hash(table, packet):
    return _hash_pair(
        _hash_end(table, packet.src_hi, packet.src_lo, packet.src_port),
        _hash_end(table, packet.dst_hi, packet.dst_lo, packet.dst_port),
        _separate(table, packet, packet.protocol, packet.seq),
    )


def _matches(table, flow, packet):
    if flow.protocol != packet.protocol or flow.tenant != packet.tenant:
        return False
    if flow.ip_version != packet.ip_version:
        return False
    if table.key_vlan and (
        flow.vlan_outer != packet.vlan_outer or flow.vlan_inner != packet.vlan_inner
    ):
        return False
    if packet.protocol == PROTOCOL_ICMP or packet.protocol == PROTOCOL_ICMPV6:
        if flow.isn[0] != packet.seq:
            return False
    if (
        flow.orig_lo == packet.src_lo
        and flow.resp_lo == packet.dst_lo
        and flow.orig_port == packet.src_port
        and flow.resp_port == packet.dst_port
    ):
        return flow.orig_hi == packet.src_hi and flow.resp_hi == packet.dst_hi
    return (
        flow.orig_lo == packet.dst_lo
        and flow.resp_lo == packet.src_lo
        and flow.orig_port == packet.dst_port
        and flow.resp_port == packet.src_port
        and flow.orig_hi == packet.dst_hi
        and flow.resp_hi == packet.src_hi
    )


def _side(flow, packet):
    """0: the packet is the originator's; 1: the responder's."""
    if (
        flow.orig_lo == packet.src_lo
        and flow.orig_port == packet.src_port
        and flow.orig_hi == packet.src_hi
        and flow.resp_port == packet.dst_port
    ):
        return 0
    return 1


def _find(table, packet, hashed):
    at = (hashed >> 32) & table.bucket_mask
    tag = hashed >> 32
    while True:
        entry = table.buckets[at]
        if entry == 0:
            return NO_SLOT
        if entry >> 32 == tag:
            slot = (entry & MASK32) - 1
            if _matches(table, flow_at(table.rows, slot), packet):
                return slot
        at = (at + 1) & table.bucket_mask


def _find_quoted(table, packet):
    """The flow that an ICMP error speaks of."""
    hashed = _hash_pair(
        _hash_end(table, packet.quoted_src_hi, packet.quoted_src_lo, packet.quoted_src_port),
        _hash_end(table, packet.quoted_dst_hi, packet.quoted_dst_lo, packet.quoted_dst_port),
        _separate(table, packet, packet.quoted_protocol, packet.quoted_seq),
    )
    at = (hashed >> 32) & table.bucket_mask
    tag = hashed >> 32
    while True:
        entry = table.buckets[at]
        if entry == 0:
            return NO_SLOT
        if entry >> 32 == tag:
            slot = (entry & MASK32) - 1
            if _is_quoted(flow_at(table.rows, slot), packet):
                return slot
        at = (at + 1) & table.bucket_mask


def _is_quoted(flow, packet):
    if flow.protocol != packet.quoted_protocol or flow.ip_version != packet.quoted_ip_version:
        return False
    if flow.orig_port == packet.quoted_src_port and flow.resp_port == packet.quoted_dst_port:
        if (
            flow.orig_lo == packet.quoted_src_lo
            and flow.orig_hi == packet.quoted_src_hi
            and flow.resp_lo == packet.quoted_dst_lo
            and flow.resp_hi == packet.quoted_dst_hi
        ):
            return True
    return (
        flow.orig_port == packet.quoted_dst_port
        and flow.resp_port == packet.quoted_src_port
        and flow.orig_lo == packet.quoted_dst_lo
        and flow.orig_hi == packet.quoted_dst_hi
        and flow.resp_lo == packet.quoted_src_lo
        and flow.resp_hi == packet.quoted_src_hi
    )


def _insert(table, slot, hashed):
    at = (hashed >> 32) & table.bucket_mask
    while table.buckets[at]:
        at = (at + 1) & table.bucket_mask
    table.buckets[at] = ((hashed >> 32) << 32) | (slot + 1)


def _remove(table, slot):
    """Take a flow out of the hash table; entries behind it move up (no tombstones)."""
    mask = table.bucket_mask
    at = (table.slot_hash[slot] >> 32) & mask
    while (table.buckets[at] & MASK32) != slot + 1:
        at = (at + 1) & mask
    gap = at
    while True:
        at = (at + 1) & mask
        entry = table.buckets[at]
        if entry == 0:
            break
        home = (entry >> 32) & mask
        if ((at - home) & mask) >= ((at - gap) & mask):
            table.buckets[gap] = entry
            gap = at
    table.buckets[gap] = 0


def _rehash(table):
    for kind in range(CLASSES):
        link = table.oldest[kind]
        while link:
            _insert(table, link - 1, table.slot_hash[link - 1])
            link = table.newer[link - 1]


# ---- life of a flow ----------------------------------------------------------------------------


def _opens(packet):
    """Which side of a new flow its first packet comes from, and whether that is a guess.

    SYN tells, then SYN-ACK, then the lower well-known port, then who spoke first.
    Returns 0 or 1; plus 2 if guessed.
    """
    if packet.protocol == PROTOCOL_TCP:
        if packet.tcp_flags & SYN:
            return 1 if packet.tcp_flags & ACK else 0
        guessed = 2
    elif packet.protocol == PROTOCOL_ICMP or packet.protocol == PROTOCOL_ICMPV6:
        return _opens_icmp(packet)
    else:
        guessed = 0
    if packet.src_port < packet.dst_port and packet.src_port < WELL_KNOWN_PORTS:
        if packet.src_port or packet.protocol == PROTOCOL_TCP:
            return 1 + 2
    return guessed


def _opens_icmp(packet):
    """A reply that comes first has a request that was not seen: its receiver opened the flow."""
    kind = packet.icmp_type
    if packet.protocol == PROTOCOL_ICMP:
        reply = kind in (0, 14, 16, 18, 9)
    else:
        reply = kind in (129, 134, 136, 131)
    return 1 + 2 if reply and packet.src_port != packet.dst_port else 0


def _create(table, packets, index, hashed):
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
    opened = _opens(packet)
    _fill(table, packets, index, slot, opened & 1)
    flow = flow_at(table.rows, slot)
    if opened & 2:
        flow.tags = TAG_DIRECTION_GUESSED
    table.number += 1
    table.count += 1
    if table.count > table.peak:
        table.peak = table.count
    table.slot_hash[slot] = hashed
    flow.seen_ns = table.now_ns
    _insert(table, slot, hashed)
    table.slot_class[slot] = 0
    _enlist(table, slot, 0)
    flow.known_ns = table.now_ns
    timers_schedule(table.timers, slot, _deadline(table, slot))
    return slot


def _fill(table, packets, index, slot, side):
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
    flow.icmp_type = packet.icmp_type
    flow.icmp_code = packet.icmp_code
    flow.interface = packet.interface
    flow.vlan_outer = packet.vlan_outer
    flow.vlan_inner = packet.vlan_inner
    flow.first_ns = packet.time_ns
    flow.last_ns = packet.time_ns
    flow.decided_ns = packet.time_ns
    flow.decided_frame = 0
    flow.decided_file = 0
    flow.handshake_ns = 0
    flow.state = 0
    flow.history_seen = 0
    flow.history_length = 0
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
        flow.window_scale[end] = NO_WINDOW_SCALE
    for at in range(HISTORY_MAX):
        flow.history[at] = 0
    if packet.protocol != PROTOCOL_TCP:
        flow.isn[0] = packet.seq
    orig_mac = packet.dst_mac if side else packet.src_mac
    resp_mac = packet.src_mac if side else packet.dst_mac
    for at in range(6):
        flow.orig_mac[at] = (orig_mac >> (40 - 8 * at)) & 0xFF
        flow.resp_mac[at] = (resp_mac >> (40 - 8 * at)) & 0xFF


def _prove_direction(table, flow, packet, side):
    """Turn a flow round whose direction was guessed wrongly, while nothing was said of it."""
    truth = 1 if packet.tcp_flags & ACK else 0
    if side == truth:
        flow.tags &= ~TAG_DIRECTION_GUESSED
        return side
    if flow.state & (STARTED | FAILED):
        return side
    _turn(flow)
    flow.tags &= ~TAG_DIRECTION_GUESSED
    return truth


def _turn(flow):
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
    _turn_counters(flow)
    # Bits come in pairs; the rest of the state belongs to flows with a SYN, which are not guessed.
    low = flow.state & PAIRS_LOW
    high = flow.state & (PAIRS_LOW << 1)
    flow.state = (flow.state & ~(PAIRS_LOW | (PAIRS_LOW << 1))) | (low << 1) | (high >> 1)
    flow.history_seen = ((flow.history_seen << 16) | (flow.history_seen >> 16)) & MASK32
    for at in range(flow.history_length):
        flow.history[at] = flow.history[at] ^ 0x20


def _turn_counters(flow):
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


def _timeout(table, flow):
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


def _is_over(flow):
    """Whether a closed TCP flow has nothing more to say: reset, or both FINs acknowledged."""
    if flow.state & ANY_RST:
        return True
    return flow.acked[0] == flow.next_seq[1] and flow.acked[1] == flow.next_seq[0]


def _deadline(table, slot):
    """When the flow must be looked at next: verdict, activity or idleness, whichever is first."""
    flow = flow_at(table.rows, slot)
    deadline = flow.seen_ns + _timeout(table, flow)
    if flow.state & WAITING and flow.handshake_ns + table.wait_ns < deadline:
        deadline = flow.handshake_ns + table.wait_ns
    if table.active_ns and flow.known_ns + table.active_ns < deadline:
        deadline = flow.known_ns + table.active_ns
    return deadline


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
        _emit_due(table, slot, due_ns)
        _reclass(table, slot)
    if flow.seen_ns + _timeout(table, flow) <= due_ns:
        reason = END_IDLE_TIMEOUT
        if flow.state & CLOSED:
            reason = END_RST if flow.state & ANY_RST else END_FIN
        table.due_ns = due_ns
        _end(table, slot, reason)
        table.due_ns = 0
        return
    if table.active_ns and flow.known_ns + table.active_ns <= due_ns:
        flow.known_ns = due_ns
        flow.end_reason = END_ACTIVE_TIMEOUT
        flow.conn_state = conn_state_of(flow)
        _emit(table, slot, FLOW_ACTIVE, due_ns)
        flow.end_reason = NOT_ENDED
    timers_schedule(table.timers, slot, _deadline(table, slot))


def _capture_is_one_sided(table):
    """Whether a missing answer says nothing, because the capture misses answers."""
    if table.one_way and table.two_way < table.one_way:
        return True
    return table.lossy >= LOSSY_FLOWS_MIN and table.lossy * 10 >= table.two_way


def _end(table, slot, reason):
    """The last words of a flow: its verdict if none was given, its record; then it is gone."""
    flow = flow_at(table.rows, slot)
    known_ns = table.due_ns if table.due_ns else table.now_ns
    was = flow.verdict
    judge_end(
        flow, _capture_is_one_sided(table), reason == END_IDLE_TIMEOUT, reason == END_EVICTED
    )
    if was != flow.verdict and flow.verdict != ACCEPTED and flow.verdict != ATTEMPTED:
        flow.decided_ns = flow.last_ns
    _emit_due(table, slot, known_ns)
    flow.end_reason = reason
    flow.conn_state = conn_state_of(flow)
    _emit(table, slot, FLOW_ENDED, known_ns)
    table.verdict_counts[flow.verdict] += 1
    table.packets_in_table -= flow.packets[0] + flow.packets[1]
    table.packets_ended += flow.packets[0] + flow.packets[1]
    timers_cancel(table.timers, slot)
    _remove(table, slot)
    _delist(table, slot)
    table.free[table.free_count] = slot
    table.free_count += 1
    table.count -= 1


def _emit_due(table, slot, known_ns):
    flow = flow_at(table.rows, slot)
    action = due_action(flow, table.accept_on_data)
    if action >= 0:
        flow.conn_state = conn_state_of(flow)
        _emit(table, slot, action, known_ns)
    if flow.verdict == ACCEPTED and flow.evidence == INFERRED_ONE_SIDED:
        if not flow.state & COUNTED_ONE_WAY:
            flow.state |= COUNTED_ONE_WAY
            table.one_way += 1


def _emit(table, slot, action, known_ns):
    """Copy the flow as it is now into the event buffer."""
    table.event_view[table.event_count] = table.view[slot]
    event = flow_at(table.event_rows, table.event_count)
    event.action = action
    event.known_ns = known_ns
    table.event_count += 1


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
            _end(table, slot, reason)
        table.drain_at += 1
    return True


# ---- order of eviction -------------------------------------------------------------------------


def _enlist(table, slot, kind):
    """Append a flow to the list of its class."""
    last = table.newest[kind]
    table.older[slot] = last
    table.newer[slot] = 0
    if last:
        table.newer[last - 1] = slot + 1
    else:
        table.oldest[kind] = slot + 1
    table.newest[kind] = slot + 1
    table.slot_class[slot] = kind


def _delist(table, slot):
    kind = table.slot_class[slot]
    older = table.older[slot]
    newer = table.newer[slot]
    if older:
        table.newer[older - 1] = newer
    else:
        table.oldest[kind] = newer
    if newer:
        table.older[newer - 1] = older
    else:
        table.newest[kind] = older


def _reclass(table, slot):
    """Move a flow to another list where what is known of it changes when it may be evicted."""
    flow = flow_at(table.rows, slot)
    kind = 0
    if flow.verdict == ACCEPTED or flow.state & WAITING:
        kind = 2
    elif flow.packets[0] and flow.packets[1]:
        kind = 1
    if kind != table.slot_class[slot]:
        _delist(table, slot)
        _enlist(table, slot, kind)


def _evict(table):
    """End the flow that will be missed least."""
    for kind in range(CLASSES):
        if table.oldest[kind]:
            table.evicted += 1
            _end(table, table.oldest[kind] - 1, END_EVICTED)
            return
