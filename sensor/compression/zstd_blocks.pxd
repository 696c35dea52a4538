cimport cython

from sensor.memory.loads cimport octets_of

cdef extern from *:
    """
    typedef size_t (*sensor_zstd_next)(void *);
    typedef size_t (*sensor_zstd_on)(void *, void *, size_t, const void *, size_t);
    #define SENSOR_ZSTD_NEXT(function, context) ((sensor_zstd_next)(function))((void *)(context))
    #define SENSOR_ZSTD_ON(function, context, room, room_bytes, data, size) \
        ((sensor_zstd_on)(function))((void *)(context), room, room_bytes, data, size)
    #define SENSOR_ZSTD_ERRORS ((size_t)-(1 << 16))
    """
    size_t SENSOR_ZSTD_NEXT(size_t function, size_t context) noexcept nogil
    size_t SENSOR_ZSTD_ON(
        size_t function, size_t context, void *room, size_t room_bytes,
        const void *data, size_t size) noexcept nogil
    size_t SENSOR_ZSTD_ERRORS

cdef unsigned int ZSTD_BLOCK_ROOM

@cython.final
cdef class BlockDecompressor:
    cdef readonly object context
    cdef size_t address
    cdef size_t next_size
    cdef size_t go_on
    cdef unsigned char[::1] ring
    cdef readonly Py_ssize_t taken
    cdef readonly Py_ssize_t place
    cdef readonly size_t failed
    cdef readonly bint is_over

    cpdef void begin(self, unsigned char[::1] ring)
    @cython.locals(size=Py_ssize_t, octets="const unsigned char *")
    cpdef void run(
        self, const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t place, Py_ssize_t stop)

cdef inline Py_ssize_t next_size(BlockDecompressor decompressor) noexcept nogil:
    return SENSOR_ZSTD_NEXT(decompressor.next_size, decompressor.address)

cdef inline void go_on(
    BlockDecompressor decompressor, const unsigned char *octets, Py_ssize_t size, size_t room_bytes
) noexcept nogil:
    cdef size_t result = SENSOR_ZSTD_ON(
        decompressor.go_on, decompressor.address, &decompressor.ring[decompressor.place],
        room_bytes, octets + decompressor.taken, size)
    if result > SENSOR_ZSTD_ERRORS:
        decompressor.failed = result
    else:
        decompressor.taken += size
        decompressor.place += <Py_ssize_t>result

@cython.locals(size=Py_ssize_t)
cdef void _run(
    BlockDecompressor decompressor, const unsigned char *octets, Py_ssize_t end, Py_ssize_t stop
) noexcept nogil
