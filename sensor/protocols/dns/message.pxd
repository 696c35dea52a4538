cimport cython
from sensor.protocols.dns.names cimport name_at, skip_name

cdef int OPCODE_MAX, OPT, POINTER_TO_START, RESERVED
cdef Py_ssize_t RECORDS_MAX

cdef unsigned int be16(bytes octets, Py_ssize_t at) except? 0xFFFF
cdef unsigned int be32(bytes octets, Py_ssize_t at) except? 0xFFFFFFFF
cpdef read_message(bytes octets)
@cython.locals(at=Py_ssize_t, after=Py_ssize_t, number=Py_ssize_t)
cdef tuple _questions(bytes octets, Py_ssize_t count, dict known)
@cython.locals(
    number=Py_ssize_t, start=Py_ssize_t, target=int, end=Py_ssize_t, kind=int, class_=int,
    ttl="unsigned int", found=list)
cdef Py_ssize_t _answers(bytes octets, Py_ssize_t at, Py_ssize_t count, list found, dict known) except -1
@cython.locals(number=Py_ssize_t, kind=int, ttl="unsigned int")
cdef _options(bytes octets, Py_ssize_t at, Py_ssize_t authorities, Py_ssize_t records)
