cimport cython
from sensor.flowtable.table_state cimport TableState
from sensor.memory.records cimport Flow, Packet, flow_at

cdef int CLASSES, PROTOCOL_ICMP, PROTOCOL_ICMPV6
cdef unsigned long long MASK32, MASK64, PRIME_1, PRIME_2, PRIME_3
cdef unsigned long long PRIME_4
cdef Py_ssize_t NO_SLOT

@cython.locals(mixed="unsigned long long")
cdef unsigned long long _hash_end(TableState table, unsigned long long hi, unsigned long long lo, unsigned long long port) noexcept nogil
@cython.locals(mixed="unsigned long long")
cdef unsigned long long _hash_pair(unsigned long long end_a, unsigned long long end_b, unsigned long long separate) noexcept nogil
@cython.locals(separate="unsigned long long")
cdef unsigned long long _separate(TableState table, Packet *packet, int protocol, unsigned long long identifier) noexcept nogil
cdef unsigned long long key_hash(TableState table, Packet *packet) noexcept nogil
cdef bint _matches(TableState table, Flow *flow, Packet *packet) noexcept nogil
cdef int side_of(Flow *flow, Packet *packet) noexcept nogil
@cython.locals(at="unsigned long long", tag="unsigned long long", entry="unsigned long long", slot=Py_ssize_t)
cdef Py_ssize_t find(TableState table, Packet *packet, unsigned long long hashed) noexcept nogil
@cython.locals(at="unsigned long long", tag="unsigned long long", entry="unsigned long long")
cdef Py_ssize_t find_likely(TableState table, unsigned long long hashed) noexcept nogil
@cython.locals(hashed="unsigned long long", at="unsigned long long", tag="unsigned long long", entry="unsigned long long", slot=Py_ssize_t)
cdef Py_ssize_t find_quoted(TableState table, Packet *packet) noexcept nogil
cdef bint _is_quoted(Flow *flow, Packet *packet) noexcept nogil
@cython.locals(at="unsigned long long")
cdef void insert(TableState table, Py_ssize_t slot, unsigned long long hashed) noexcept nogil
@cython.locals(mask="unsigned long long", at="unsigned long long", gap="unsigned long long", entry="unsigned long long", home="unsigned long long")
cdef void remove(TableState table, Py_ssize_t slot) noexcept nogil
@cython.locals(kind=int, link=Py_ssize_t)
cdef void rehash(TableState table) noexcept nogil
