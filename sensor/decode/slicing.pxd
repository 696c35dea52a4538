cimport cython
from sensor.memory.records cimport Packet, Tunnel

cdef unsigned int CUT, SOUND, AUTO, NEVER, PLACES, FRAME_MIN, CUTS_MIN, CUTS_SHORT_MIN, CUTS_MANY
cdef unsigned long long MASK64, PRIME

@cython.final
cdef class Slicing:
    cdef unsigned int mode
    cdef unsigned int[::1] longest, length, cuts, others
    cdef unsigned char[::1] known
    cdef bint deciding
    cdef Py_ssize_t believed, believed_at
    cdef void begin(self)

@cython.locals(mixed="unsigned long long")
cdef Py_ssize_t place_of(Tunnel *tunnel) noexcept nogil

cdef void notice(Slicing slicing, Py_ssize_t place, unsigned int length) noexcept nogil

@cython.locals(believed=cython.bint)
cdef unsigned int settle(
    Slicing slicing, Packet *packet, Py_ssize_t index, Py_ssize_t place, unsigned int length,
    unsigned int code, bint told) noexcept nogil

cdef void _note_cut(Slicing slicing, Py_ssize_t place, unsigned int length) noexcept nogil

@cython.locals(cuts=cython.uint)
cdef bint _is_believed(Slicing slicing, Py_ssize_t place, unsigned int length) noexcept nogil
