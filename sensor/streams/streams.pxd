cimport cython
from sensor.memory.records cimport Flow, Segment, flow_at, flows_of, segment_at, segments_of
from sensor.streams.reassembly cimport Reassembly

cdef int PROTOCOL_TCP, SEGMENT_END

@cython.final
cdef class Stream:
    cdef object protocol, analyzer, part
    cdef tuple sides
    cdef list left, begun
    cdef bint is_tcp
    cdef int turned
    cdef Py_ssize_t event_number, flow_at
    cdef long long due_ns, queued_ns
    cdef object flows
    cdef tuple part_key
    cdef Py_ssize_t held_bytes
    @cython.locals(first=Reassembly, second=Reassembly)
    cdef Py_ssize_t waiting_bytes(self)

@cython.final
cdef class Streams:
    cdef object _selection, _flow_parts, _report, _secrets, _logins
    cdef dict _by_application, _by_port, _open, _datagrams, _holding, _counters
    cdef list _due, _told
    cdef Py_ssize_t _held_bytes, _waiting_bytes
    cdef set _told_failures
    @cython.locals(
        index=Py_ssize_t, rows="Segment *", flows="Flow *", segment="Segment *", slot="unsigned int",
        stream=Stream, unwanted=dict,
    )
    cpdef list take(self, object segments, object follow_no_more)
    @cython.locals(stream=Stream)
    cdef _keep_flows(self, set slots)
    cdef bint _read(
        self, Stream stream, Segment *segment, object segments, Py_ssize_t index
    ) except -1
    cdef _finish(
        self, Stream stream, Segment *segment, object segments, Py_ssize_t index
    )
    @cython.locals(queued_ns="long long", stream=Stream)
    cpdef list expire(self, long long now_ns, object follow_no_more)
    cdef _wait(self, Stream stream, unsigned int slot, long long due_ns, long long known_ns)
    cdef _queue(self, Stream stream, unsigned int slot)
    @cython.locals(due_ns="long long")
    cdef _expire(self, Stream stream, unsigned int slot)
    @cython.locals(held_bytes=Py_ssize_t)
    cdef _weigh(self, Stream stream, unsigned int slot)
    @cython.locals(stream=Stream)
    cdef _let_go(self, unsigned int slot)
    @cython.locals(stream=Stream)
    cdef Stream _drop(self, unsigned int slot)
    @cython.locals(application=int, transport=int, packets="long long", payload=bytes)
    cdef Stream _begin(self, Segment *segment, Flow *flow, bytes octets)
    cdef _make_room(self, dict unwanted)
    cdef _forget(self, dict slots)
    @cython.locals(side=int, payload=bytes, direction=Reassembly, waiting_bytes=Py_ssize_t, conflicts=Py_ssize_t)
    cdef _feed(self, Stream stream, Segment *segment, bytes octets)
    cdef _turn(self, Stream stream, int turned)
    @cython.locals(octets=bytes)
    cdef _give(self, Stream stream, int side, list pieces, object moment)
    @cython.locals(direction=Reassembly)
    cdef _end(self, Stream stream, object moment)
    @cython.locals(direction=Reassembly, stream=Stream)
    cdef _give_way(self, object moment)
    cdef _fail(self, Stream stream, object error)
    cdef _collect(self, Stream stream, long long known_ns)
    cdef list _documents(self)
