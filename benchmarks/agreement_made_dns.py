"""Messages of DNS with records of all types, odd names, pointers, and lies."""

from __future__ import annotations

import random
import struct

LABELS = (b"a", b"example", b"_tcp", b"MiXeD", b"x" * 63, b"sp ace", b"d.ot", b"\xff\x00", b"1",
          b"back\\slash", b'q"uote', b"xn--a", b"*", b"-", b"example")  # fmt: skip
KINDS = (1, 28, 5, 2, 12, 39, 15, 18, 33, 6, 16, 257, 64, 65, 10, 99, 49, 61, 65280)
"""Types whose data may be anything stand behind those that are made as they should be."""


def dns_message(number: int, question: int, chance: random.Random, *, is_answer: bool,
                is_sound: bool = False) -> bytes:  # fmt: skip
    """A message; the question is the same for the same `question`."""
    asked = random.Random(question)
    name, kind = wire_name(asked), asked.choice((*KINDS, 255))
    class_ = asked.choice((1, 1, 1, 1, 3, 255, 0x8001))
    opcode = asked.choice((0,) * 9 + (1, 2, 4, 5))
    flags = opcode << 11 | chance.choice((0x0100, 0, 0x0110, 0x0120, 0x0130))
    out = bytearray(12) + name + struct.pack("!HH", kind, class_)
    counts = [1, 0, 0, 0]
    if is_answer:
        flags |= 0x8000 | chance.choice((0x0080, 0x0480, 0x0400, 0x0280)) | chance.choice(
            (0,) * 6 + (2, 3, 5, 9, 11))  # fmt: skip
        places = [12]
        for section, most in ((1, 5), (2, 2), (3, 2)):
            for _ in range(chance.randrange(most + 1)):
                record(out, places, chance)
                counts[section] += 1
    if chance.random() < 0.5:
        out += b"\0" + struct.pack("!HHIH", 41, chance.choice((512, 1232, 4096, 65_535)),
                                   chance.choice((0, 0x8000, 0x01000000)),
                                   12) + struct.pack("!HH", 10, 8) + bytes(8)  # fmt: skip
        counts[3] += 1
    struct.pack_into("!6H", out, 0, number, flags, *counts)
    return bytes(out) if is_sound else lied(out, chance)


def lied(message: bytearray, chance: random.Random) -> bytes:
    """One message of ten is damaged."""
    kind = chance.randrange(40)
    if kind == 0:
        del message[chance.randrange(12, len(message)) :]
    elif kind == 1:
        message[chance.randrange(12, len(message))] ^= 1 << chance.randrange(8)
    elif kind == 2:
        struct.pack_into("!H", message, 6, chance.choice((1, 30, 65_535)))
    elif kind == 3:
        message += bytes(chance.randrange(1, 9))
    return bytes(message)


def wire_name(chance: random.Random) -> bytes:
    """A name without pointers."""
    labels = [chance.choice(LABELS) for _ in range(chance.choice((0, 1, 2, 2, 3, 3, 4)))]
    return b"".join(bytes((len(label),)) + label for label in labels)[:190] + b"\0" if (
        sum(map(len, labels)) < 180) else b"\1a\0"  # fmt: skip


def name(out: bytearray, places: list[int], chance: random.Random) -> None:
    """A name at the end of a message, often as a pointer, or with one at its end."""
    start = len(out)
    if start < 0x3FFF and chance.random() < 0.6:
        target = chance.choice(places) if chance.random() < 0.99 else start  # it leads to itself
        if chance.random() < 0.5:
            label = chance.choice(LABELS[:4])
            out += bytes((len(label),)) + label
            places.append(start)
        out += struct.pack("!H", 0xC000 | target)
    else:
        out += wire_name(chance)
        places.append(start)


def record(out: bytearray, places: list[int], chance: random.Random) -> None:
    """A record at the end of a message."""
    name(out, places, chance)
    kind = chance.choice(KINDS)
    out += struct.pack("!HHI", kind, chance.choice((1, 1, 1, 3, 0x8001)),
                       chance.choice((0, 300, 86_400, 2**31)))  # fmt: skip
    at = len(out)
    out += b"\0\0"
    data(out, kind, places, chance)
    if chance.random() < 0.02:
        out += b"\1"
    struct.pack_into("!H", out, at, len(out) - at - 2)


def data(out: bytearray, kind: int, places: list[int], chance: random.Random) -> None:
    """The data of a record, as its type wants it."""
    if kind in (1, 28):
        out += chance.randbytes(4 if kind == 1 else 16)
    elif kind in (2, 5, 12, 39):
        name(out, places, chance)
    elif kind in (15, 18):
        out += struct.pack("!H", chance.randrange(65_536))
        name(out, places, chance)
    elif kind == 33:
        out += struct.pack("!HHH", 1, 65_535, chance.randrange(65_536)) + wire_name(chance)
    elif kind == 6:
        name(out, places, chance)
        name(out, places, chance)
        out += struct.pack("!5I", *(chance.randrange(2**32) for _ in range(5)))
    elif kind in (16, 99):
        for _ in range(chance.choice((1, 1, 2, 5))):
            text = chance.choice((b"", b"v=spf1 -all", b'say "hi"\\', b"t" * 255, b"a\tb", b"; x"))
            out += bytes((len(text),)) + text
    elif kind == 257:
        out += bytes((chance.choice((0, 128)), 5)) + b"issue" + chance.choice(
            (b"ca.example", b";", b"ca.example; policy=ev", b"", b'a"b'))  # fmt: skip
    elif kind in (64, 65):
        binding(out, chance)
    else:
        out += chance.randbytes(chance.randrange(1, 80))


def binding(out: bytearray, chance: random.Random) -> None:
    """SVCB: a target, and parameters in their order."""
    out += struct.pack("!H", chance.choice((0, 1, 16))) + wire_name(chance)
    parameters = {0: b"\0\1", 1: b"\2h2\2h3", 2: b"", 3: b"\x1f\x90", 4: bytes((192, 0, 2, 1, 10, 0,
                  0, 1)), 5: b"\xfe\x0d\0\1", 6: bytes(15) + b"\1", 7: b"/dns{?dns}",
                  667: b"hello"}  # fmt: skip
    for key, value in parameters.items():
        if chance.random() < 0.4:
            out += struct.pack("!HH", key, len(value)) + value
