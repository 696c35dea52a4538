cimport cython
from sensor.flowtable.time_jumps cimport hold, final_time, settle
from sensor.flowtable.applications cimport is_first, proven
from sensor.flowtable.hashtable cimport find, find_quoted, rehash, side_of
from sensor.flowtable.lifecycle cimport (
    count_lossy,
    create,
    deadline_of,
    emit,
    emit_due,
    end_flow,
    prove_direction,
    timeout_of,
)
from sensor.flowtable.eviction cimport reclass
from sensor.flowtable.notes cimport note
from sensor.flowtable.prepare cimport prepare_batch, touch_ahead
from sensor.flowtable.segments cimport add_segment, is_crowded, turn
from sensor.flowtable.table_state cimport TableState
from sensor.flowtable.time_wait cimport counts_as_late
from sensor.flowtable.tcp cimport tcp_begins_another, tcp_continue, tcp_skip, tcp_update
from sensor.flowtable.timer_wheel cimport (
    timers_now,
    timers_pop,
    timers_schedule,
    timers_sooner,
)
from sensor.flowtable.verdict cimport (
    conn_state_of,
    judge_icmp,
    judge_reply,
    judge_tcp,
    settle_handshake,
)
from sensor.model.packets cimport PacketBatch
from sensor.memory.records cimport Flow, Packet, flow_at, packet_at

cdef int ACCEPTED, ACK, CROWDED, DONE, END_ACTIVE_TIMEOUT
cdef int END_FIN, END_IDLE_TIMEOUT, END_OF_CAPTURE, END_RST, FLOW_ACTIVE
cdef int FRAGMENT_COPY, FRAGMENT_TINY, FULL, TRANSPORT_CUT, HELD, KIND_ANOMALY, KIND_CONTINUED, KIND_COPY
cdef int KIND_FLOW, KIND_FRAGMENT, KIND_NON_IP
cdef int NOT_ENDED, PROTOCOL_TCP, QUOTES_FLOW, SYN, TAG_DIRECTION_GUESSED
cdef Py_ssize_t AHEAD_MAX
cdef unsigned int GAP
cdef unsigned int ANY_RST, CLOSED, COUNTED_TWO_WAY, FAILED
cdef unsigned int NEW_SYN, NO_VLAN, SAW_SYN, STARTED
cdef unsigned int WAITING
cdef unsigned long long MASK32
cdef long long JUMP_NS
cdef Py_ssize_t EVENTS_LEFT, EVENTS_MAX, EVENTS_PER_PACKET, NO_SLOT

@cython.final
cdef class FlowTable(TableState):
    cpdef void prepare(self, PacketBatch packets)
    cpdef bint advance(self, PacketBatch packets)
    @cython.locals(status=int)
    cdef int run(self, PacketBatch packets)
    @cython.locals(status=int)
    cpdef bint drain(self)
    cdef grow(self)


@cython.locals(packet="Packet *", index=Py_ssize_t, odd=bint, status=int)
cdef int _run(TableState table, PacketBatch packets) noexcept nogil
@cython.locals(status=int)
cdef int _let_time_pass(TableState table, PacketBatch packets) noexcept nogil
@cython.locals(time_ns="long long", status=int)
cdef int _odd_time(TableState table, PacketBatch packets, Py_ssize_t index) noexcept nogil
@cython.locals(file_index="unsigned int")
cdef int _release(TableState table, long long next_ns) noexcept nogil
@cython.locals(packet="Packet *", kind=int)
cdef void _fold(TableState table, PacketBatch packets, Py_ssize_t index) noexcept nogil
@cython.locals(packet="Packet *", kind=int, slot=Py_ssize_t)
cdef void _fold_fragment(TableState table, PacketBatch packets, Py_ssize_t index) noexcept nogil
@cython.locals(extra="unsigned int")
cdef void _update_by_fragment(TableState table, Packet *packet, Flow *flow, int side) noexcept nogil
@cython.locals(packet="Packet *", flow="Flow *", hashed="unsigned long long", slot=Py_ssize_t, side=int, renewed=bint, seen=bint)
cdef void _fold_flow(TableState table, PacketBatch packets, Py_ssize_t index) noexcept nogil
@cython.locals(proven_side=int)
cdef int _turned(TableState table, Packet *packet, Py_ssize_t slot, int side) noexcept nogil
@cython.locals(packet="Packet *", flow="Flow *", state="unsigned int", was=int, first=bint)
cdef void _update(TableState table, PacketBatch packets, Py_ssize_t index, Py_ssize_t slot, int side) noexcept nogil
cdef void _count(TableState table, Packet *packet, Flow *flow, int side) noexcept nogil
@cython.locals(flow="Flow *")
cdef void _wait(TableState table, Py_ssize_t slot, unsigned int state) noexcept nogil
@cython.locals(flow="Flow *")
cdef void _stamp(TableState table, PacketBatch packets, Py_ssize_t index, Py_ssize_t slot, unsigned int state) noexcept nogil
@cython.locals(packet="Packet *", flow="Flow *", slot=Py_ssize_t, was=int)
cdef void _fold_icmp_error(TableState table, PacketBatch packets, Py_ssize_t index) noexcept nogil
cdef bint is_full(TableState table) noexcept nogil
@cython.locals(slot="long long")
cdef bint _expire(TableState table, long long now_ns) noexcept nogil
@cython.locals(flow="Flow *", reason=int)
cdef void _due(TableState table, Py_ssize_t slot, long long due_ns) noexcept nogil
cdef int _release_last(TableState table) noexcept nogil
@cython.locals(flow="Flow *", slot=Py_ssize_t, reason=int)
cdef int _drain(TableState table) noexcept nogil
