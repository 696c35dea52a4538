cimport cython
from sensor.decode.transport cimport decode_authenticated, decode_transport
from sensor.memory.loads cimport be16, be32, u8
from sensor.memory.records cimport Packet

cdef unsigned long long V4_PREFIX
cdef unsigned char KIND_FRAGMENT, IS_FRAGMENT, MORE_FRAGMENTS
cdef unsigned short SOUND, HEADER_NOT_CAPTURED, IP_BAD_VERSION, IP_FRAGMENT_TOO_LONG
cdef unsigned short IPV4_HEADER_TRUNCATED, IPV4_BAD_HEADER_LENGTH, IPV4_BAD_LENGTH, IPV4_TRUNCATED
cdef unsigned int CUT, PROTOCOL_AH, FRAGMENT_BITS, FRAGMENT_OFFSET, MORE_BIT
cdef Py_ssize_t PACKET_MAX

@cython.locals(first=cython.uint, header=Py_ssize_t, length=Py_ssize_t, fragment=cython.uint,
               code=cython.uint)
cdef unsigned int decode_ipv4(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(start=Py_ssize_t)
cdef unsigned int decode_fragment(
    const unsigned char *octets, Packet *packet, unsigned int fragment,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t ip_end) noexcept nogil
