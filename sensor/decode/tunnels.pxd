cimport cython
from sensor.decode.tunnel_headers cimport (
    read_geneve, read_gre, read_gtp, read_teredo, read_vxlan, read_vxlan_gpe)
from sensor.decode.tunnel_layer2 cimport (
    read_capwap, read_etherip, read_l2tp, read_l2tp_3, read_tzsp)
from sensor.decode.ieee80211 cimport decode_wireless
from sensor.decode.ipv4 cimport decode_ipv4
from sensor.decode.ipv6 cimport decode_ipv6
from sensor.decode.ethernet cimport add_vlan, clear_headers, decode_ethernet
from sensor.decode.link_types cimport decode_frame
from sensor.decode.mpls cimport decode_mpls
from sensor.decode.ppp cimport decode_ppp
from sensor.decode.slicing cimport Slicing, notice, place_of, settle
from sensor.decode.vlan cimport tenant_of
from sensor.model.frames cimport FrameBatch
from sensor.model.packets cimport PacketBatch
from sensor.memory.records cimport Frame, Packet, Tunnel, frame_at, packet_at, tunnel_at

cdef unsigned short NO_VLAN
cdef int TUNNELS_MAX
cdef unsigned char KIND_FLOW, KIND_PSEUDOWIRE
cdef unsigned short SOUND, TUNNEL_TOO_DEEP
cdef unsigned int PROTOCOL_UDP, PROTOCOL_IPV4, PROTOCOL_IPV6, PROTOCOL_GRE, PROTOCOL_ETHERIP
cdef unsigned int PROTOCOL_L2TP, PROTOCOL_MPLS
cdef unsigned char NO_TUNNEL, GRE, NVGRE, VXLAN, GENEVE, GTP_U, IPIP, SIX_IN_FOUR, FOUR_IN_SIX
cdef unsigned char SIX_IN_SIX, TEREDO, PSEUDOWIRE, VXLAN_GPE, MPLS, ETHERIP, L2TP, L2TP_3, CAPWAP
cdef unsigned char TZSP, NO_CONTENT, CONTENT_ETHERNET, CONTENT_IPV4, CONTENT_IPV6, CONTENT_MPLS
cdef unsigned char CONTENT_WIRELESS
cdef unsigned int NOT_INSIDE, CUT, PLACES
cdef Py_ssize_t PACKET_MAX

@cython.final
cdef class TunnelPorts:
    cdef unsigned char[::1] types
    cdef unsigned long long hint, from_hint
    cdef Slicing slicing

@cython.locals(code=cython.uint, depth=cython.int)
cdef unsigned int open_tunnels(
    TunnelPorts ports, FrameBatch frames, PacketBatch packets, Py_ssize_t index) noexcept nogil

@cython.locals(kind=cython.uint, guessed=cython.bint, is_part=cython.bint, tunnel="Tunnel *",
               packet="Packet *", frame="Frame *", octets="const unsigned char *",
               code=cython.uint, depth=cython.int, place=Py_ssize_t, length=Py_ssize_t,
               end=Py_ssize_t)
cdef unsigned int descend(
    TunnelPorts ports, FrameBatch frames, PacketBatch packets, Py_ssize_t index,
    int deepest) noexcept nogil

cdef unsigned int settle_inside(
    Slicing slicing, Packet *packet, Py_ssize_t index, Py_ssize_t place, Py_ssize_t length,
    unsigned int code, Tunnel *tunnel) noexcept nogil

@cython.locals(kind=cython.uint)
cdef unsigned int tunnel_type(TunnelPorts ports, Packet *packet) noexcept nogil

@cython.locals(at=Py_ssize_t, end=Py_ssize_t, wire_end=Py_ssize_t)
cdef unsigned int read_header(
    const unsigned char *octets, Packet *packet, Tunnel *tunnel, unsigned int kind) noexcept nogil

cdef void read_rare_header(
    const unsigned char *octets, Tunnel *tunnel, unsigned int kind,
    Py_ssize_t at, Py_ssize_t end) noexcept nogil

@cython.locals(at=Py_ssize_t, end=Py_ssize_t, wire_end=Py_ssize_t)
cdef unsigned int enter(
    const unsigned char *octets, Packet *packet, Tunnel *tunnel) noexcept nogil
