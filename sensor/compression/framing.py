"""Where blocks begin and end in zstd and lz4 data, told by their headers alone.

A decompressor that is given one block at a time gives no more than one block's content at once,
and what stood before a damaged block has come out before it fails.
Source: RFC 8878 3.1 (zstd), lz4_Frame_format.md 1.6.4.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
LZ4_MAGIC = b"\x04\x22\x4d\x18"
MAGIC_BYTES = 4
SKIPPED_MAGIC = b"\x2a\x4d\x18"
"""The last three octets of the magic number of a frame that is for others; the first is 5x."""
PADDING = bytes(MAGIC_BYTES)
"""Zeros fill up what was written to a tape."""

ZSTD_DICTIONARY_BYTES = (0, 1, 2, 4)
ZSTD_SIZE_BYTES = (0, 2, 4, 8)
ZSTD_CHECKED = 4
"""The bit of the descriptor that tells of a checksum behind the blocks."""
ZSTD_BLOCK_MAX = 128 * 1024
"""Octets that a block holds, at most."""
ZSTD_BLOCK_ROOM = ZSTD_BLOCK_MAX + 64
"""What libzstd may write to while it decompresses one: it copies in large steps."""
ZSTD_RUN = 1
"""The type of a block that is one octet, repeated."""


class Step(NamedTuple):
    """What follows the header that was looked at last."""

    through: int
    """Octets before the next header."""
    header: int
    """Octets of that one."""
    is_content: bool = True
    """Whether the last header and the octets behind it are any of the decompressor's business."""


NO_FRAME = Step(0, 0)
"""Where nothing is known of what follows."""


Octets = bytes | memoryview
Steps = Generator[Step, Octets, None]


class Blocks:
    """Cuts what it is fed into pieces that each hold no more than one block.

    What is no frame is passed on as it comes: let the decompressor say what is wrong with it.
    """

    def __init__(self, steps: Callable[[], Steps]) -> None:
        self._steps = steps()
        self._step = next(self._steps)
        self._through = 0
        self._is_lost = False
        self._data = memoryview(b"")
        self._at = 0

    def feed(self, octets: Octets) -> None:
        """More octets, when `take` has no more to give; they may be overwritten when it has none
        again.
        """
        left = self._data.tobytes()  # a part of a header
        self._data = memoryview(left + octets if left else octets)

    def take(self) -> Octets:
        """The next piece; none: feed more."""
        while left := len(self._data) - self._at:
            size = left if self._is_lost else min(self._through or self._step.header, left)
            piece = self._data[self._at : self._at + size]
            if self._through:
                self._through -= size
            elif not self._is_lost:
                if size < self._step.header:
                    break
                self._look_at(piece)
            self._at += size
            if self._step.is_content:
                return piece
        self._data, self._at = memoryview(bytes(self._data[self._at :])), 0
        return b""

    def _look_at(self, header: Octets) -> None:
        try:
            self._step = self._steps.send(header)
            self._through = self._step.through
        except StopIteration:
            self._is_lost, self._step = True, NO_FRAME


def is_skipped(magic: Octets) -> bool:
    """Whether this is the magic number of a frame that is for others."""
    return magic[1:] == SKIPPED_MAGIC and magic[0] >> 4 == 5


def zstd_header(descriptor: int) -> tuple[int, int, int]:
    """Octets behind the descriptor of a frame: the window's, the dictionary's, the content size's.

    Where the window has none it is as large as the content.
    """
    is_single = descriptor >> 5 & 1
    size = ZSTD_SIZE_BYTES[descriptor >> 6] or is_single
    return 1 - is_single, ZSTD_DICTIONARY_BYTES[descriptor & 3], size


def _magic(through: int) -> Generator[Step, Octets, Octets]:
    """The next magic number behind padding and the frames that are for others."""
    step = Step(through, MAGIC_BYTES)
    while True:
        magic = yield step
        if is_skipped(magic):
            size = yield Step(0, 4, is_content=False)
            through = int.from_bytes(size, "little")
        elif magic == PADDING:
            through = 0
        else:
            return magic
        step = Step(through, MAGIC_BYTES, is_content=False)


def zstd_steps() -> Steps:
    """The steps through zstd frames."""
    through = 0
    while (yield from _magic(through)) == ZSTD_MAGIC:
        (descriptor,) = yield Step(0, 1)
        through = sum(zstd_header(descriptor))
        is_last = False
        while not is_last:
            block = int.from_bytes((yield Step(through, 3)), "little")
            is_last, kind, size = bool(block & 1), block >> 1 & 3, block >> 3
            through = 1 if kind == ZSTD_RUN else size
        # The checksum is a piece of its own, so that what it is about has come out before.
        if descriptor & ZSTD_CHECKED:
            yield Step(through, 4)
            through = 0


def lz4_steps() -> Steps:
    """The steps through lz4 frames."""
    while (yield from _magic(0)) == LZ4_MAGIC:
        (flags,) = yield Step(0, 1)
        through = 2 + 8 * (flags >> 3 & 1) + 4 * (flags & 1)
        while size := int.from_bytes((yield Step(through, 4)), "little") & 0x7FFF_FFFF:
            through = size + 4 * (flags >> 4 & 1)
        if flags & 4:
            yield Step(0, 4)
