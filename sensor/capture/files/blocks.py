"""Blocks: the content of a file, decompressed elsewhere, as it comes from there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator
from typing import Any, NamedTuple, Protocol

import numpy as np

from sensor.capture.files.streams import open_stream
from sensor.compression.formats import DecompressError
from sensor.compression.stream import Packed, RawStream

BLOCK_BYTES = 8 << 20
"""Octets of a block, at most."""


class Block(NamedTuple):
    """Some of the content of a file."""

    octets: Any
    """An array of octets; it travels without being copied."""
    compressed_read: int = 0
    """Octets of the file that had been read up to then."""
    damage: tuple[str, int] | None = None
    """Why nothing follows: the reason, and the octet of the file."""
    origin: str = ""
    """Which reading of the file it comes from: another one began from the start."""


class Blocks(Protocol):
    """Blocks in their order, as a generator gives them."""

    def __next__(self) -> Block: ...

    def close(self) -> None: ...


def blocks_of(path: str, size: int | None = None) -> Generator[Block]:
    """The content of a file, decompressed; the first block is empty and comes at once. What a block
    holds is valid until the next one.

    Errors: as `open_stream`; OSError, also if it has another size than what is meant.
    """
    if size is not None and os.path.getsize(path) != size:
        raise OSError("another file is there under this name")
    origin = os.urandom(8).hex()
    stream = open_stream(path)
    try:
        damage, count = None, 1
        yield Block(np.empty(0, np.uint8), 0, None, origin)
        octets = np.empty(BLOCK_BYTES, np.uint8)  # whoever sends it copies it
        room = memoryview(octets)  # type: ignore[arg-type]
        while count and damage is None:
            filled, count = 0, 1
            try:
                while count and filled < BLOCK_BYTES:
                    count = stream.readinto(room[filled:]) or 0
                    filled += count
            except DecompressError as error:
                damage = (str(error), error.offset)
            yield Block(octets[:filled], _read_of(stream), damage, origin)
    finally:
        stream.close()


def _read_of(stream: RawStream) -> int:
    return stream.compressed_read if isinstance(stream, Packed) else 0


class BlockStream:
    """The content of a file that somebody else decompresses.

    Where the blocks cannot come, the file is read here, from the octet on that was reached.
    """

    def __init__(
        self, path: str, kind: str, blocks: Blocks, on_trouble: Callable[[Exception], None]
    ) -> None:
        """`kind` is the name of the compression. `on_trouble` hears why blocks did not come."""
        self.kind = kind
        self.compressed_read = 0
        self.readings = 0
        """How often the file was read from its start."""
        self.ended = False
        self._path = path
        self._blocks = blocks
        self._on_trouble = on_trouble
        self._origin = ""
        self._block = memoryview(b"")
        self._damage: tuple[str, int] | None = None
        self._given = 0
        self._own: RawStream | None = None
        self._closed = False

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer` with what is there, once there is anything; 0 at the end. Errors: as the
        file itself gives them.
        """
        while self._own is None and not self._block and not self.ended:
            self._next_block()
        if self._own is not None:
            count = self._own.readinto(buffer) or 0
            self.compressed_read = _read_of(self._own)
            self.ended = not count
            return count
        count = min(len(buffer), len(self._block))
        if not count and self._damage is not None:
            (reason, offset), self._damage = self._damage, None
            raise DecompressError(reason, offset)
        buffer[:count], self._block = self._block[:count], self._block[count:]
        self._given += count
        return count

    def _next_block(self) -> None:
        """Take the next block, or begin to read the file here. Errors: OSError, DecompressError."""
        try:
            block = next(self._blocks)
        except StopIteration:
            self.ended = True
            return
        except Exception as error:  # of whatever kind: it has to do with the way, not the file
            if self._closed:
                raise
            self._on_trouble(error)
            self._own = _opened_at(self._path, self._given)
            return
        self.readings += block.origin != self._origin
        self._origin = block.origin
        self._block = memoryview(block.octets)
        self.compressed_read = block.compressed_read
        self._damage = block.damage
        self.ended = block.damage is not None

    def close(self) -> None:
        """Let go of everything."""
        self._closed = self.ended = True
        with contextlib.suppress(ValueError):  # a thread that was left behind waits for a block
            self._blocks.close()
        self._block = memoryview(b"")
        if self._own is not None:
            self._own.close()


def _opened_at(path: str, at: int) -> RawStream:
    """A file's content from that octet on. Errors: as `open_stream` and the stream."""
    stream = open_stream(path)
    room = memoryview(bytearray(1 << 20))
    while at and (count := stream.readinto(room[:at]) or 0):
        at -= count
    return stream
