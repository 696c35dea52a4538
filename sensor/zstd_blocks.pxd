cimport cython

from sensor.loads cimport octets_of

cdef extern from *:
    """
    typedef struct { const void *start; size_t size; size_t at; } sensor_octets;
    typedef size_t (*sensor_stream)(void *, sensor_octets *, sensor_octets *);
    static inline size_t sensor_zstd(
        size_t function, size_t context, const void *room, size_t room_bytes, Py_ssize_t *given,
        const void *data, size_t size, Py_ssize_t *taken)
    {
        sensor_octets out = {room, room_bytes, (size_t)*given}, in = {data, size, 0};
        size_t result = ((sensor_stream)function)((void *)context, &out, &in);
        *given = (Py_ssize_t)out.at;
        *taken += (Py_ssize_t)in.at;
        return result > (size_t)-(1 << 16) ? result : 0;
    }
    """
    size_t sensor_zstd(
        size_t function, size_t context, const void *room, size_t room_bytes, Py_ssize_t *given,
        const void *data, size_t size, Py_ssize_t *taken) noexcept nogil

cdef unsigned int HEADER_BYTES
cdef unsigned int BLOCK_MAX
cdef unsigned int ZSTD_RUN
cdef unsigned int RESERVED

@cython.final
cdef class BlockDecompressor:
    cdef readonly object context
    cdef size_t function
    cdef size_t address
    cdef unsigned char[::1] room
    cdef Py_ssize_t room_bytes
    cdef readonly Py_ssize_t given
    cdef readonly Py_ssize_t taken
    cdef readonly Py_ssize_t through
    cdef readonly size_t failed

    @cython.locals(was_full=bint)
    cpdef void start(self, unsigned char[::1] room)
    @cython.locals(size=Py_ssize_t, octets="const unsigned char *")
    cpdef void feed(self, const unsigned char[::1] data)
    @cython.locals(size=Py_ssize_t, octets="const unsigned char *")
    cpdef void run(self, const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t through)

cdef inline unsigned int le24(const unsigned char *octets, Py_ssize_t at) noexcept nogil:
    return octets[at] | octets[at + 1] << 8 | octets[at + 2] << 16

cdef inline void call(
    BlockDecompressor decompressor, const unsigned char *octets, Py_ssize_t at, Py_ssize_t end
) noexcept nogil:
    decompressor.taken = at
    decompressor.failed = sensor_zstd(
        decompressor.function, decompressor.address, &decompressor.room[0],
        decompressor.room_bytes, &decompressor.given, octets + at, end - at, &decompressor.taken)

@cython.locals(at=Py_ssize_t, behind=Py_ssize_t, header="unsigned int", kind="unsigned int")
cdef void _run(
    BlockDecompressor decompressor, const unsigned char *octets, Py_ssize_t end) noexcept nogil
