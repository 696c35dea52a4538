cimport cython
from sensor.decode.ipv6_extensions cimport EXTENSIONS_MAX, FRAGMENT, extension_bytes, is_extension
from sensor.memory.loads cimport be16, be32, be64, u8
from sensor.memory.records cimport Packet

cdef unsigned char KIND_ICMP_ERROR
cdef unsigned long long V4_PREFIX
cdef unsigned short SOUND
cdef unsigned int PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMPV6, PROTOCOL_SCTP
cdef unsigned int PROTOCOL_DCCP, PROTOCOL_UDP_LITE, FRAGMENT_OFFSET, ONE_WAY

cdef unsigned int decode_icmp(
    const unsigned char *octets, Packet *packet, Py_ssize_t at, Py_ssize_t end) noexcept nogil

cdef unsigned int decode_icmpv6(
    const unsigned char *octets, Packet *packet, Py_ssize_t at, Py_ssize_t end) noexcept nogil

@cython.locals(kind=cython.uint, other=cython.uint)
cdef void set_message(
    const unsigned char *octets, Packet *packet, Py_ssize_t at, unsigned int other) noexcept nogil

cdef unsigned int counterpart(unsigned int kind) noexcept nogil

cdef unsigned int counterpart_v6(unsigned int kind) noexcept nogil

cdef bint has_identifier(unsigned int kind) noexcept nogil

@cython.locals(header=Py_ssize_t, fragment=cython.uint)
cdef void decode_quote(
    const unsigned char *octets, Packet *packet, Py_ssize_t at, Py_ssize_t end) noexcept nogil

@cython.locals(protocol=cython.uint, headers=cython.int, length=Py_ssize_t)
cdef void decode_quote_v6(
    const unsigned char *octets, Packet *packet, Py_ssize_t at, Py_ssize_t end) noexcept nogil

@cython.locals(protocol=cython.uint, kind=cython.uint, other=cython.uint)
cdef void decode_quoted_transport(
    const unsigned char *octets, Packet *packet, Py_ssize_t at, Py_ssize_t end) noexcept nogil
