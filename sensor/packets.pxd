from sensor.frames cimport FrameBatch
from sensor.records cimport Packet, packets_of

cdef class PacketBatch:
    cdef Packet[::1] view
    cdef Packet *rows
    cdef public object records
    cdef public unsigned long long wire_bytes
    cdef public bint anomalous
    cdef public unsigned int fragments
    cdef public unsigned long long fragments_evicted
    cdef public bint prepared
    cdef readonly Py_ssize_t capacity
    cdef public Py_ssize_t count
    cdef public long long watermark_ns
    cdef public str file
    cdef public unsigned long long first_number
    cdef public tuple interfaces
    cdef void hold(self, PacketBatch packets, Py_ssize_t index) noexcept nogil
    cpdef void adopt(self, FrameBatch frames)
