cimport cython
from sensor.decode.ipv4 cimport decode_ipv4
from sensor.decode.ipv6 cimport decode_ipv6
from sensor.decode.ethernet cimport (
    decode_ethernet, decode_ethernet_frame, decode_ethertype, decode_raw, reset)
from sensor.decode.llc cimport decode_llc, non_ip
from sensor.decode.mpls cimport decode_mpls
from sensor.decode.ppp cimport decode_hdlc, decode_ppp, decode_pppoe
from sensor.decode.ieee80211 cimport decode_radiotap, decode_wireless
from sensor.memory.loads cimport be16, be32, be64, le16, le32, u8
from sensor.memory.records cimport Frame, Packet

cdef unsigned short HEADER_NOT_CAPTURED, UNKNOWN_LINK_TYPE, LINK_TRUNCATED, LINK_NULL, LINK_ETHERNET
cdef unsigned short LINK_TOKEN_RING, LINK_SLIP, LINK_PPP, LINK_FDDI, LINK_RAW_BSD, LINK_RAW_OPENBSD
cdef unsigned short LINK_PPP_HDLC, LINK_PPPOE, LINK_ATM_LLC, LINK_RAW, LINK_CISCO_HDLC
cdef unsigned short LINK_WIRELESS, LINK_FRAME_RELAY, LINK_LOOP, LINK_ENC, LINK_SLL, LINK_PFLOG
cdef unsigned short LINK_PRISM, LINK_FIBRE_CHANNEL, LINK_RADIOTAP, LINK_FIREWIRE, LINK_AVS
cdef unsigned short LINK_PPPD, LINK_PPI, LINK_PPP_DIRECTED, LINK_MPLS, LINK_IPNET, LINK_IPV4
cdef unsigned short LINK_IPV6, LINK_NFLOG, LINK_NETANALYZER, LINK_SLL2, LINK_PKTAP, LINK_PKTAP_USER
cdef unsigned short LINK_JUNIPER_ETHERNET, LINK_ARCNET, LINK_IPOIB, LINK_MPACKET
cdef unsigned int PKTAP_MIN, PKTAP_PACKET, JUNIPER_MAGIC, JUNIPER_NO_LINK, JUNIPER_EXTENDED
cdef unsigned int PREAMBLE, ARCNET_OLD_IP, ARCNET_IP, ARCNET_IPV6
cdef unsigned short LINK_BROADCOM, LINK_BROADCOM_FRONT, LINK_MARVELL, LINK_MARVELL_LONG
cdef unsigned int ETHERTYPE_MIN, ARPHRD_FRAD, ARPHRD_RADIOTAP, ARPHRD_NETLINK, SLL_LLC, AVS_MAGIC
cdef unsigned int PRISM_BYTES, ATTRIBUTES_MAX, ATTRIBUTE_TYPE, ATTRIBUTE_PAYLOAD, UNNUMBERED
cdef unsigned int NLPID_IPV4, NLPID_IPV6, NLPID_PPP, NLPID_SNAP, BRIDGED, BRIDGED_WITH_FCS
cdef unsigned int BRIDGED_ETHERNET, ROUTED
cdef unsigned long long SOURCE_MASK

@cython.locals(at=Py_ssize_t, end=Py_ssize_t)
cdef unsigned int decode_frame(
    const unsigned char *octets, Frame *frame, Packet *packet) noexcept nogil

cdef unsigned int decode_other_link(
    const unsigned char *octets, Packet *packet, unsigned int link,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(family=cython.uint)
cdef unsigned int decode_loopback(
    const unsigned char *octets, Packet *packet, unsigned int link,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(header=Py_ssize_t, hardware=cython.uint, ethertype=cython.uint)
cdef unsigned int decode_cooked(
    const unsigned char *octets, Packet *packet, unsigned int link,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

cdef unsigned int decode_if_ip(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

cdef Py_ssize_t fixed_bytes(unsigned int link) noexcept nogil

@cython.locals(header=Py_ssize_t)
cdef unsigned int decode_fixed(
    const unsigned char *octets, Packet *packet, unsigned int link,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(header=Py_ssize_t, inner=cython.uint)
cdef unsigned int decode_told_length(
    const unsigned char *octets, Packet *packet, unsigned int link,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(length=Py_ssize_t, index=cython.uint)
cdef unsigned int decode_nflog(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(place=Py_ssize_t)
cdef unsigned int decode_frame_relay(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(header=Py_ssize_t, source=Py_ssize_t, route=Py_ssize_t, control=cython.uint)
cdef unsigned int decode_ring(
    const unsigned char *octets, Packet *packet, unsigned int link,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(header=Py_ssize_t)
cdef unsigned int decode_switch_port(
    const unsigned char *octets, Packet *packet, unsigned int link,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

cdef unsigned int decode_rare_link(
    const unsigned char *octets, Packet *packet, unsigned int link,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(protocol=cython.uint)
cdef unsigned int decode_nlpid(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(organisation=cython.uint, kind=cython.uint)
cdef unsigned int decode_relay_snap(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(header=Py_ssize_t, link=cython.uint)
cdef unsigned int decode_pktap(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(header=Py_ssize_t, word=cython.uint)
cdef unsigned int decode_juniper(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(protocol=cython.uint)
cdef unsigned int decode_arcnet(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

cdef unsigned int decode_mpacket(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

cdef unsigned int decode_ipoib(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

cdef unsigned int decode_odd_link(
    const unsigned char *octets, Packet *packet, unsigned int link,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil
