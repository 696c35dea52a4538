cimport cython

from sensor.memory.loads cimport octets_of

cdef unsigned char WORD, NUMBER, EXPONENT, ESCAPE, NEWLINE, DIGIT, OPEN, CLOSE, BLANK, SIGN

@cython.final
cdef class Scanner:
    cdef readonly bint takes_all
    cdef unsigned char[::1] _pairs
    cdef int[::1] _first
    cdef int[::1] _next
    cdef int[::1] _starts
    cdef unsigned char[::1] _text
    cdef unsigned char[::1] _fold
    cdef unsigned char[::1] _classes
    cdef unsigned char[::1] _hex
    cdef unsigned char[::1] _safe
    cdef unsigned char[::1] _heads
    cdef unsigned char[::1] _kinds
    cdef readonly Py_ssize_t lines
    cdef readonly Py_ssize_t at

    cpdef Py_ssize_t scan(self, object data, Py_ssize_t start, Py_ssize_t end, object found)

    @cython.locals(count=Py_ssize_t, lines=Py_ssize_t, at=Py_ssize_t, stop=Py_ssize_t,
                   first=Py_ssize_t, last=Py_ssize_t, room=Py_ssize_t, kind=cython.uint, matters=bint)
    cdef Py_ssize_t _scan(self, const unsigned char *octets, const unsigned char *pairs,
                          Py_ssize_t end, long long[::1] found)

    @cython.locals(at=Py_ssize_t, head=Py_ssize_t, length=Py_ssize_t)
    cdef bint _is_special(self, const unsigned char *octets, Py_ssize_t start) noexcept nogil

    @cython.locals(link=int, index=int)
    cdef bint _holds(self, const unsigned char *octets, Py_ssize_t at, Py_ssize_t start,
                     unsigned int kind) noexcept nogil

    @cython.locals(first=Py_ssize_t, length=Py_ssize_t, place=Py_ssize_t)
    cdef bint _is_text(self, const unsigned char *octets, Py_ssize_t at, int index) noexcept nogil

    @cython.locals(left=Py_ssize_t, after=Py_ssize_t, zeros=Py_ssize_t)
    cdef bint _is_number(self, const unsigned char *octets, Py_ssize_t at, int index,
                         Py_ssize_t start) noexcept nogil

    @cython.locals(left=Py_ssize_t, right=Py_ssize_t)
    cdef bint _is_exponent(self, const unsigned char *octets, Py_ssize_t at,
                           Py_ssize_t start) noexcept nogil

    @cython.locals(opens=cython.uint, closes=cython.uint)
    cdef bint _is_bordered(self, const unsigned char *octets, Py_ssize_t left, Py_ssize_t right,
                           Py_ssize_t start) noexcept nogil

    @cython.locals(high=cython.uint, low=cython.uint)
    cdef bint _is_plain_escape(self, const unsigned char *octets, Py_ssize_t at) noexcept nogil
