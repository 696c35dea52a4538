from sensor.frames cimport FrameBatch
from sensor.records cimport Packet, Tunnel, packets_of, tunnels_of

cdef class PacketBatch:
    cdef Packet[::1] view
    cdef Packet *rows
    cdef public object records
    cdef Tunnel[::1] tunnel_view
    cdef Tunnel *tunnel_rows
    cdef public object tunnel_records
    cdef public unsigned long long wire_bytes
    cdef public bint prepared
    cdef readonly Py_ssize_t capacity
    cdef public Py_ssize_t count
    cdef public long long watermark_ns
    cdef public str file
    cdef public unsigned long long first_number
    cdef public tuple interfaces
    cpdef void adopt(self, FrameBatch frames)
