cimport cython
from sensor.ecs.identifiers cimport Scratch, event_time, put_community, name_flow, put_event_id, put_flow_id, signed64
from sensor.memory.loads cimport le16, le32, octets_of, u8
from sensor.memory.records cimport ones
from sensor.memory.buffers cimport ints_of, load64, put_octets, put_padded, room_of
from sensor.ecs.text cimport put_ip, put_mac, put_number, put_time

cdef Py_ssize_t ROW_BYTES, AT_IP_VERSION, AT_ORIG_HI, AT_RESP_HI, AT_FIRST_NS, AT_LAST_NS
cdef Py_ssize_t AT_HISTORY_SEEN

# As in ecs/template.py; constants of the C compiler, so that the choice of an operation is one jump.
cdef enum:
    OP_INTS = 7
    NOTHING = 0, NUMBER, TOTAL, TIME, EVENT_TIME, CREATED, DURATION, ADDRESS, TABLE, DERIVED, MAC
    HISTORY_TEXT, COMMUNITY_ID, FLOW_ID, EVENT_ID, RELATED, UNLESS, MARK, MARK_END, REPEAT, SLOT

cdef class Writer:
    cdef const int[::1] ops_view
    cdef const int[::1] entries_view
    cdef const unsigned char[::1] pool_view
    cdef const unsigned char[::1] rows_view
    cdef const unsigned char[::1] facts_view
    cdef const unsigned char[::1] derived_view
    cdef const Py_ssize_t[::1] spans_view
    cdef const unsigned char[::1] slot_pool_view
    cdef unsigned char[::1] out_view
    cdef const int *ops
    cdef const int *entries
    cdef const unsigned char *pool
    cdef const unsigned char *octets
    cdef const unsigned char *facts
    cdef const unsigned char *derived
    cdef const unsigned char *slot_pool
    cdef Py_ssize_t rows_count
    cdef unsigned char *out
    cdef Py_ssize_t ops_count
    cdef long long created_ns
    cdef Py_ssize_t starts[4]
    cdef Py_ssize_t ends[4]
    cdef Scratch scratch

    cpdef void begin(self, bytearray buffer)

    @cython.locals(at=Py_ssize_t, index=Py_ssize_t)
    cpdef Py_ssize_t write(self, Py_ssize_t first, Py_ssize_t end)

    @cython.locals(row=Py_ssize_t, step=Py_ssize_t, op=Py_ssize_t, code="int", ops="const int *",
                   out="unsigned char *")
    cdef Py_ssize_t write_row(self, Py_ssize_t at, Py_ssize_t index) noexcept nogil

    cdef unsigned long long member(self, Py_ssize_t at, int size) noexcept nogil

    @cython.locals(entry=Py_ssize_t, length=Py_ssize_t)
    cdef Py_ssize_t put_entry(
        self, Py_ssize_t at, Py_ssize_t op, unsigned long long value) noexcept nogil

    cdef Py_ssize_t put_ip(self, Py_ssize_t at, Py_ssize_t row, Py_ssize_t place) noexcept nogil

    @cython.locals(length=Py_ssize_t)
    cdef Py_ssize_t repeat(self, Py_ssize_t at, Py_ssize_t mark) noexcept nogil

    @cython.locals(span=Py_ssize_t, length=Py_ssize_t)
    cdef Py_ssize_t put_slot(self, Py_ssize_t at, Py_ssize_t slot, Py_ssize_t index) noexcept nogil

    @cython.locals(out="unsigned char *", octets="const unsigned char *", length=Py_ssize_t)
    cdef Py_ssize_t put_computed(
        self, Py_ssize_t at, int code, Py_ssize_t row, Py_ssize_t place) noexcept nogil

    @cython.locals(first="long long", last="long long")
    cdef Py_ssize_t put_duration(self, Py_ssize_t at, Py_ssize_t row) noexcept nogil

    @cython.locals(out="unsigned char *", octets="const unsigned char *", same="bint")
    cdef Py_ssize_t put_related(self, Py_ssize_t at, Py_ssize_t row) noexcept nogil
