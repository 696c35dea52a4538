cimport cython
from sensor.decode.llc cimport is_likely_frame
from sensor.memory.loads cimport be16, be32, u8
from sensor.memory.records cimport Tunnel

cdef unsigned short SOUND
cdef unsigned short HEADER_NOT_CAPTURED
cdef unsigned short GRE_TRUNCATED
cdef unsigned short ERSPAN_TRUNCATED
cdef unsigned char NO_CONTENT
cdef unsigned char CONTENT_ETHERNET
cdef unsigned char CONTENT_IPV4
cdef unsigned char CONTENT_IPV6
cdef unsigned char CONTENT_MPLS
cdef unsigned char CONTENT_PPP
cdef unsigned char ERSPAN, NVGRE, PPTP
cdef unsigned int ETHERTYPE_IPV4
cdef unsigned int ETHERTYPE_IPV6
cdef unsigned int ETHERTYPE_MPLS
cdef unsigned int ETHERTYPE_MPLS_UPSTREAM
cdef unsigned int ETHERTYPE_BRIDGING
cdef unsigned int ETHERTYPE_PPP
cdef unsigned int ETHERTYPE_ERSPAN
cdef unsigned int ETHERTYPE_ERSPAN_3
cdef unsigned int PPP_IPV4
cdef unsigned int PPP_IPV6
cdef unsigned int GRE_CHECKSUM
cdef unsigned int GRE_ROUTING
cdef unsigned int GRE_KEY
cdef unsigned int GRE_SEQUENCE
cdef unsigned int GRE_ACKNOWLEDGED
cdef unsigned int GRE_VERSION
cdef unsigned int NVGRE_KEY_MIN
cdef unsigned int VXLAN_VNI, ERSPAN_IP
cdef unsigned int VXLAN_FLAGS
cdef unsigned int VXLAN_GROUP
cdef unsigned int ERSPAN_TRUNCATED_BIT
cdef unsigned int GENEVE_CONTROL
cdef unsigned int GPE_VERSION, GPE_PROTOCOL, GPE_OAM, GPE_IPV4, GPE_IPV6, GPE_ETHERNET, GPE_MPLS
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
