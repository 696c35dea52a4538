"""BlockDecompressor: zstd data that is cut at its blocks, many of them in one call without the GIL.

The library does not say how much it has written when it refuses a block. So each call of it gets
one block at most, and what came out before is known.
"""

from __future__ import annotations

from typing import Any

try:
    import cython
except ImportError:
    from sensor import interpreted as cython

from sensor.compressed_blocks import ZSTD_RUN

if not cython.compiled:
    from sensor.loads import octets_of
    from sensor.zstd_stream import call, le24

HEADER_BYTES = 3
BLOCK_MAX = 128 * 1024
RESERVED = 3
"""The type of block that there is not."""


class BlockDecompressor:
    """Writes what comes out into one room after the other.

    After each call `given` octets of the room are full, `taken` octets of the data were taken in
    all, and `failed` is the library's error, or 0.
    """

    def __init__(self, context: Any) -> None:
        self.context = context
        self.function = context.function
        self.address = context.address
        self.room_bytes = self.given = self.taken = self.through = 0
        self.failed = 0

    def start(self, room: memoryview) -> None:
        """Write into this room from now on, and first what came out before and found no room."""
        was_full = self.given == self.room_bytes
        self.room = room
        self.room_bytes = len(room)
        self.given = 0
        if was_full:
            self.feed(b"")

    def feed(self, data: Any) -> None:
        """Take a piece that holds one block at most, as far as there is room."""
        octets = octets_of(data)
        size = len(data)
        with cython.nogil:
            call(self, octets, 0, size)

    def run(self, data: Any, at: int, through: int) -> None:
        """Take blocks with the headers behind them while they are whole and there is room.

        `data[at:]` are the last `through` octets of a block and what follows it. In the end
        `through` octets are left of the block that stands behind what was taken. It stops at the
        last block and at what is none.
        """
        self.taken = at
        self.through = through
        octets = octets_of(data)
        size = len(data)
        with cython.nogil:
            _run(self, octets, size)

    def words(self) -> str:
        """Why it failed."""
        return str(self.context.words(self.failed))


def _run(decompressor: Any, octets: Any, end: int) -> None:
    while decompressor.given < decompressor.room_bytes and not decompressor.failed:
        at = decompressor.taken
        behind = at + decompressor.through
        if end - behind < HEADER_BYTES:
            return
        header = le24(octets, behind)
        kind = header >> 1 & 3
        if header & 1 or kind == RESERVED or header >> 3 > BLOCK_MAX:
            return
        call(decompressor, octets, at, behind + HEADER_BYTES)
        if decompressor.taken <= behind:  # there was no more room
            decompressor.through = behind - decompressor.taken
            return
        decompressor.through = 1 if kind == ZSTD_RUN else header >> 3
