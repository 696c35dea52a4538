from sensor.memory.loads cimport u8

cdef unsigned int HOP_BY_HOP
cdef unsigned int ROUTING
cdef unsigned int FRAGMENT
cdef unsigned int AUTHENTICATION
cdef unsigned int DESTINATION_OPTIONS
cdef unsigned int MOBILITY
cdef unsigned int HIP
cdef unsigned int SHIM6
cdef int EXTENSIONS_MAX

cdef bint is_extension(unsigned int protocol) noexcept nogil

cdef Py_ssize_t extension_bytes(
    const unsigned char *octets, unsigned int protocol, Py_ssize_t at) noexcept nogil
