cimport cython

from sensor.model.frames cimport FrameBatch
from sensor.memory.loads cimport be32, le32
from sensor.memory.records cimport Frame, frame_at

cdef long long BILLION
cdef Py_ssize_t LONG
cdef Py_ssize_t TIME

@cython.final
cdef class PcapReader:
    cdef readonly str path
    cdef public object problem
    cdef unsigned long long[::1] noted
    cdef readonly Py_ssize_t at
    cdef readonly Py_ssize_t need
    cdef bint started
    cdef bint big
    cdef long long scale
    cdef Py_ssize_t record_header
    cdef unsigned int link
    cdef unsigned int snaplen
    cdef unsigned int limit
    cdef unsigned int too_long

    cpdef void walk(self, FrameBatch frames, Py_ssize_t at, Py_ssize_t end, long long base)

    @cython.locals(
        capacity=Py_ssize_t, at=Py_ssize_t, header=Py_ssize_t,
        watermark=cython.longlong, count=Py_ssize_t, seconds=cython.longlong,
        fraction=cython.longlong, captured=cython.uint, wire=cython.uint,
        fraction_ns=cython.longlong, time_ns=cython.longlong,
    )
    cdef void _walk(self, FrameBatch frames, Py_ssize_t end, long long base) noexcept nogil

    cdef void _note(self, Py_ssize_t note, unsigned long long offset) noexcept nogil
