cimport cython
from sensor.decode.ipv4 cimport decode_ipv4
from sensor.decode.ipv6 cimport decode_ipv6
from sensor.decode.llc cimport decode_llc, non_ip
from sensor.decode.mpls cimport decode_mpls
from sensor.decode.ppp cimport decode_pppoe
from sensor.decode.vlan cimport is_shell, is_vlan, tag_header, tenant_of
from sensor.memory.loads cimport be16, be32, be64, u8
from sensor.memory.records cimport Frame, Packet

cdef unsigned short NO_VLAN
cdef unsigned char NO_WINDOW_SCALE
cdef unsigned short HEADER_NOT_CAPTURED, LINK_TRUNCATED, SOUND, VLAN_TRUNCATED, VLAN_STACK_TOO_DEEP
cdef unsigned short ETHERNET_BAD_LENGTH, IP_BAD_VERSION, IPV4_HEADER_TRUNCATED
cdef unsigned int ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS, ETHERTYPE_MPLS_UPSTREAM
cdef unsigned int ETHERTYPE_PPPOE, ETHERTYPE_MIN, LENGTH_MAX, CUT
cdef int TAGS_MAX
cdef unsigned int SERVICE_MASK, ETHERTYPE_SERVICE_TAG

@cython.locals(at=Py_ssize_t, end=Py_ssize_t)
cdef unsigned int decode_ethernet_frame(
    const unsigned char *octets, Frame *frame, Packet *packet) noexcept nogil

cdef void reset(Frame *frame, Packet *packet) noexcept nogil

cdef void clear_headers(Packet *packet) noexcept nogil

cdef unsigned int decode_ethernet(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(tags=cython.int, header=Py_ssize_t)
cdef unsigned int decode_ethertype(
    const unsigned char *octets, Packet *packet, unsigned int ethertype,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(code=cython.uint)
cdef unsigned int decode_length(
    const unsigned char *octets, Packet *packet, unsigned int length,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

cdef void add_vlan(Packet *packet, unsigned int vlan_id) noexcept nogil

cdef unsigned int truncated(unsigned int ethertype) noexcept nogil

cdef void enter_tag(
    const unsigned char *octets, Packet *packet, unsigned int ethertype,
    Py_ssize_t at, Py_ssize_t behind) noexcept nogil

@cython.locals(version=cython.uint)
cdef unsigned int decode_raw(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil
