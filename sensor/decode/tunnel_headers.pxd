cimport cython
from sensor.decode.llc cimport is_likely_frame
from sensor.memory.loads cimport be16, be32, u8
from sensor.memory.records cimport Tunnel

cdef unsigned short SOUND, HEADER_NOT_CAPTURED, GRE_TRUNCATED, ERSPAN_TRUNCATED
cdef unsigned char NO_CONTENT, CONTENT_ETHERNET, CONTENT_IPV4, CONTENT_IPV6, CONTENT_MPLS
cdef unsigned char CONTENT_PPP, ERSPAN, NVGRE, PPTP
cdef unsigned int ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS, ETHERTYPE_MPLS_UPSTREAM
cdef unsigned int ETHERTYPE_BRIDGING, ETHERTYPE_PPP, ETHERTYPE_ERSPAN, ETHERTYPE_ERSPAN_3, PPP_IPV4
cdef unsigned int PPP_IPV6, GRE_CHECKSUM, GRE_ROUTING, GRE_KEY, GRE_SEQUENCE, GRE_ACKNOWLEDGED
cdef unsigned int GRE_VERSION, NVGRE_KEY_MIN, VXLAN_VNI, ERSPAN_IP, VXLAN_FLAGS, VXLAN_GROUP
cdef unsigned int ERSPAN_TRUNCATED_BIT, GENEVE_CONTROL, GPE_VERSION, GPE_PROTOCOL, GPE_OAM, GPE_IPV4
cdef unsigned int GPE_IPV6, GPE_ETHERNET, GPE_MPLS
cdef int GTP_EXTENSIONS_MAX
cdef unsigned int GTP_PDU

cdef unsigned int content_of(unsigned int ethertype) noexcept nogil

@cython.locals(version=cython.uint)
cdef unsigned int ip_content(const unsigned char *octets, Py_ssize_t at) noexcept nogil

cdef unsigned int erspan_content(const unsigned char *octets, Py_ssize_t at) noexcept nogil

cdef unsigned int missing(Py_ssize_t left, Py_ssize_t need, unsigned int code) noexcept nogil

@cython.locals(word=cython.uint, ethertype=cython.uint, mirrored=cython.bint, content=cython.uint,
               key=Py_ssize_t, header=Py_ssize_t, has_header=cython.bint)
cdef unsigned int read_gre(
    const unsigned char *octets, Tunnel *tunnel,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(header=Py_ssize_t, protocol=cython.uint)
cdef unsigned int read_pptp(
    const unsigned char *octets, Tunnel *tunnel, unsigned int word,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(header=Py_ssize_t, version=cython.uint, content=cython.uint)
cdef unsigned int read_erspan(
    const unsigned char *octets, Tunnel *tunnel, bint has_header,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(word=cython.uint, plain=cython.bint)
cdef unsigned int read_vxlan(
    const unsigned char *octets, Tunnel *tunnel, Py_ssize_t at, Py_ssize_t end) noexcept nogil

@cython.locals(protocol=cython.uint)
cdef unsigned int read_vxlan_gpe(
    const unsigned char *octets, Tunnel *tunnel, Py_ssize_t at, Py_ssize_t end) noexcept nogil

@cython.locals(header=Py_ssize_t, content=cython.uint)
cdef unsigned int read_geneve(
    const unsigned char *octets, Tunnel *tunnel, Py_ssize_t at, Py_ssize_t end) noexcept nogil

@cython.locals(inner=Py_ssize_t, following=cython.uint, headers=cython.int)
cdef unsigned int read_gtp(
    const unsigned char *octets, Tunnel *tunnel, Py_ssize_t at, Py_ssize_t end) noexcept nogil

cdef unsigned int read_teredo(
    const unsigned char *octets, Tunnel *tunnel, Py_ssize_t at, Py_ssize_t end) noexcept nogil
