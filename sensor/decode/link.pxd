cimport cython
from sensor.decode.ipv4 cimport decode_ipv4
from sensor.decode.ipv6 cimport decode_ipv6
from sensor.decode.llc cimport decode_llc, non_ip
from sensor.decode.mpls cimport decode_mpls
from sensor.decode.ppp cimport decode_hdlc, decode_pppoe
from sensor.decode.wireless cimport decode_radiotap, decode_wireless
from sensor.loads cimport be16, be32, be64, le32, u8
from sensor.records cimport Frame, Packet

cdef unsigned short NO_VLAN
cdef unsigned char NO_WINDOW_SCALE
cdef unsigned short HEADER_NOT_CAPTURED
cdef unsigned short UNKNOWN_LINK_TYPE
cdef unsigned short LINK_TRUNCATED
cdef unsigned short VLAN_TRUNCATED
cdef unsigned short VLAN_STACK_TOO_DEEP
cdef unsigned short ETHERNET_BAD_LENGTH
cdef unsigned short IP_BAD_VERSION
cdef unsigned short IPV4_HEADER_TRUNCATED
cdef unsigned short LINK_NULL
cdef unsigned short LINK_ETHERNET
cdef unsigned short LINK_PPP
cdef unsigned short LINK_PPP_HDLC
cdef unsigned short LINK_PPPOE
cdef unsigned short LINK_CISCO_HDLC
cdef unsigned short LINK_WIRELESS
cdef unsigned short LINK_RADIOTAP
cdef unsigned short LINK_RAW
cdef unsigned short LINK_RAW_BSD
cdef unsigned short LINK_RAW_OPENBSD
cdef unsigned short LINK_LOOP
cdef unsigned short LINK_SLL
cdef unsigned short LINK_IPV4
cdef unsigned short LINK_IPV6
cdef unsigned short LINK_SLL2
cdef unsigned int ETHERTYPE_IPV4
cdef unsigned int ETHERTYPE_IPV6
cdef unsigned int ETHERTYPE_MPLS
cdef unsigned int ETHERTYPE_MPLS_UPSTREAM
cdef unsigned int ETHERTYPE_PPPOE
cdef unsigned int ETHERTYPE_VLAN
cdef unsigned int ETHERTYPE_SERVICE_VLAN
cdef unsigned int ETHERTYPE_OLD_VLAN
cdef unsigned int ETHERTYPE_MIN
cdef unsigned int LENGTH_MAX
cdef int VLAN_TAGS_MAX
cdef unsigned int ARPHRD_FRAD
cdef unsigned int ARPHRD_RADIOTAP
cdef unsigned int ARPHRD_NETLINK
cdef unsigned int SLL_LLC

@cython.locals(at=Py_ssize_t, end=Py_ssize_t, wire_end=Py_ssize_t)
cdef unsigned int decode_frame(
    const unsigned char *octets, Frame *frame, Packet *packet) noexcept nogil

cdef void clear_headers(Packet *packet) noexcept nogil

cdef unsigned int decode_ethernet(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(tags=cython.int)
cdef unsigned int decode_ethertype(
    const unsigned char *octets, Packet *packet, unsigned int ethertype,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

cdef unsigned int decode_length(
    const unsigned char *octets, Packet *packet, unsigned int length,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

cdef void add_vlan(Packet *packet, unsigned int vlan_id) noexcept nogil

cdef unsigned int decode_other_link(
    const unsigned char *octets, Packet *packet, unsigned int link,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(family=cython.uint)
cdef unsigned int decode_loopback(
    const unsigned char *octets, Packet *packet, unsigned int link,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(version=cython.uint)
cdef unsigned int decode_raw(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(header=Py_ssize_t, hardware=cython.uint, ethertype=cython.uint)
cdef unsigned int decode_cooked(
    const unsigned char *octets, Packet *packet, unsigned int link,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil
