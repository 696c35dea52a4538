cimport cython
from sensor.decode.ipv6_extensions cimport (
    AUTHENTICATION, EXTENSIONS_MAX, FRAGMENT, HOP_BY_HOP, extension_bytes, is_extension)
from sensor.decode.transport cimport decode_transport
from sensor.memory.loads cimport be16, be32, be64, u8
from sensor.memory.records cimport Packet

cdef unsigned char KIND_FRAGMENT, IS_FRAGMENT, MORE_FRAGMENTS
cdef unsigned short SOUND, AH_BAD_LENGTH, HEADER_NOT_CAPTURED, IP_BAD_VERSION, IP_FRAGMENT_TOO_LONG
cdef unsigned short IP_TINY_FRAGMENT, IPV6_HEADER_TRUNCATED, IPV6_TRUNCATED
cdef unsigned short IPV6_EXTENSION_TRUNCATED, IPV6_TOO_MANY_EXTENSIONS, IPV6_HOP_BY_HOP_MISPLACED
cdef unsigned short IPV6_FRAGMENT_BAD_LENGTH
cdef unsigned int CUT, NO_NEXT_HEADER
cdef Py_ssize_t PAYLOAD_MAX

@cython.locals(length=Py_ssize_t, protocol=cython.uint, code=cython.uint)
cdef unsigned int decode_ipv6(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(
    protocol=cython.uint, more=cython.bint, word=cython.uint, code=cython.uint, length=Py_ssize_t,
    headers=cython.int)
cdef unsigned int decode_extensions(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t ip_end) noexcept nogil

@cython.locals(word=cython.uint)
cdef void note_fragment(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t ip_end) noexcept nogil

cdef unsigned int bad_fragment(unsigned int word, Py_ssize_t length) noexcept nogil
