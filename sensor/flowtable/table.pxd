cimport cython
from sensor.packets cimport PacketBatch
from sensor.records cimport (
    Flow, Packet, flow_at, flows_of, packet_at, touch_bucket, touch_flow, touch_packet,
)
from sensor.flowtable.tcp cimport tcp_begins_another, tcp_update
from sensor.flowtable.timers cimport (
    Timers, timers_cancel, timers_now, timers_pop, timers_schedule, timers_sooner, timers_start,
)
from sensor.flowtable.verdict cimport (
    conn_state_of, due_action, judge_end, judge_icmp, judge_reply, judge_tcp, settle_handshake,
)

cdef int ACCEPTED, ATTEMPTED, END_ACTIVE_TIMEOUT, END_EVICTED, END_FIN, END_IDLE_TIMEOUT
cdef int END_OF_CAPTURE, END_RST, FLOW_ACTIVE, FLOW_ENDED, INFERRED_ONE_SIDED, NOT_ENDED
cdef int TAG_DIRECTION_GUESSED
cdef unsigned int ADVANCED, CLOSED, COUNTED_LOSSY, COUNTED_ONE_WAY, COUNTED_TWO_WAY, FAILED
cdef unsigned int GAP, HANDSHAKE_DONE, NEW_SYN, SAW_ACK, SAW_DATA, SAW_FIN
cdef unsigned int SAW_RST, SAW_RST_RESP, SAW_SYN, STARTED, WAITING
cdef int ACK, KIND_ANOMALY, KIND_FLOW, KIND_FRAGMENT, KIND_NON_IP, PROTOCOL_ICMP
cdef int PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP, SYN
cdef unsigned int NO_VLAN, NO_WINDOW_SCALE
cdef Py_ssize_t EVENTS_MAX, EVENTS_PER_PACKET, NO_SLOT
cdef unsigned long long COPIES_MASK
cdef long long COPY_WINDOW_WITHOUT_ID_NS
cdef int WELL_KNOWN_PORTS, CLASSES, LOSSY_FLOWS_MIN, TOUCH_FAR, TOUCH_NEAR, DONE, FULL, CROWDED
cdef unsigned long long MASK32, MASK64, PRIME_1, PRIME_2, PRIME_3, PRIME_4
cdef unsigned int PAIRS_LOW, ANY_RST
cdef int HISTORY_MAX

@cython.final
cdef class FlowTable:
    cdef Flow[::1] view
    cdef Flow *rows
    cdef public object records
    cdef Flow[::1] event_view
    cdef Flow *event_rows
    cdef public object event_records
    cdef Timers timers
    cdef unsigned int[::1] free
    cdef unsigned long long[::1] slot_hash
    cdef unsigned char[::1] slot_class
    cdef unsigned int[::1] older
    cdef unsigned int[::1] newer
    cdef unsigned int[::1] oldest
    cdef unsigned int[::1] newest
    cdef unsigned long long[::1] copies
    cdef unsigned long long[::1] buckets
    cdef unsigned long long bucket_mask
    cdef unsigned long long[::1] verdict_counts
    cdef readonly Py_ssize_t flows_max
    cdef long long attempt_ns, idle_ns, closed_ns, udp_ns, icmp_ns, other_ns
    cdef long long active_ns, wait_ns, copy_window_ns
    cdef bint accept_on_data, key_vlan, duplicates_on
    cdef unsigned long long seed
    cdef readonly long long now_ns, first_ns
    cdef long long expired_tick, due_ns
    cdef public unsigned int file_index
    cdef Py_ssize_t cursor, drain_at
    cdef bint cursor_timed
    cdef readonly Py_ssize_t event_count
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t peak
    cdef readonly unsigned long long number
    cdef Py_ssize_t free_count, slots_used
    cdef unsigned long long packets_in_table, packets_ended, fragments, icmp_quoting
    cdef unsigned long long anomalies, non_ip, duplicates, time_backwards, evicted
    cdef unsigned long long one_way, two_way, lossy
    cpdef void prepare(self, PacketBatch packets)
    cpdef bint advance(self, PacketBatch packets)
    @cython.locals(status=int)
    cdef int run(self, PacketBatch packets)
    @cython.locals(done=bint)
    cpdef bint drain(self)
    cdef grow(self)

@cython.locals(packet="Packet *", index=Py_ssize_t)
cdef int _run(FlowTable table, PacketBatch packets) noexcept nogil
@cython.locals(packet="Packet *", index=Py_ssize_t)
cdef void _prepare(FlowTable table, PacketBatch packets) noexcept nogil
@cython.locals(packet="Packet *")
cdef void _touch_far(FlowTable table, PacketBatch packets, Py_ssize_t index) noexcept nogil
@cython.locals(packet="Packet *", entry="unsigned long long")
cdef void _touch_near(FlowTable table, PacketBatch packets, Py_ssize_t index) noexcept nogil
@cython.locals(packet="Packet *", kind=int)
cdef void _fold(FlowTable table, PacketBatch packets, Py_ssize_t index) noexcept nogil
@cython.locals(packet="Packet *", flow="Flow *", hashed="unsigned long long", slot=Py_ssize_t, side=int, renewed=bint, seen=bint)
cdef void _fold_flow(FlowTable table, PacketBatch packets, Py_ssize_t index) noexcept nogil
@cython.locals(packet="Packet *", flow="Flow *", state="unsigned int", was=int)
cdef void _update(FlowTable table, PacketBatch packets, Py_ssize_t index, Py_ssize_t slot, int side) noexcept nogil
@cython.locals(flow="Flow *")
cdef void _wait(FlowTable table, Py_ssize_t slot, unsigned int state) noexcept nogil
@cython.locals(flow="Flow *")
cdef void _stamp(FlowTable table, PacketBatch packets, Py_ssize_t index, Py_ssize_t slot, unsigned int state) noexcept nogil
@cython.locals(packet="Packet *", flow="Flow *", slot=Py_ssize_t, was=int)
cdef void _fold_icmp_error(FlowTable table, PacketBatch packets, Py_ssize_t index) noexcept nogil
@cython.locals(identity="unsigned long long", position="unsigned long long", mark="unsigned long long")
cdef unsigned long long _copy_mark(FlowTable table, Packet *packet) noexcept nogil
@cython.locals(at=Py_ssize_t, window="long long", before="long long", apart="long long")
cdef bint _is_copy(FlowTable table, Packet *packet, unsigned long long mark) noexcept nogil
@cython.locals(mixed="unsigned long long")
cdef unsigned long long _hash_end(FlowTable table, unsigned long long hi, unsigned long long lo, unsigned long long port) noexcept nogil
@cython.locals(mixed="unsigned long long")
cdef unsigned long long _hash_pair(unsigned long long end_a, unsigned long long end_b, unsigned long long separate) noexcept nogil
@cython.locals(separate="unsigned long long")
cdef unsigned long long _separate(FlowTable table, Packet *packet, int protocol, unsigned long long identifier) noexcept nogil
cdef unsigned long long _hash(FlowTable table, Packet *packet) noexcept nogil
cdef bint _matches(FlowTable table, Flow *flow, Packet *packet) noexcept nogil
cdef int _side(Flow *flow, Packet *packet) noexcept nogil
@cython.locals(at="unsigned long long", tag="unsigned long long", entry="unsigned long long", slot=Py_ssize_t)
cdef Py_ssize_t _find(FlowTable table, Packet *packet, unsigned long long hashed) noexcept nogil
@cython.locals(hashed="unsigned long long", at="unsigned long long", tag="unsigned long long", entry="unsigned long long", slot=Py_ssize_t)
cdef Py_ssize_t _find_quoted(FlowTable table, Packet *packet) noexcept nogil
cdef bint _is_quoted(Flow *flow, Packet *packet) noexcept nogil
@cython.locals(at="unsigned long long")
cdef void _insert(FlowTable table, Py_ssize_t slot, unsigned long long hashed) noexcept nogil
@cython.locals(mask="unsigned long long", at="unsigned long long", gap="unsigned long long", entry="unsigned long long", home="unsigned long long")
cdef void _remove(FlowTable table, Py_ssize_t slot) noexcept nogil
@cython.locals(kind=int, link=Py_ssize_t)
cdef void _rehash(FlowTable table) noexcept nogil
@cython.locals(guessed=int)
cdef int _opens(Packet *packet) noexcept nogil
@cython.locals(kind=int, reply=bint)
cdef int _opens_icmp(Packet *packet) noexcept nogil
@cython.locals(packet="Packet *", flow="Flow *", slot=Py_ssize_t, opened=int)
cdef Py_ssize_t _create(FlowTable table, PacketBatch packets, Py_ssize_t index, unsigned long long hashed) noexcept nogil
@cython.locals(packet="Packet *", flow="Flow *", end=int, at=int, orig_mac="unsigned long long", resp_mac="unsigned long long")
cdef void _fill(FlowTable table, PacketBatch packets, Py_ssize_t index, Py_ssize_t slot, int side) noexcept nogil
@cython.locals(truth=int)
cdef int _prove_direction(FlowTable table, Flow *flow, Packet *packet, int side) noexcept nogil
@cython.locals(hi="unsigned long long", lo="unsigned long long", port="unsigned short", mac="unsigned char", low="unsigned int", high="unsigned int", at=int)
cdef void _turn(Flow *flow) noexcept nogil
@cython.locals(packets="unsigned long long", octets="unsigned long long", payload="unsigned long long", missed="unsigned long long", upcoming="unsigned int", acked="unsigned int", window="unsigned int", isn="unsigned int", flags="unsigned char")
cdef void _turn_counters(Flow *flow) noexcept nogil
cdef bint _is_over(Flow *flow) noexcept nogil
cdef long long _timeout(FlowTable table, Flow *flow) noexcept nogil
@cython.locals(flow="Flow *", deadline="long long")
cdef long long _deadline(FlowTable table, Py_ssize_t slot) noexcept nogil
@cython.locals(slot="long long")
cdef bint _expire(FlowTable table, long long now_ns) noexcept nogil
@cython.locals(flow="Flow *", reason=int)
cdef void _due(FlowTable table, Py_ssize_t slot, long long due_ns) noexcept nogil
cdef bint _capture_is_one_sided(FlowTable table) noexcept nogil
@cython.locals(flow="Flow *", known_ns="long long", was=int)
cdef void _end(FlowTable table, Py_ssize_t slot, int reason) noexcept nogil
@cython.locals(flow="Flow *", action=int)
cdef void _emit_due(FlowTable table, Py_ssize_t slot, long long known_ns) noexcept nogil
@cython.locals(event="Flow *")
cdef void _emit(FlowTable table, Py_ssize_t slot, int action, long long known_ns) noexcept nogil
@cython.locals(flow="Flow *", slot=Py_ssize_t, reason=int)
cdef bint _drain(FlowTable table) noexcept nogil
@cython.locals(last="unsigned int")
cdef void _enlist(FlowTable table, Py_ssize_t slot, int kind) noexcept nogil
@cython.locals(kind=int, older="unsigned int", newer="unsigned int")
cdef void _delist(FlowTable table, Py_ssize_t slot) noexcept nogil
@cython.locals(flow="Flow *", kind=int)
cdef void _reclass(FlowTable table, Py_ssize_t slot) noexcept nogil
@cython.locals(kind=int)
cdef void _evict(FlowTable table) noexcept nogil
