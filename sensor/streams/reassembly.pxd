cimport cython

cdef long long HALF, MASK32, WRAP
cdef Py_ssize_t COMPARED_MAX

@cython.final
cdef class Reassembly:
    cdef readonly long long next
    cdef readonly Py_ssize_t waiting_bytes, conflicts
    cdef bint _has_begun
    cdef long long _first
    cdef dict _waiting
    cdef bytearray _last
    cpdef void begin(self, long long seq)
    @cython.locals(offset="long long")
    cpdef list add(self, long long seq, bytes octets)
    @cython.locals(reached="long long")
    cpdef list acknowledged(self, long long ack)
    cpdef list finish(self)
    @cython.locals(away="long long")
    cdef long long _offset(self, long long seq)
    @cython.locals(at="long long", end="long long", start="long long", first="long long", last="long long")
    cdef _wait(self, long long offset, bytes octets)
    cdef _put(self, long long offset, bytes octets)
    cdef bytes _pop(self, long long offset)
    @cython.locals(gap="long long", offset="long long")
    cdef list _skip(self)
    cdef list _ready(self)
    cdef tuple _deliver(self, long long gap, bytes octets)
    @cython.locals(first="long long", start="long long", end="long long")
    cdef _compare(self, long long offset, bytes octets)
