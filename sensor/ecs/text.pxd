cimport cython
from sensor.memory.buffers cimport put_octets, room_of

cdef const unsigned char *PAIRS
cdef const unsigned char *HEX_LOWER
cdef const unsigned char *HEX_UPPER
cdef const unsigned char *V4_MAPPED
cdef Py_ssize_t V4_MAPPED_BYTES

@cython.locals(digits="int", bound="unsigned long long", end=Py_ssize_t, last=Py_ssize_t,
               rest="unsigned long long", pair="unsigned int")
cdef Py_ssize_t put_number(unsigned char *out, Py_ssize_t at, unsigned long long value) noexcept nogil

cdef Py_ssize_t put_pair(unsigned char *out, Py_ssize_t at, unsigned int value) noexcept nogil

@cython.locals(moment="unsigned long long", seconds="unsigned long long", fraction="unsigned int",
               days="unsigned long long", year="unsigned int", day="unsigned int", leap="unsigned int",
               month="unsigned int", century="unsigned int", minutes="unsigned int",
               hours="unsigned int")
cdef Py_ssize_t put_time(unsigned char *out, Py_ssize_t at, long long time_ns) noexcept nogil

@cython.locals(past="unsigned int")
cdef unsigned int first_day(unsigned int year) noexcept nogil

@cython.locals(hundreds="unsigned int")
cdef Py_ssize_t put_octet(unsigned char *out, Py_ssize_t at, unsigned int value) noexcept nogil

cdef Py_ssize_t put_address(
    unsigned char *out, Py_ssize_t at, unsigned long long hi, unsigned long long lo) noexcept nogil

cdef Py_ssize_t put_ip(
    unsigned char *out, Py_ssize_t at, unsigned long long hi, unsigned long long lo,
    unsigned int version) noexcept nogil

cdef unsigned int group_of(
    unsigned long long hi, unsigned long long lo, int index) noexcept nogil

@cython.locals(best="int", best_length="int", run="int", index="int")
cdef Py_ssize_t put_groups(
    unsigned char *out, Py_ssize_t at, unsigned long long hi, unsigned long long lo) noexcept nogil

cdef Py_ssize_t put_group(unsigned char *out, Py_ssize_t at, unsigned int group) noexcept nogil

@cython.locals(index="int", value="unsigned int")
cdef Py_ssize_t put_mac(
    unsigned char *out, Py_ssize_t at, const unsigned char *octets, Py_ssize_t start) noexcept nogil

@cython.locals(index="int")
cdef Py_ssize_t put_hex(unsigned char *out, Py_ssize_t at, unsigned long long value) noexcept nogil
