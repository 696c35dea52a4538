cimport cython
from sensor.model.packets cimport PacketBatch
from sensor.memory.records cimport Packet, Tunnel, packet_at, tunnel_at, tunnels_of

cdef int TUNNELS_MAX
cdef unsigned long long MASK64, PRIME_1, PRIME_2, PRIME_3

@cython.final
cdef class PathStore:
    cdef Tunnel[::1] view
    cdef Tunnel *rows
    cdef readonly object records
    cdef readonly object depths
    cdef unsigned char[::1] depth_view
    cdef unsigned int[::1] buckets
    cdef unsigned long long bucket_mask, seed
    cdef readonly Py_ssize_t places, first, count
    cdef readonly unsigned long long refused

@cython.locals(depth=int, step=int, start=Py_ssize_t, place=Py_ssize_t, hashed="unsigned long long", at="unsigned long long")
cdef unsigned int path_of(PathStore paths, PacketBatch packets, Py_ssize_t index) noexcept nogil
@cython.locals(mixed="unsigned long long")
cdef unsigned long long _mixed(unsigned long long hashed, Tunnel *tunnel) noexcept nogil
@cython.locals(step=int, known="Tunnel *", found="Tunnel *")
cdef bint _is_path(PathStore paths, Py_ssize_t place, PacketBatch packets, Py_ssize_t start, int depth) noexcept nogil
