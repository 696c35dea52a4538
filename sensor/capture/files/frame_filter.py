"""FrameFilter: leaves frames out of a batch, by time and by a filter, before they are decoded.

The filter is a program of classic BPF as libpcap makes it, run over what was captured of a frame; a
load beyond that rejects it. Its opcodes are those of linux/bpf_common.h, its rules those of
libpcap's own interpreter: it is what `tcpdump -r FILE FILTER` would show.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

import numpy as np

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

if not cython.compiled:
    from sensor.memory.loads import be16, be32, u8
    from sensor.memory.records import frame_at
    from sensor.model.frames import FrameBatch

MASK32 = 0xFFFF_FFFF
MEMORY_CELLS = 16

# The class of an instruction, opcode & 7.
LD, LDX, ST, STX, ALU, JMP, RET, MISC = range(8)
# How a load finds its value, opcode & 0xe0, and how wide it is, opcode & 0x18.
IMM, ABS, IND, MEM, LEN, MSH = 0x00, 0x20, 0x40, 0x60, 0x80, 0xA0
WORD, HALF, BYTE = 0x00, 0x08, 0x10
# Operations of ALU and JMP, opcode & 0xf0; with the bit FROM_X the other operand is X.
ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, NEG, MOD, XOR = range(0, 0xB0, 0x10)
JA, JEQ, JGT, JGE, JSET = range(0, 0x50, 0x10)
FROM_X = 0x08
RET_A = 0x10
TO_A = 0x80

Instruction = tuple[int, int, int, int]
ProgramOf = Callable[[int], list[Instruction]]


class Program:
    """A filter for frames of one link type.

    Errors: ValueError if it is no sound program: then it could loop, or leave its memory.
    """

    def __init__(self, instructions: list[Instruction]) -> None:
        check(instructions)
        self.codes = array("H", [each[0] for each in instructions])
        self.if_true = array("B", [each[1] for each in instructions])
        self.if_false = array("B", [each[2] for each in instructions])
        self.operands = array("I", [each[3] for each in instructions])
        self.cells = array("I", bytes(4 * MEMORY_CELLS))

    def keeps(self, frames: FrameBatch, index: int) -> bool:
        """Return True if it accepts a frame of a batch."""
        with cython.nogil:
            result = _run(self, frames, index)
        return result != 0


def check(instructions: list[Instruction]) -> None:
    """See that every jump is forward and inside, and that memory is kept to. Errors: ValueError."""
    count = len(instructions)
    if not count or instructions[count - 1][0] & 7 != RET:
        raise ValueError("the program does not end")
    for at, (code, if_true, if_false, operand) in enumerate(instructions):
        kind, last = code & 7, count - at - 2
        if code not in KNOWN:
            raise ValueError(f"unknown instruction {code:#x}")
        if kind == JMP and (operand if code == JMP | JA else max(if_true, if_false)) > last:
            raise ValueError("a jump backwards or beyond the end")
        uses_cell = kind in (ST, STX) or (kind in (LD, LDX) and code & 0xE0 == MEM)
        if uses_cell and operand >= MEMORY_CELLS:
            raise ValueError("memory that there is not")
        if kind == ALU and code & 0xF0 in (DIV, MOD) and not code & FROM_X and not operand:
            raise ValueError("a division by zero")
        if kind == LD and code & 0xE0 == ABS and operand >= 0x8000_0000:
            raise ValueError("it asks for what only the kernel knows of a frame")


KNOWN = frozenset([
    *(LD | mode | size for mode in (ABS, IND) for size in (WORD, HALF, BYTE)),
    *(kind | mode for kind in (LD, LDX) for mode in (IMM, MEM, LEN)), LDX | MSH | BYTE, ST, STX,
    *(ALU | operation | source for operation in range(0, 0xB0, 0x10) for source in (0, FROM_X)),
    *(JMP | operation | source for operation in (JEQ, JGT, JGE, JSET) for source in (0, FROM_X)),
    JMP | JA, RET, RET | RET_A, MISC, MISC | TO_A,
])  # fmt: skip
ACCEPT_ALL = [(RET, 0, 0, MASK32)]


class FrameFilter:
    """Keeps the frames of `from_ns` <= time < `to_ns` that a filter accepts.

    `program_of` gives the filter's program for frames of a link type; without it there is none.
    """

    def __init__(self, from_ns: int, to_ns: int, program_of: ProgramOf | None = None) -> None:
        self.from_ns = from_ns
        self.to_ns = to_ns
        self.program_of = program_of
        self.programs: dict[int, Program] = {}
        self.program = Program(ACCEPT_ALL)
        self.link = -1
        self.kept = 0
        self.outside_window = 0
        self.filtered = 0

    def apply(self, frames: FrameBatch, watermark_ns: int) -> None:
        """Leave out of the batch what is not wanted; its watermark is of what is left.

        `watermark_ns` is that of the frames kept before. Errors: what `program_of` raises.
        """
        if frames.numbers is None:
            frames.numbers = np.zeros(frames.capacity, np.uint32)
        self.numbers = frames.numbers.data
        self.kept = self.outside_window = self.filtered = 0
        self.watermark_ns = watermark_ns
        self.any_link = self.program_of is None
        program = self.program
        at = 0
        while at < frames.count:
            with cython.nogil:
                at = _filter(self, frames, program, at)
            if at < frames.count:
                program = self._turn_to(int(frames.records["link"][at]))
        frames.outside_window = self.outside_window
        frames.filtered = self.filtered
        frames.count = self.kept
        frames.watermark_ns = self.watermark_ns

    def _turn_to(self, link: int) -> Program:
        """Have the program for frames of another link type."""
        self.link = link
        if self.link not in self.programs:
            assert self.program_of is not None
            self.programs[self.link] = Program(self.program_of(self.link))
        self.program = self.programs[self.link]
        return self.program


def _filter(own: FrameFilter, frames: FrameBatch, program: Program, first: int) -> int:
    """Filter the frames from `first` on; where it stops: at one that needs another program."""
    kept = own.kept
    index = first
    while index < frames.count:
        frame = frame_at(frames.rows, index)
        time_ns = frame.time_ns
        if time_ns < own.from_ns or time_ns >= own.to_ns:
            own.outside_window += 1
        else:
            if not own.any_link:
                if frame.link != own.link:
                    break
                if _run(program, frames, index) == 0:
                    own.filtered += 1
                    index += 1
                    continue
            if time_ns > own.watermark_ns:
                own.watermark_ns = time_ns
            own.numbers[kept] = (frames.first_number + index) & MASK32
            if kept != index:
                frames.rows[kept] = frames.rows[index]
            kept += 1
        index += 1
    own.kept = kept
    return index


def _run(program: Program, frames: FrameBatch, index: int) -> int:
    """Return what the program returns for a frame: 0, it is rejected."""
    a = 0
    x = 0
    at = 0
    while True:
        code = program.codes[at]
        operand = program.operands[at]
        kind = code & 7
        at += 1
        if kind == JMP:
            if code == JMP | JA:
                at += operand
            elif _holds(code & 0xF0, a, x if code & FROM_X else operand):
                at += program.if_true[at - 1]
            else:
                at += program.if_false[at - 1]
        elif kind == LD or kind == LDX:
            value = _load(program, frames, index, code, operand, x)
            if value < 0:
                return 0
            if kind == LD:
                a = value
            else:
                x = value
        elif kind == RET:
            return a if code & RET_A else operand
        elif kind == ALU:
            other = x if code & FROM_X else operand
            operation = code & 0xF0
            if other == 0 and (operation == DIV or operation == MOD):
                return 0
            a = _calculated(operation, a, other)
        elif kind == ST:
            program.cells[operand] = a
        elif kind == STX:
            program.cells[operand] = x
        elif code & TO_A:
            a = x
        else:
            x = a


def _holds(operation: int, a: int, other: int) -> bool:
    """A condition of a jump."""
    if operation == JEQ:
        return a == other
    if operation == JGT:
        return a > other
    if operation == JGE:
        return a >= other
    return a & other != 0


def _load(program: Program, frames: FrameBatch, index: int, code: int, operand: int, x: int) -> int:
    """The value that a load finds; negative: beyond what was captured."""
    frame = frame_at(frames.rows, index)
    mode = code & 0xE0
    if mode == IMM:
        return operand
    if mode == MEM:
        return int(program.cells[operand])
    if mode == LEN:
        return int(frame.wire)
    offset = operand
    if mode == IND:
        offset += x
    size = 4
    if mode == MSH or code & 0x18 == BYTE:
        size = 1
    elif code & 0x18 == HALF:
        size = 2
    if offset + size > frame.captured:
        return -1
    start = frame.offset + offset
    if mode == MSH:
        return (u8(frames.octets, start) & 0xF) << 2
    if size == 4:
        return be32(frames.octets, start)
    return be16(frames.octets, start) if size == 2 else u8(frames.octets, start)


def _calculated(operation: int, a: int, b: int) -> int:
    """Arithmetic on 32 bits; shifts by more give 0, as in libpcap."""
    result = a
    if operation == ADD:
        result = a + b
    elif operation == SUB:
        result = a - b
    elif operation == MUL:
        result = a * b
    elif operation == DIV:
        result = a // b
    elif operation == MOD:
        result = a % b
    elif operation == OR:
        result = a | b
    elif operation == AND:
        result = a & b
    elif operation == XOR:
        result = a ^ b
    elif operation == LSH:
        result = a << b if b < 32 else 0
    elif operation == RSH:
        result = a >> b if b < 32 else 0
    else:  # NEG
        result = -a
    return result & MASK32
