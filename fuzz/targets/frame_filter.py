"""Filters on files: a program that is let run ends, keeps to its memory, and computes what it says.

An input is a program, eight octets an instruction as in the kernel's struct, and the frame behind
its last one. The same program is run by a small interpreter that was written for this.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

from sensor.capture.files.frame_filter import KNOWN, Instruction, Program
from sensor.model.frames import FrameBatch

CODES = sorted(KNOWN)
INSTRUCTION = struct.Struct("<BBBBI")
OPERANDS = (0, 1, 4, 12, 14, 23, 31, 32, 0xFFFF_FFFF, 0x8000_0000, 0xFFFF_F000, 15, 16, 0x800)
MASK = 0xFFFF_FFFF


def make(name: str) -> Callable[[bytes], None]:
    """The check."""
    frames = FrameBatch(1)

    def check(octets: bytes) -> None:
        count = octets[0] % 24 if octets else 0
        body = octets[1:]
        if not count or len(body) < INSTRUCTION.size * count:
            return
        program = [_instruction(*INSTRUCTION.unpack_from(body, INSTRUCTION.size * place))
                   for place in range(count)]
        frame = body[INSTRUCTION.size * count :]
        try:
            ready = Program(program)
        except ValueError as error:
            assert str(error)
            return
        frames.attach(np.frombuffer(frame or b"\\0", np.uint8).copy())
        frames.records[0] = (0, 0, len(frame), len(frame) + 7, 1, 0, 0, 0, 0)
        frames.count = 1
        assert ready.keeps(frames, 0) == (result_of(program, frame, len(frame) + 7) != 0)

    return check


def _instruction(code: int, which: int, if_true: int, if_false: int, operand: int) -> Instruction:
    """Mostly one that is known, with a short jump; sometimes whatever the octets say."""
    known = CODES[code % len(CODES)] if which & 3 else code | which << 8
    number = OPERANDS[operand % len(OPERANDS)] if which & 4 else operand
    return known, if_true & 15, if_false & 15, number


def result_of(program: list[Instruction], frame: bytes, wire: int) -> int:
    """What a program returns, by the book: McCanne and Jacobson, The BSD Packet Filter."""
    a = x = at = 0
    memory = [0] * 16
    while True:
        code, if_true, if_false, k = program[at]
        kind, at = code & 7, at + 1
        if kind in (0, 1):
            value = _loaded(code, k, x, frame, wire, memory)
            if value is None:
                return 0
            a, x = (value, x) if kind == 0 else (a, value)
        elif kind in (2, 3):
            memory[k] = a if kind == 2 else x
        elif kind == 4:
            other = x if code & 8 else k
            if other == 0 and code & 0xF0 in (0x30, 0x90):
                return 0
            a = _computed(code & 0xF0, a, other)
        elif code == 0x05:
            at += k
        elif kind == 5:
            at += if_true if _holds(code & 0xF0, a, x if code & 8 else k) else if_false
        elif kind == 6:
            return a if code & 0x18 == 0x10 else k
        else:
            a, x = (x, x) if code & 0xF8 == 0x80 else (a, a)


def _holds(operation: int, a: int, other: int) -> bool:
    return {0x10: a == other, 0x20: a > other, 0x30: a >= other, 0x40: a & other != 0}[operation]


def _loaded(code: int, k: int, x: int, frame: bytes, wire: int, memory: list[int]) -> int | None:
    mode = code & 0xE0
    if mode in (0x00, 0x60, 0x80):
        return {0x00: k, 0x80: wire}.get(mode, memory[k & 15])
    first = k + x if mode == 0x40 else k
    size = 1 if mode == 0xA0 else {0x00: 4, 0x08: 2, 0x10: 1}[code & 0x18]
    if first + size > len(frame):
        return None
    value = int.from_bytes(frame[first : first + size], "big")
    return (value & 15) * 4 if mode == 0xA0 else value


def _computed(operation: int, a: int, b: int) -> int:
    shifted = (a << b, a >> b) if b < 32 else (0, 0)
    return {
        0x00: a + b, 0x10: a - b, 0x20: a * b, 0x30: a // (b or 1), 0x40: a | b, 0x50: a & b,
        0x60: shifted[0], 0x70: shifted[1], 0x80: -a, 0x90: a % (b or 1), 0xA0: a ^ b,
    }[operation] & MASK
