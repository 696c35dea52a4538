"""Fragments of IP packets: however they come, the books balance and flows hold what was sent.

An input is options and then fragments in steps of four octets: when and of which packet, where it
starts, how long it is, and of what. Their content is cut out of whole packets, so that headers that
come in several fragments can be put together. What must hold is what `flows` asks for.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from fuzz.targets.flows import MS, START_NS, play

PAUSES = (0, 0, 0, 1 * MS, 9 * MS, 11 * MS, 1_000 * MS, 29_000 * MS, 31_000 * MS, -5 * MS, -1,
          200 * MS, 5_000 * MS, 62_000 * MS, 0, 301_000 * MS)  # fmt: skip
_OPTIONS = bytes.fromhex("020405b4 0402080a 00000001 00000000 01030307") + bytes(16) + b"\0" * 4
SYN = struct.pack("!HHIIBBHHH", 40_000, 23, 7, 0, 0xF0, 2, 60_000, 0, 0) + _OPTIONS
DATA = struct.pack("!HHIIBBHHH", 23, 40_000, 9, 8, 0x50, 0x18, 60_000, 0, 0)
TEMPLATES = (
    (6, SYN), (6, DATA + b"login: " * 40), (17, struct.pack("!HHHH", 53, 40_000, 1_500, 0)),
    (1, struct.pack("!BBHHH", 8, 0, 0, 1, 1)), (58, struct.pack("!BBHHH", 128, 0, 0, 1, 1)),
    (51, struct.pack("!BBHII", 6, 4, 0, 1, 1) + bytes(12) + DATA), (47, bytes(4) + b"\x45"),
    (6, struct.pack("!HHIIBBHHH", 40_000, 23, 8, 10, 0x50, 0x11, 60_000, 0, 0)),
)
"""Protocol and the beginning of what a packet carries; zeros follow."""
SIZES = (8, 16, 24, 32, 40, 48, 64, 128, 576, 1_480, 1, 4, 20, 0, 7, 1_472)


def fragment(version: int, key: int, start: int, body: bytes, protocol: int, more: int) -> bytes:
    """A frame with a fragment; where both are 0, one with a whole packet."""
    hosts = (1, 2) if protocol != 6 or key & 1 else (2, 1)
    if version == 4:
        place = start >> 3 & 0x1FFF | more << 13
        return bytes(12) + b"\x08\x00" + struct.pack(
            "!BBHHHBBHII", 0x45, 0, 20 + len(body), key, place, 64, protocol, 0,
            0x0A000000 + hosts[0], 0xC6336400 + hosts[1]) + body
    head = struct.pack("!IHBB", 6 << 28, 8 + len(body), 44, 64)
    ends = b"".join(b"\xfd" + bytes(14) + bytes([host]) for host in hosts)
    split = struct.pack("!BBHI", protocol, 0, start & 0xFFF8 | more, key)
    return bytes(12) + b"\x86\xdd" + head + ends + split + body


def frames_of(octets: bytes) -> list[tuple[int, bytes]]:
    """The frames that an input stands for."""
    frames: list[tuple[int, bytes]] = []
    at_ns, version = START_NS, 6 if octets[0] & 128 else 4
    for at in range(1, len(octets) - 3, 4):
        when, where, size, what = octets[at : at + 4]
        at_ns += PAUSES[when & 15]
        protocol, template = TEMPLATES[what & 7]
        start = where << 3 if where < 224 else 0xFFF8 - (where - 224 << 7)
        length = SIZES[size & 15]
        body = template[start : start + length].ljust(length, b"\0")
        if what & 64:  # other octets than those of the packet
            body = bytes(octet ^ size for octet in body)
        frame = fragment(version, when >> 4 & 3, start, body, protocol, what >> 3 & 1)
        if what & 128:
            frame = frame[: len(frame) - (size >> 4)]
        if when & 64:
            frame = frame[:12] + b"\x81\x00\x00\x05" + frame[12:]
        frames.append((at_ns, frame))
    return frames


def make(name: str) -> Callable[[bytes], None]:
    """The check."""
    return check


def check(octets: bytes) -> None:
    """Play the fragments that the octets tell."""
    if len(octets) < 5:
        return
    play(octets, frames_of(octets))
