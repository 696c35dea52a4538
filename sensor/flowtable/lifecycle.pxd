cimport cython
from sensor.flowtable.direction cimport initiator_of, reverse
from sensor.flowtable.hashtable cimport insert, remove
from sensor.flowtable.notes cimport note
from sensor.flowtable.tunnel_paths cimport path_of
from sensor.flowtable.eviction cimport delist, enlist, victim
from sensor.flowtable.segments cimport add_end
from sensor.flowtable.table_state cimport TableState
from sensor.flowtable.time_wait cimport remember
from sensor.flowtable.timer_wheel cimport timers_cancel, timers_schedule
from sensor.flowtable.verdict cimport conn_state_of, due_action, judge_end
from sensor.model.packets cimport PacketBatch
from sensor.memory.records cimport Flow, Packet, flow_at, packet_at

cdef unsigned int MASK32
cdef long long UNDER_WAY_NS
cdef int FLOW_ACTIVE, ACCEPTED, ACK, ATTEMPTED, END_EVICTED
cdef int END_IDLE_TIMEOUT, FLOW_ENDED, HISTORY_MAX, INFERRED_ONE_SIDED, ONE_SIDED
cdef unsigned long long LOSSY_FLOWS_MIN, LOSSY_SHARE
cdef int MADE_FLOW, NOT_ENDED, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP
cdef int TAG_DIRECTION_GUESSED
cdef unsigned int ANY_RST, CLOSED, COUNTED_LOSSY, COUNTED_ONE_WAY, FAILED, GAP, HANDSHAKE_DONE
cdef unsigned int NO_WINDOW_SCALES, SAW_ACK, STARTED, WAITING

@cython.locals(packet="Packet *", flow="Flow *", slot=Py_ssize_t, opened=int)
cdef Py_ssize_t create(TableState table, PacketBatch packets, Py_ssize_t index, unsigned long long hashed) noexcept nogil
@cython.locals(packet="Packet *", flow="Flow *", at=int, vlans="unsigned int", orig_mac="unsigned long long", resp_mac="unsigned long long")
cdef void _fill(TableState table, PacketBatch packets, Py_ssize_t index, Py_ssize_t slot, int side) noexcept nogil
@cython.locals(end=int, at=int)
cdef void _clear(Flow *flow) noexcept nogil
@cython.locals(truth=int)
cdef int prove_direction(TableState table, Flow *flow, Packet *packet, int side) noexcept nogil
cdef long long timeout_of(TableState table, Flow *flow) noexcept nogil
cdef bint _is_over(Flow *flow) noexcept nogil
@cython.locals(flow="Flow *", deadline="long long")
cdef long long deadline_of(TableState table, Py_ssize_t slot) noexcept nogil
@cython.locals(flow="Flow *", known_ns="long long", was=int)
cdef void end_flow(TableState table, Py_ssize_t slot, int reason) noexcept nogil
@cython.locals(flow="Flow *", action=int)
cdef void emit_due(TableState table, Py_ssize_t slot, long long known_ns) noexcept nogil
@cython.locals(event="Flow *")
cdef void emit(TableState table, Py_ssize_t slot, int action, long long known_ns) noexcept nogil
cdef bint _capture_is_one_sided(TableState table) noexcept nogil
@cython.locals(flow="Flow *", missing=bint)
cdef void count_lossy(TableState table, Py_ssize_t slot) noexcept nogil
cdef void _evict(TableState table) noexcept nogil
