cimport cython
from sensor.decode.ipv6_extensions cimport is_extension
from sensor.decode.transport cimport decode_authenticated, decode_transport
from sensor.model.frames cimport FrameBatch
from sensor.memory.loads cimport u8
from sensor.model.packets cimport PacketBatch
from sensor.memory.records cimport Packet, FragmentedPacket, header_of, packet_at, fragmented_at, fragmented_of

cdef int FIN, FRAGMENT_COPY, FRAGMENT_TINY, KIND_ANOMALY, KIND_CONTINUED, KIND_FLOW, KIND_FRAGMENT
cdef int MORE_FRAGMENTS, PROTOCOL_AH, PROTOCOL_TCP, SYN
cdef unsigned int IP_OVERLAPPING_FRAGMENTS, IP_TINY_FRAGMENT, SOUND, COUNT_MAX
cdef int FRAGMENTS_MAX, HEADER_BYTES, KNOWN, NEW, OVERLAPS, SAME, UNKNOWN, WAITING
cdef long long REASSEMBLY_NS
cdef Py_ssize_t WAYS
cdef unsigned long long MASK32, MASK64, PRIME_1, PRIME_2

cdef class Fragments:
    cdef FragmentedPacket[::1] view
    cdef FragmentedPacket *rows
    cdef public object records
    cdef unsigned int[::1] tags
    cdef unsigned long long set_mask, seed
    cdef bint key_vlan, duplicates
    cdef long long copy_window_ns
    cdef readonly unsigned long long evicted
    cdef unsigned int begun
    @cython.locals(i=Py_ssize_t)
    cpdef void join(self, FrameBatch frames, PacketBatch packets)

@cython.locals(datagram="FragmentedPacket *", relation=cython.int)
cdef void join_one(Fragments fragments, const unsigned char *octets, Packet *packet) noexcept nogil
@cython.locals(mixed="unsigned long long", number="unsigned long long")
cdef unsigned long long key_of(Fragments fragments, Packet *packet) noexcept nogil
cdef unsigned int key_protocol(Packet *packet) noexcept nogil
@cython.locals(
    hashed="unsigned long long", first=Py_ssize_t, at=Py_ssize_t, tag="unsigned long long",
    datagram="FragmentedPacket *")
cdef Py_ssize_t find_datagram(Fragments fragments, Packet *packet) noexcept nogil
cdef bint is_of(Fragments fragments, FragmentedPacket *datagram, Packet *packet) noexcept nogil
@cython.locals(oldest=Py_ssize_t, done=Py_ssize_t, at=Py_ssize_t, datagram="FragmentedPacket *")
cdef Py_ssize_t place_for(Fragments fragments, Packet *packet, Py_ssize_t first) noexcept nogil
@cython.locals(first_ns="long long")
cdef bint is_older(Fragments fragments, Py_ssize_t one, Py_ssize_t other) noexcept nogil
cdef void begin(Fragments fragments, FragmentedPacket *datagram, Packet *packet) noexcept nogil
cdef bint is_whole(FragmentedPacket *datagram) noexcept nogil
@cython.locals(apart="long long")
cdef bint is_stale(FragmentedPacket *datagram, Packet *packet) noexcept nogil
@cython.locals(apart="long long", window="long long")
cdef bint begins_another(
    Fragments fragments, FragmentedPacket *datagram, Packet *packet, int relation) noexcept nogil
@cython.locals(start=cython.int, end=cython.int, i=cython.int, overlaps=cython.bint)
cdef int relation_of(FragmentedPacket *datagram, Packet *packet) noexcept nogil
@cython.locals(start=cython.int, end=cython.int)
cdef void remember(FragmentedPacket *datagram, Packet *packet) noexcept nogil
@cython.locals(at=cython.int, i=cython.int, moved=cython.bint)
cdef int octets_ahead(FragmentedPacket *datagram) noexcept nogil
@cython.locals(start=cython.int, count=cython.int, i=cython.int)
cdef void keep_octets(
    FragmentedPacket *datagram, const unsigned char *octets, Packet *packet) noexcept nogil
@cython.locals(header=cython.int)
cdef void join_first(
    FragmentedPacket *datagram, const unsigned char *octets, Packet *packet) noexcept nogil
cdef void join_early(
    FragmentedPacket *datagram, const unsigned char *octets, Packet *packet) noexcept nogil
@cython.locals(ahead=cython.int, header=cython.int, own_bytes=cython.uint)
cdef bint complete(FragmentedPacket *datagram, Packet *packet) noexcept nogil
@cython.locals(protocol=cython.uint, code=cython.uint, end=cython.int)
cdef int decode_header(FragmentedPacket *datagram, Packet *packet, int ahead) noexcept nogil
@cython.locals(flags=cython.uint)
cdef void keep_header(FragmentedPacket *datagram, Packet *packet, int header) noexcept nogil
cdef void continue_flow(FragmentedPacket *datagram, Packet *packet) noexcept nogil
