from sensor.memory.loads cimport u8

cdef unsigned int HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION_OPTIONS, MOBILITY, HIP
cdef unsigned int SHIM6
cdef int EXTENSIONS_MAX

cdef bint is_extension(unsigned int protocol) noexcept nogil

cdef Py_ssize_t extension_bytes(
    const unsigned char *octets, unsigned int protocol, Py_ssize_t at) noexcept nogil
