cimport cython
from sensor.decode.fragments cimport Fragments
from sensor.decode.ethernet cimport decode_ethernet_frame
from sensor.decode.link_types cimport decode_frame
from sensor.decode.payload_hash cimport payload_hash
from sensor.decode.slicing cimport Slicing, notice, settle
from sensor.decode.tunnels cimport TunnelPorts, open_tunnels
from sensor.model.frames cimport FrameBatch
from sensor.model.packets cimport PacketBatch
from sensor.memory.records cimport Frame, Packet, frame_at, packet_at

cdef unsigned char KIND_ANOMALY, KIND_FLOW
cdef unsigned short SOUND, NO_VLAN
cdef unsigned short LINK_ETHERNET
cdef unsigned int PROTOCOL_TCP
cdef unsigned int CUT, PLACES

@cython.final
cdef class Decoder:
    cdef TunnelPorts ports
    cdef Slicing slicing
    cdef Fragments fragments
    cdef unsigned long long seed
    cdef bint hashing, key_tenant

    @cython.locals(i=Py_ssize_t, count=Py_ssize_t, frame="Frame *", wire_bytes=cython.ulonglong,
                   fragments=cython.uint, anomalies=cython.uint)
    cpdef object decode(self, FrameBatch frames, PacketBatch packets)

    @cython.locals(i=Py_ssize_t, fragments=cython.uint)
    cdef unsigned int decide(self, FrameBatch frames, PacketBatch packets) noexcept nogil

@cython.locals(code=cython.uint, packet="Packet *", frame="Frame *", length=cython.uint,
               place=Py_ssize_t)
cdef unsigned int decode_at(
    Decoder decoder, FrameBatch frames, PacketBatch packets, Py_ssize_t index) noexcept nogil
