"""BlockDecompressor: the blocks of zstd frames, many of them in one call without the GIL.

The library is told to go on by one block at a time, and writes it to where the data before it
stands: nothing is copied once more, and what came out before damage is known.
"""

from __future__ import annotations

from typing import Any

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.compression.framing import ZSTD_BLOCK_ROOM

if not cython.compiled:
    from sensor.compression.zstd_calls import go_on, next_size
    from sensor.memory.loads import octets_of


class BlockDecompressor:
    """Writes one block behind the other.

    After each call of `run` the data was taken up to `taken`, what came out ends at `place`,
    `failed` is the library's error, or 0, and `is_over` tells whether the frame is.
    """

    def __init__(self, context: Any) -> None:
        self.context = context
        self.address = context.address
        self.next_size = context.next_size
        self.go_on = context.go_on
        self.taken = self.place = 0
        self.failed = 0
        self.is_over = True

    def begin(self, ring: memoryview) -> None:
        """A frame begins, and is written to this memory."""
        self.context.begin()
        self.ring = ring
        self.is_over = False

    def run(self, data: Any, at: int, place: int, stop: int) -> None:
        """Take the header and the blocks at `data[at:]`, as far as they are whole.

        They are written to `ring[place:]`, one behind the other, until one ends at `stop` or
        behind it; ZSTD_BLOCK_ROOM octets must follow `ring[stop - 1]`. What the window of the frame
        still reaches of what came before must stand where it was written to.
        """
        self.taken = at
        self.place = place
        octets = octets_of(data)
        size = len(data)
        with cython.nogil:
            _run(self, octets, size, stop)

    def words(self) -> str:
        """Why it failed."""
        return str(self.context.words(self.failed))


def _run(decompressor: Any, octets: Any, end: int, stop: int) -> None:
    while decompressor.place < stop and not decompressor.failed:
        size = next_size(decompressor)
        if size == 0:
            decompressor.is_over = True
            return
        if end - decompressor.taken < size:
            return
        go_on(decompressor, octets, size, ZSTD_BLOCK_ROOM)
