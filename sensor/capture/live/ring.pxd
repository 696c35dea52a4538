cimport cython

from sensor.capture.live.ring_loads cimport give_back, is_ours, ne16, ne32
from sensor.model.frames cimport FrameBatch
from sensor.memory.loads cimport be16, octets_of
from sensor.memory.records cimport Frame, frame_at

cdef unsigned short NO_VLAN
cdef unsigned int BLOCK_STATUS, BLOCK_FRAMES, BLOCK_FIRST, HEADER_BYTES, HAS_VLAN, HAS_VLAN_TYPE
cdef unsigned int HARDWARE_TIME
cdef unsigned short ARPHRD_ETHER, ARPHRD_LOOPBACK, LINK_ETHERNET, LINK_IPV4, LINK_IPV6, LINK_UNKNOWN
cdef unsigned int ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_VLAN

cdef class Ring:
    cdef public object data
    cdef const unsigned char[::1] shared
    cdef const unsigned char *octets
    cdef readonly Py_ssize_t size
    cdef readonly Py_ssize_t block_bytes
    cdef readonly Py_ssize_t blocks
    cdef readonly Py_ssize_t block
    cdef readonly unsigned int left
    cdef readonly Py_ssize_t at
    cdef readonly Py_ssize_t held
    cdef readonly long long last_ns
    cdef readonly unsigned long long hardware_times
    cdef readonly int known
    cdef unsigned int[::1] indices
    cdef unsigned short[::1] interfaces

    @cython.locals(count=Py_ssize_t, batch=FrameBatch)
    cpdef Py_ssize_t fill(self, FrameBatch frames)
    cpdef void release(self)
    @cython.locals(untouched=int)
    cpdef bint is_untouched(self)

@cython.locals(count=Py_ssize_t)
cdef Py_ssize_t _fill(Ring ring, FrameBatch frames) noexcept nogil
@cython.locals(start=Py_ssize_t)
cdef int _next_block(Ring ring) noexcept nogil
@cython.locals(start=Py_ssize_t)
cdef int _is_untouched(Ring ring) noexcept nogil
cdef void _finish_block(Ring ring) noexcept nogil
@cython.locals(octets="const unsigned char *", at=Py_ssize_t, status="unsigned int",
               hardware="unsigned int", link_at="unsigned int", network_at="unsigned int",
               skipped="unsigned int", protocol="unsigned int", start=Py_ssize_t)
cdef void _take(Ring ring, Frame *frame) noexcept nogil
@cython.locals(i=int)
cdef unsigned short _interface_of(Ring ring, unsigned int index) noexcept nogil
@cython.locals(block=Py_ssize_t)
cdef void _release(Ring ring) noexcept nogil
