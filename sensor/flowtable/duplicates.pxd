cimport cython
from sensor.flowtable.table_state cimport TableState
from sensor.model.packets cimport PacketBatch
from sensor.memory.records cimport Packet, packet_at, touch_bucket

cdef unsigned long long DUPLICATES_MASK, MASK64, PRIME_1, PRIME_2, PRIME_3, PRIME_4
cdef long long COPY_WINDOW_WITHOUT_ID_NS
cdef Py_ssize_t DUPLICATE_WAYS, TOUCHED_AHEAD
cdef int KIND_COPY, KIND_FLOW, PROTOCOL_TCP, RST

@cython.locals(packet="Packet *", index=Py_ssize_t)
cdef void mark_duplicates(TableState table, PacketBatch packets) noexcept nogil

@cython.locals(content="unsigned long long", identity="unsigned long long", position="unsigned long long", mark="unsigned long long")
cdef unsigned long long copy_mark(TableState table, Packet *packet) noexcept nogil
@cython.locals(at=Py_ssize_t)
cdef bint is_copy(TableState table, Packet *packet, unsigned long long mark) noexcept nogil
@cython.locals(first=Py_ssize_t, oldest=Py_ssize_t, at=Py_ssize_t)
cdef Py_ssize_t _place(TableState table, unsigned long long mark) noexcept nogil
@cython.locals(doubled="unsigned long long", at=Py_ssize_t)
cdef bint _counts_as_copy(TableState table, Packet *packet) noexcept nogil
@cython.locals(window="unsigned long long", apart="unsigned long long")
cdef bint is_near(TableState table, Packet *packet, unsigned long long before_ns) noexcept nogil
