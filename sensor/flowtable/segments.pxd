cimport cython
from sensor.flowtable.table_state cimport TableState
from sensor.memory.buffers cimport put_octets
from sensor.memory.records cimport Flow, Packet, Segment, flow_at, packet_at, segment_at
from sensor.model.packets cimport PacketBatch

cdef int ACK, PROTOCOL_TCP, SEGMENT_DATA, SEGMENT_END, SYN
cdef unsigned int FOLLOWED, FOLLOWED_NO_MORE, TURNED, SAW_SYN, SAW_SYN_RESP, SAW_SYNACK
cdef unsigned long long MASK32
cdef Py_ssize_t PAYLOAD_MAX, SEGMENT_BYTES, SEGMENTS_MAX, SEGMENTS_PER_PACKET

cdef bint is_crowded(TableState table) noexcept nogil
@cython.locals(state="unsigned int", packet="Packet *", flow="Flow *", segment="Segment *")
cdef void add_segment(
    TableState table, PacketBatch packets, Py_ssize_t index, Py_ssize_t slot, int side
) noexcept nogil
cdef bint knows_isn(Flow *flow, int side) noexcept nogil
@cython.locals(segment="Segment *")
cdef void add_end(TableState table, Py_ssize_t slot) noexcept nogil
cdef void turn(TableState table, Py_ssize_t slot) noexcept nogil
@cython.locals(turned=int, segment="Segment *")
cdef void _begin(TableState table, Py_ssize_t slot, int side) noexcept nogil
