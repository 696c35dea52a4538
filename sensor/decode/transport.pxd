cimport cython
from sensor.decode.applications cimport application_of_tcp, application_of_udp
from sensor.decode.icmp cimport decode_icmp, decode_icmpv6
from sensor.memory.loads cimport be16, be32, u8
from sensor.memory.records cimport Packet

cdef unsigned char KIND_FLOW
cdef unsigned int PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMPV6, PROTOCOL_SCTP
cdef unsigned int PROTOCOL_DCCP, PROTOCOL_UDP_LITE
cdef unsigned short SOUND, AH_BAD_LENGTH, HEADER_NOT_CAPTURED, IP_TINY_FRAGMENT
cdef unsigned short TCP_HEADER_TRUNCATED, TCP_BAD_OFFSET, UDP_HEADER_TRUNCATED, UDP_BAD_LENGTH
cdef unsigned short UDP_LITE_HEADER_TRUNCATED, UDP_LITE_BAD_COVERAGE, SCTP_HEADER_TRUNCATED
cdef unsigned short DCCP_HEADER_TRUNCATED, DCCP_BAD_OFFSET, ICMP_HEADER_TRUNCATED
cdef unsigned short ICMPV6_HEADER_TRUNCATED
cdef unsigned int SYN
cdef unsigned char NO_WINDOW_SCALE
cdef unsigned int WINDOW_SCALE_MAX
cdef Py_ssize_t TCP_NEEDED, UDP_MAX
cdef unsigned int WINDOW_UNKNOWN

cdef unsigned int decode_transport(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t ip_end, bint first_fragment) noexcept nogil

@cython.locals(protocol=cython.uint)
cdef unsigned int decode_other(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t ip_end, bint first_fragment) noexcept nogil

cdef void set_payload(
    Packet *packet, Py_ssize_t at, Py_ssize_t end, Py_ssize_t ip_end) noexcept nogil

cdef unsigned int cut_short(
    Py_ssize_t left, Py_ssize_t need, unsigned int code, bint first_fragment) noexcept nogil

cdef unsigned int decode_ports(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t ip_end) noexcept nogil

cdef unsigned char TRANSPORT_CUT

@cython.locals(header=Py_ssize_t, flags=cython.uint)
cdef unsigned int decode_tcp(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t ip_end, bint first_fragment) noexcept nogil

@cython.locals(kind=cython.uint, length=Py_ssize_t, shift=cython.uint)
cdef unsigned int window_scale_of(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil

@cython.locals(length=Py_ssize_t)
cdef unsigned int decode_udp(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t ip_end, bint first_fragment) noexcept nogil

@cython.locals(coverage=Py_ssize_t)
cdef unsigned int decode_udp_lite(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t ip_end, bint first_fragment) noexcept nogil

cdef unsigned int decode_sctp(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t ip_end, bint first_fragment) noexcept nogil

@cython.locals(header=Py_ssize_t)
cdef unsigned int decode_dccp(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t ip_end, bint first_fragment) noexcept nogil

@cython.locals(length=Py_ssize_t)
cdef unsigned int decode_authenticated(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t ip_end, bint first_fragment) noexcept nogil
