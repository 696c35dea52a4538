cimport cython
from sensor.model.frames cimport FrameBatch
from sensor.memory.buffers cimport put_octets, room_of
from sensor.memory.records cimport Packet, Tunnel, packet_at, packets_of, tunnels_of

cdef Py_ssize_t TUNNELS_MAX

cdef class PacketBatch:
    cdef Packet[::1] view
    cdef Packet *rows
    cdef public object records
    cdef Tunnel[::1] tunnel_view
    cdef Tunnel *tunnel_rows
    cdef public object tunnel_records
    cdef public unsigned long long wire_bytes
    cdef public bint anomalous
    cdef public unsigned int fragments
    cdef public unsigned long long fragments_evicted
    cdef public unsigned long long sliced
    cdef public bint prepared
    cdef public bytearray kept
    cdef readonly Py_ssize_t kept_max
    cdef unsigned char *kept_room
    cpdef void keep_room(self, Py_ssize_t size)
    @cython.locals(packet="Packet *")
    cdef void _hold_payload(self, PacketBatch packets, Py_ssize_t index) noexcept nogil
    cdef readonly Py_ssize_t capacity
    cdef public Py_ssize_t count
    cdef public long long watermark_ns
    cdef public str file
    cdef public unsigned long long first_number
    cdef public tuple interfaces
    cdef public bint numbered
    cdef unsigned int[::1] numbers
    cdef unsigned short[::1] file_of
    cdef public object number_column
    cdef public object file_column
    cdef public tuple files
    cdef public Py_ssize_t outside_window
    cdef public Py_ssize_t filtered
    cdef public unsigned long long ordinal
    @cython.locals(depth=Py_ssize_t)
    cdef void hold(self, PacketBatch packets, Py_ssize_t index) noexcept nogil
    cpdef void adopt(self, FrameBatch frames)
