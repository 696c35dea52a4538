cimport cython
from sensor.decode.ipv4 cimport decode_ipv4
from sensor.decode.ipv6 cimport decode_ipv6
from sensor.decode.llc cimport is_likely_frame, non_ip
from sensor.memory.loads cimport be16, u8
from sensor.memory.records cimport Packet

cdef unsigned char KIND_PSEUDOWIRE
cdef unsigned short SOUND, HEADER_NOT_CAPTURED, MPLS_STACK_TOO_DEEP, MPLS_TRUNCATED
cdef int LABELS_MAX
cdef Py_ssize_t CONTROL_WORD, TRAILER_MAX

@cython.locals(first=cython.uint, beyond=Py_ssize_t)
cdef bint is_plain_frame(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(header=Py_ssize_t, total=cython.uint, place=Py_ssize_t)
cdef bint has_checksum(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t end) noexcept nogil

@cython.locals(labels=cython.int, bottom=cython.bint, first=cython.uint)
cdef unsigned int decode_mpls(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(header=Py_ssize_t)
cdef unsigned int decode_pseudowire(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil
