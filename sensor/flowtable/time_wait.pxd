cimport cython
from sensor.flowtable.table_state cimport TableState
from sensor.memory.records cimport Flow, Packet

cdef unsigned int ACK, FRAGMENT_TINY, LOOSE_WINDOW, MASK32, PROTOCOL_TCP, SYN
cdef Py_ssize_t TIME_WAIT_WAYS

@cython.locals(orig="unsigned long long", resp="unsigned long long", first=Py_ssize_t, oldest=Py_ssize_t, at=Py_ssize_t)
cdef void remember(TableState table, Flow *flow, unsigned long long hashed, long long now_ns) noexcept nogil
cdef bint counts_as_late(TableState table, Packet *packet, unsigned long long hashed) noexcept nogil
@cython.locals(first=Py_ssize_t, at=Py_ssize_t, numbers="unsigned long long", orig="unsigned int", resp="unsigned int")
cdef bint _is_late(TableState table, Packet *packet, unsigned long long hashed) noexcept nogil
cdef bint _fits(Packet *packet, unsigned int own, unsigned int other) noexcept nogil
