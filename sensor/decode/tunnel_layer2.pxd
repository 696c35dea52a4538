cimport cython
from sensor.decode.llc cimport is_likely_frame
from sensor.memory.loads cimport be16, be32, u8
from sensor.memory.records cimport Tunnel

cdef unsigned char CONTENT_ETHERNET, CONTENT_PPP, CONTENT_WIRELESS, L2TP_3
cdef unsigned int L2TP_CONTROL, L2TP_LENGTH, L2TP_SEQUENCE, L2TP_OFFSET, L2TP_VERSION, HDLC
cdef Py_ssize_t L2TP_FRONT_MAX
cdef unsigned int CAPWAP_PREAMBLE, CAPWAP_NATIVE, CAPWAP_FRAGMENT, CAPWAP_KEEP_ALIVE
cdef unsigned int CAPWAP_WIRELESS, ETHERIP_VERSION
cdef unsigned int TZSP_VERSION, TZSP_SENT_MAX, TZSP_ETHERNET, TZSP_WIRELESS, TZSP_PADDING, TZSP_END
cdef int TZSP_FIELDS_MAX

@cython.locals(word=cython.uint, inner=Py_ssize_t)
cdef void read_l2tp(
    const unsigned char *octets, Tunnel *tunnel, Py_ssize_t at, Py_ssize_t end) noexcept nogil

@cython.locals(front=Py_ssize_t)
cdef void read_l2tp_3(
    const unsigned char *octets, Tunnel *tunnel, Py_ssize_t at, Py_ssize_t end) noexcept nogil

@cython.locals(word=cython.uint, header=Py_ssize_t)
cdef void read_capwap(
    const unsigned char *octets, Tunnel *tunnel, Py_ssize_t at, Py_ssize_t end) noexcept nogil

cdef void read_etherip(
    const unsigned char *octets, Tunnel *tunnel, Py_ssize_t at, Py_ssize_t end) noexcept nogil

@cython.locals(kind=cython.uint, tag=cython.uint, _=cython.int)
cdef void read_tzsp(
    const unsigned char *octets, Tunnel *tunnel, Py_ssize_t at, Py_ssize_t end) noexcept nogil
