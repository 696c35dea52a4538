cimport cython
from sensor.decode.llc cimport decode_llc, non_ip
from sensor.memory.loads cimport be64, le16, le32, u8
from sensor.memory.records cimport Packet

cdef unsigned short HEADER_NOT_CAPTURED, LINK_TRUNCATED, RADIOTAP_BAD_LENGTH
cdef unsigned int TYPE, TYPE_DATA, NO_DATA, QOS, TO_DS, FROM_DS, MORE_FRAGMENTS, PROTECTED, ORDER
cdef unsigned int AGGREGATE, PRESENT_TSFT, PRESENT_FLAGS, PRESENT_MORE, HAS_CHECKSUM, PADDED
cdef unsigned long long MASK48

@cython.locals(length=Py_ssize_t, flags=cython.uint)
cdef unsigned int decode_radiotap(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end) noexcept nogil

@cython.locals(present=cython.uint, place=Py_ssize_t, more=cython.uint)
cdef unsigned int radiotap_flags(
    const unsigned char *octets, Py_ssize_t at, Py_ssize_t length) noexcept nogil

@cython.locals(control=cython.uint, fourth=cython.bint, header=Py_ssize_t)
cdef unsigned int decode_wireless(
    const unsigned char *octets, Packet *packet,
    Py_ssize_t at, Py_ssize_t end, Py_ssize_t wire_end, bint padded) noexcept nogil
