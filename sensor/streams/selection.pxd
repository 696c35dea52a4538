cimport cython
from sensor.memory.buffers cimport put_octets
from sensor.memory.records cimport Packet, packet_at
from sensor.model.frames cimport FrameBatch
from sensor.model.packets cimport PacketBatch

cdef int KIND_FLOW, OF_TCP, OF_UDP, PROTOCOL_TCP, PROTOCOL_UDP
cdef Py_ssize_t WATCHED_MAX

cdef class Selection:
    cdef const unsigned char[::1] hints
    cdef const unsigned char[::1] wanted
    cdef unsigned long long[::1] watched
    cdef bint watching
    cpdef watch_as(self, Selection other)
    @cython.locals(size=Py_ssize_t)
    cpdef void select(self, FrameBatch frames, PacketBatch packets)

@cython.locals(packet="Packet *", i=Py_ssize_t, size=Py_ssize_t)
cdef Py_ssize_t mark(Selection selection, PacketBatch packets) noexcept nogil
@cython.locals(packet="Packet *", hints=int, place=Py_ssize_t)
cdef bint is_chosen(Selection selection, PacketBatch packets, Py_ssize_t index) noexcept nogil
@cython.locals(packet="Packet *", i=Py_ssize_t, at=Py_ssize_t)
cdef void keep(FrameBatch frames, PacketBatch packets) noexcept nogil
