cimport cython

from sensor.model.frames cimport FrameBatch
from sensor.memory.loads cimport be16, be32, u8
from sensor.memory.records cimport Frame, frame_at

cdef unsigned int MASK32
cdef int LD, LDX, ST, STX, ALU, JMP, RET, MISC, IMM, ABS, IND, MEM, LEN, MSH, WORD, HALF, BYTE, ADD
cdef int SUB, MUL, DIV, OR, AND, LSH, RSH, NEG, MOD, XOR, JA, JEQ, JGT, JGE, JSET, FROM_X, RET_A
cdef int TO_A

@cython.final
cdef class Program:
    cdef unsigned short[::1] codes
    cdef unsigned char[::1] if_true
    cdef unsigned char[::1] if_false
    cdef unsigned int[::1] operands
    cdef unsigned int[::1] cells
    @cython.locals(result="unsigned int")
    cpdef bint keeps(self, FrameBatch frames, Py_ssize_t index)

@cython.final
cdef class FrameFilter:
    cdef readonly long long from_ns
    cdef readonly long long to_ns
    cdef object program_of
    cdef dict programs
    cdef Program program
    cdef int link
    cdef bint any_link
    cdef Py_ssize_t kept, outside_window, filtered
    cdef long long watermark_ns
    cdef unsigned int[::1] numbers
    @cython.locals(program=Program, at=Py_ssize_t)
    cpdef void apply(self, FrameBatch frames, long long watermark_ns) except *
    cdef Program _turn_to(self, object link)

@cython.locals(frame="Frame *", kept=Py_ssize_t, index=Py_ssize_t, time_ns="long long")
cdef Py_ssize_t _filter(
    FrameFilter own, FrameBatch frames, Program program, Py_ssize_t first) noexcept nogil

@cython.locals(
    a="unsigned int", x="unsigned int", at=Py_ssize_t, code="unsigned int",
    operand="unsigned int", kind="unsigned int", value="long long", other="unsigned int",
    operation="unsigned int")
cdef unsigned int _run(Program program, FrameBatch frames, Py_ssize_t index) noexcept nogil

cdef bint _holds(unsigned int operation, unsigned int a, unsigned int other) noexcept nogil

@cython.locals(
    frame="Frame *", mode="unsigned int", offset="long long", size="long long", start="long long")
cdef long long _load(
    Program program, FrameBatch frames, Py_ssize_t index, unsigned int code,
    unsigned int operand, unsigned int x) noexcept nogil

@cython.locals(result="unsigned int")
cdef unsigned int _calculated(unsigned int operation, unsigned int a, unsigned int b) noexcept nogil
