cimport cython

from sensor.model.frames cimport FrameBatch
from sensor.memory.loads cimport be16, be32, le16, le32
from sensor.memory.records cimport Frame, frame_at

cdef unsigned int SECTION
cdef unsigned int INTERFACE
cdef unsigned int OBSOLETE_PACKET
cdef unsigned int SIMPLE_PACKET
cdef unsigned int ENHANCED_PACKET
cdef unsigned int PROCESS_INFORMATION
cdef Py_ssize_t OPTION_MIN
cdef unsigned int OPTION_END
cdef unsigned int COMMENT
cdef unsigned int PROCESS_ENTRY
cdef unsigned int EFFECTIVE_ENTRY
cdef unsigned int PACKET_HEADER
cdef unsigned int SIMPLE_HEADER
cdef unsigned int TRAILER
cdef unsigned int BLOCK_MIN
cdef unsigned int BLOCK_MAX
cdef int ASKS
cdef int FULL
cdef int BAD_LENGTH
cdef int BAD_TRAILER
cdef int TOO_LONG
cdef int AT_SECTION
cdef int AT_INTERFACE
cdef int AT_PROCESS
cdef unsigned int MULTIPLY
cdef unsigned int DIVIDE
cdef unsigned int SHIFT
cdef Py_ssize_t LINK
cdef Py_ssize_t INDEX
cdef Py_ssize_t SNAPLEN
cdef Py_ssize_t MODE
cdef Py_ssize_t FACTOR
cdef Py_ssize_t LIMIT
cdef Py_ssize_t COLUMNS
cdef unsigned long long BILLION
cdef unsigned long long INT64_MAX
cdef long long OFFSET_MAX
cdef unsigned long long MASK32
cdef Py_ssize_t LONG
cdef Py_ssize_t TIME
cdef Py_ssize_t UNDECLARED
cdef Py_ssize_t CONTRADICTING

@cython.final
cdef class PcapngReader:
    cdef readonly str path
    cdef object run_interfaces
    cdef public object problem
    cdef unsigned long long[::1] noted
    cdef readonly Py_ssize_t at
    cdef readonly Py_ssize_t need
    cdef bint big
    cdef unsigned int skipped
    cdef unsigned long long[::1] clocks
    cdef long long[::1] offsets
    cdef Py_ssize_t declared
    cdef long long last_ns
    cdef dict strange_links
    cdef public object process_notes
    cdef unsigned int[::1] options_found
    cdef Py_ssize_t options_count

    @cython.locals(why=int, going_on=bint)
    cpdef void walk(self, FrameBatch frames, Py_ssize_t at, Py_ssize_t end, long long base)

    @cython.locals(why=int)
    cdef int _walk(self, FrameBatch frames, Py_ssize_t end, long long base) noexcept nogil

    cdef int _end_of_skipped(self, FrameBatch frames, Py_ssize_t end) noexcept nogil

    @cython.locals(at=Py_ssize_t, left=Py_ssize_t, kind=cython.uint, length=cython.uint)
    cdef inline int _block(self, FrameBatch frames, Py_ssize_t end, long long base) noexcept nogil

    cdef int _long_block(self, unsigned int kind, unsigned int length) noexcept nogil

    @cython.locals(
        number=cython.uint, captured=cython.uint, high=cython.ulonglong, low=cython.ulonglong,
        time_ns=cython.longlong, options=Py_ssize_t,
    )
    cdef inline void _packet(
        self, FrameBatch frames, Py_ssize_t at, unsigned int length, unsigned int kind,
        long long base,
    ) noexcept nogil

    @cython.locals(wire=cython.uint, captured=cython.uint, snaplen=cython.ulonglong)
    cdef void _simple_packet(
        self, FrameBatch frames, Py_ssize_t at, unsigned int length, long long base,
    ) noexcept nogil

    cdef inline void _frame(
        self, FrameBatch frames, Py_ssize_t offset, unsigned int captured, unsigned int wire,
        Py_ssize_t number,
    ) noexcept nogil

    @cython.locals(at=Py_ssize_t, code=cython.uint, length=cython.uint)
    cdef void _options(self, FrameBatch frames, Py_ssize_t options, Py_ssize_t end) noexcept nogil

    @cython.locals(at=Py_ssize_t, frame="Frame *")
    cpdef void _find_processes(self, FrameBatch frames)

    cdef inline unsigned int _u32(self, const unsigned char *octets, Py_ssize_t at) noexcept nogil

    @cython.locals(
        row=Py_ssize_t, mode=cython.ulonglong, factor=cython.ulonglong, ticks=cython.ulonglong,
        seconds=cython.ulonglong, fraction_ns=cython.ulonglong, per_second=cython.ulonglong,
        rest=cython.ulonglong, upper=cython.ulonglong, lower=cython.ulonglong,
        whole=cython.longlong,
    )
    cdef long long _time_ns(
        self, Py_ssize_t number, unsigned long long high, unsigned long long low
    ) noexcept nogil

    cdef void _note(self, Py_ssize_t note, unsigned long long offset) noexcept nogil
