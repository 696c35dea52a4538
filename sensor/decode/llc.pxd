cimport cython
from sensor.decode.ipv4 cimport decode_ipv4
from sensor.decode.ipv6 cimport decode_ipv6
from sensor.memory.loads cimport be16, u8
from sensor.memory.records cimport Packet

cdef unsigned char KIND_NON_IP
cdef unsigned short SOUND, HEADER_NOT_CAPTURED, LLC_TRUNCATED
cdef unsigned int ETHERTYPE_IPV4, ETHERTYPE_ARP, ETHERTYPE_IPV6, ETHERTYPE_VLAN
cdef unsigned int ETHERTYPE_SERVICE_VLAN, ETHERTYPE_OLD_VLAN, ETHERTYPE_MPLS, ETHERTYPE_PPPOE
cdef unsigned int ETHERTYPE_VLAN_9200, ETHERTYPE_VLAN_9300

cdef bint is_common(unsigned int ethertype) noexcept nogil

@cython.locals(ethertype=cython.uint)
cdef bint is_likely_frame(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil

cdef unsigned int non_ip(Packet *packet) noexcept nogil

cdef unsigned int decode_llc(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil
