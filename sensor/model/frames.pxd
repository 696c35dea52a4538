cimport cython

from sensor.memory.loads cimport octets_of
from sensor.memory.records cimport Frame, frame_at, frames_of

cdef class FrameBatch:
    cdef Frame[::1] view
    cdef Frame *rows
    cdef public object records
    cdef public const unsigned char[::1] data
    cdef const unsigned char *octets
    cdef public Py_ssize_t size
    cdef readonly Py_ssize_t capacity
    cdef public Py_ssize_t count
    cdef public long long watermark_ns
    cdef public str file
    cdef public unsigned long long first_number
    cdef public tuple interfaces
    cdef public object numbers
    cdef public tuple files
    cdef public object file_of
    cdef public Py_ssize_t outside_window
    cdef public Py_ssize_t filtered
    cpdef void attach(self, object data)
    @cython.locals(
        i=Py_ssize_t, time_ns=cython.longlong, earliest=cython.longlong, latest=cython.longlong,
    )
    cpdef tuple span_ns(self)
