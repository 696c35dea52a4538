cimport cython

cdef long long TICK_ROUND
cdef int TICK_BITS
cdef long long WHEEL_TICKS, WHEEL_MASK
cdef long long NONE_DUE

@cython.final
cdef class Timers:
    cdef unsigned int[::1] heads
    cdef unsigned int[::1] tails
    cdef unsigned int[::1] next
    cdef unsigned int[::1] previous
    cdef long long[::1] ticks
    cdef long long tick
    cdef Py_ssize_t count

cdef void timers_start(Timers timers, long long now_ns) noexcept nogil
cdef long long timers_now(Timers timers) noexcept nogil
cdef long long timers_reached(Timers timers, long long now_ns) noexcept nogil
@cython.locals(tick="long long", bucket=Py_ssize_t, tail=Py_ssize_t)
cdef void timers_schedule(Timers timers, Py_ssize_t slot, long long deadline_ns) noexcept nogil
cdef void timers_sooner(Timers timers, Py_ssize_t slot, long long deadline_ns) noexcept nogil
@cython.locals(tick="long long", bucket=Py_ssize_t, before=Py_ssize_t, after=Py_ssize_t)
cdef void timers_cancel(Timers timers, Py_ssize_t slot) noexcept nogil
@cython.locals(target="long long", head=Py_ssize_t)
cdef long long timers_pop(Timers timers, long long now_ns) noexcept nogil
