cimport cython
from sensor.decode.ipv4 cimport decode_ipv4
from sensor.decode.ipv6 cimport decode_ipv6
from sensor.frames cimport FrameBatch
from sensor.loads cimport be16, be32, be64, le32, u8
from sensor.packets cimport PacketBatch
from sensor.records cimport Frame, Packet, frame_at, packet_at

cdef unsigned short NO_VLAN
cdef unsigned char NO_WINDOW_SCALE
cdef unsigned char KIND_ANOMALY
cdef unsigned char KIND_NON_IP
cdef unsigned short SOUND
cdef unsigned short HEADER_NOT_CAPTURED
cdef unsigned short UNKNOWN_LINK_TYPE
cdef unsigned short LINK_TRUNCATED
cdef unsigned short VLAN_TRUNCATED
cdef unsigned short VLAN_STACK_TOO_DEEP
cdef unsigned short ETHERNET_BAD_LENGTH
cdef unsigned short LLC_TRUNCATED
cdef unsigned short IP_BAD_VERSION
cdef unsigned short IPV4_HEADER_TRUNCATED
cdef unsigned short LINK_NULL
cdef unsigned short LINK_ETHERNET
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

@cython.locals(i=Py_ssize_t, count=Py_ssize_t, code=cython.uint, wire_bytes=cython.ulonglong, fragments=cython.uint,
               anomalous=cython.bint)
cpdef object decode(FrameBatch frames, PacketBatch packets)

@cython.locals(at=Py_ssize_t, end=Py_ssize_t, wire_end=Py_ssize_t)
cdef unsigned int decode_frame(
    const unsigned char *octets, Frame *frame, Packet *packet) noexcept nogil

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

cdef unsigned int decode_llc(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

cdef unsigned int non_ip(Packet *packet) noexcept nogil

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
