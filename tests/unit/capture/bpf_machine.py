"""A small interpreter of classic BPF.

Written from the kernel's documentation (networking/filter.rst) and linux/filter.h, not from the
code under test.
"""

from __future__ import annotations

from sensor.capture.bpf import Instruction

SKF_AD_OFF, SKF_NET_OFF = -0x1000, -0x10_0000
SKF_AD_PROTOCOL, SKF_AD_PKTTYPE, SKF_AD_IFINDEX, SKF_AD_HATYPE = 0, 4, 8, 28


def kept(program: list[Instruction], frame: bytes, ifindex: int = 0, packet_type: int = 0) -> int:
    """How many octets the program keeps of a frame: 0, it is refused."""
    return result(program, Machine(frame, {SKF_AD_PKTTYPE: packet_type, SKF_AD_IFINDEX: ifindex}))


def result(program: list[Instruction], machine: Machine) -> int:
    """What the program returns."""
    for _ in range(len(program)):
        value = machine.step(program[machine.at])
        if value is not None:
            return value
    raise AssertionError("a loop")


class Machine:
    """The registers of classic BPF, and one method for each class of instructions."""

    def __init__(self, frame: bytes, ancillary: dict[int, int], network: int = 0) -> None:
        """`frame` is what loads see; `network`: where in it the network header is."""
        self.frame, self.ancillary, self.network = frame, ancillary, network
        self.a = self.x = self.at = 0
        self.memory = [0] * 16

    def step(self, instruction: Instruction) -> int | None:
        """Do one instruction; the result once there is one."""
        code, k = instruction[0], instruction[3]
        self.at += 1
        kind = code & 0x07
        if kind == 0x06:
            return self.a if code & 0x18 == 0x10 else k
        if kind in (0x00, 0x01):
            value = self.load(code, k)
            if value is None:
                return 0  # beyond the frame's end
            self.a, self.x = (value, self.x) if kind == 0x00 else (self.a, value)
        elif kind in (0x02, 0x03):
            self.memory[k] = self.a if kind == 0x02 else self.x
        elif kind == 0x04:
            self.a = arithmetic(code & 0xF0, self.a, self.x if code & 0x08 else k)
        elif kind == 0x05:
            self.jump(*instruction)
        else:
            self.a, self.x = (self.a, self.a) if code & 0xF8 == 0x00 else (self.x, self.x)
        return None

    def load(self, code: int, k: int) -> int | None:
        mode = code & 0xE0
        plain = {0x00: k, 0x60: self.memory[k & 15], 0x80: len(self.frame)}
        if mode in plain:
            return plain[mode]
        if mode == 0x20 and k - (1 << 32) >= SKF_AD_OFF:
            return self.ancillary[k - (1 << 32) - SKF_AD_OFF]
        start = (k + (self.x if mode == 0x40 else 0)) & 0xFFFF_FFFF
        if start & 0x8000_0000:
            start += self.network - (1 << 32) - SKF_NET_OFF
            assert start >= 0
        size = 1 if mode == 0xA0 else {0x00: 4, 0x08: 2, 0x10: 1}[code & 0x18]
        if start + size > len(self.frame):
            return None
        value = int.from_bytes(self.frame[start : start + size], "big")
        return 4 * (value & 0xF) if mode == 0xA0 else value  # 0xA0: an IPv4 header's length

    def jump(self, code: int, if_true: int, if_false: int, k: int) -> None:
        operation = code & 0xF0
        if operation == 0x00:
            self.at += k
            return
        other = self.x if code & 0x08 else k
        holds = {0x10: self.a == other, 0x20: self.a > other, 0x30: self.a >= other,
                 0x40: bool(self.a & other)}[operation]  # fmt: skip
        self.at += if_true if holds else if_false


def arithmetic(operation: int, a: int, b: int) -> int:
    result = {0x00: a + b, 0x10: a - b, 0x20: a * b, 0x40: a | b, 0x50: a & b,
              0x60: a << (b & 31), 0x70: a >> (b & 31), 0xA0: a ^ b}[operation]  # fmt: skip
    return result & 0xFFFF_FFFF
