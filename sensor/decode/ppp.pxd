cimport cython
from sensor.decode.ipv4 cimport decode_ipv4
from sensor.decode.ipv6 cimport decode_ipv6
from sensor.decode.llc cimport non_ip
from sensor.decode.mpls cimport decode_mpls
from sensor.memory.loads cimport be16, u8
from sensor.memory.records cimport Packet

cdef unsigned short HEADER_NOT_CAPTURED, LINK_TRUNCATED, PPPOE_BAD_LENGTH, SOUND
cdef unsigned char KIND_NON_IP
cdef unsigned int CUT, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS, PPP_IPV4, PPP_IPV6, PPP_MPLS
cdef unsigned int PPPOE_VERSION

@cython.locals(protocol=cython.uint)
cdef unsigned int decode_ppp(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(ethertype=cython.uint)
cdef unsigned int decode_hdlc(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(length=Py_ssize_t, session_end=Py_ssize_t, code=cython.uint)
cdef unsigned int decode_pppoe(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil
