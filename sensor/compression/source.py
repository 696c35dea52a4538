"""What goes into a decompressor and what comes out of one, whatever its kind."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from sensor.compression.framing import ZSTD_BLOCK_MAX


class RawStream(Protocol):
    """An unbuffered binary file, or a fake of one."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...

    def close(self) -> None: ...


class Damaged(Exception):
    """`reason` as the decompressor said it, empty: the data ends; `octets` came before."""

    def __init__(self, reason: str, octets: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.octets = octets


class Part(NamedTuple):
    """Octets of what was lent that are of one frame."""

    start: int
    end: int
    checksum: int | None
    """What the frame says of its content; None: it goes on, or says nothing."""


class Lent(NamedTuple):
    """Octets that stand in the memory of whoever made them; none: there are no more."""

    data: memoryview
    start: int
    end: int
    checked: tuple[Part, ...] = ()
    """Those whose checksum is still to be looked at."""


LENT_MIN = ZSTD_BLOCK_MAX
"""No less than this may be asked for at once: one block always has room."""
HEADROOM = 256 * 1024
"""Octets at the beginning of that memory that are left to whoever it is lent to."""
NOTHING = Lent(memoryview(b""), 0, 0)


class CompressedInput:
    """The compressed octets of a stream. Errors: what the stream raises."""

    def __init__(self, raw: RawStream, start: bytes) -> None:
        """`start` is what was read of the stream already."""
        self._raw = raw
        self._start = start
        self.has_paused = False
        """Whether the stream gave less than it was asked for: it may have to be waited for."""
        self.octets_read = len(start)

    def readinto(self, room: memoryview) -> int:
        """Read once; 0 at the end. `room` holds more than what was read at the start."""
        if self._start:
            count, self._start, start = len(self._start), b"", self._start
            room[:count] = start
            return count
        count = self._raw.readinto(room) or 0
        self.octets_read += count
        self.has_paused = count < len(room)
        return count
