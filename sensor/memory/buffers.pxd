# Unchecked copies and a 64-bit load: reserve the room first (see memory/buffers.py, the interpreted twin).
from libc.string cimport memcpy

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    static inline uint64_t sensor_load64(const unsigned char *p)
    { uint64_t v; memcpy(&v, p, 8); return v; }
    """
    unsigned long long sensor_load64(const unsigned char *) noexcept nogil

cdef inline unsigned long long load64(const unsigned char *octets, Py_ssize_t at) noexcept nogil:
    return sensor_load64(octets + at)

cdef inline void put_octets(
    unsigned char *out, Py_ssize_t at, const unsigned char *source, Py_ssize_t start,
    Py_ssize_t count
) noexcept nogil:
    memcpy(out + at, source + start, count)

cdef inline void put_padded(
    unsigned char *out, Py_ssize_t at, const unsigned char *source, Py_ssize_t start,
    Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t done = 0
    while done < count:
        memcpy(out + at + done, source + start + done, 16)
        done += 16

cdef inline unsigned char *room_of(unsigned char[::1] out) noexcept nogil:
    return &out[0]

cdef inline const int *ints_of(const int[::1] view) noexcept nogil:
    return &view[0]
