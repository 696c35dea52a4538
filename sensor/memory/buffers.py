"""Copies into an output buffer, and a 64-bit load: the interpreted twin of `memory/buffers.pxd`.

The C ones do not check bounds: whoever renders reserves room for the longest possible document
before writing one (ecs/writer.py). Here a write past the end is an IndexError or a changed length,
which the tests notice.
"""

from __future__ import annotations

from sensor.memory.loads import Buffer


def load64(octets: Buffer, at: int) -> int:
    """A little-endian 64-bit member of a record."""
    return int.from_bytes(octets[at : at + 8], "little")


def put_octets(out: bytearray, at: int, source: Buffer, start: int, count: int) -> None:
    """Copy `count` octets of `source` from `start` on to `out[at]`."""
    if at + count > len(out):
        raise IndexError("write past the reserved room")
    out[at : at + count] = source[start : start + count]


COPY_PADDING = 16
"""Octets that put_padded may read and write too many."""


def put_padded(out: bytearray, at: int, source: Buffer, start: int, count: int) -> None:
    """Copy as `put_octets` does; both buffers have COPY_PADDING octets more than are used.

    The C one copies blocks of sixteen octets, which for short texts is several times as fast.
    """
    put_octets(out, at, source, start, count)


def room_of(out: bytearray) -> bytearray:
    """The first octet of a bytearray."""
    return out


def ints_of(view: Buffer) -> memoryview:
    """The first of an array of 32-bit numbers."""
    return memoryview(view)  # type: ignore[arg-type]  # as in octets_of
