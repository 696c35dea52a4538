"""ZstdReader: the content of zstd data, in the memory that it was decompressed to.

    ring    | headroom | ....... | history | lent | room for one block |

The library finds what it refers back to where it wrote it; so the memory is a ring that is larger
than the window of the frame, and what is lent is a part of it. Where the ring ends, the next block
is written to its beginning. The headroom is for whoever reads: there he may put what he has left
of the octets at the end.
"""

from __future__ import annotations

import numpy
import xxhash

from sensor.compression.framing import (
    MAGIC_BYTES,
    PADDING,
    ZSTD_BLOCK_MAX,
    ZSTD_BLOCK_ROOM,
    ZSTD_CHECKED,
    ZSTD_MAGIC,
    is_skipped,
    zstd_header,
)
from sensor.compression.source import HEADROOM, NOTHING, CompressedInput, Damaged, Lent, Part
from sensor.compression.zstd_blocks import BlockDecompressor

RUN_BYTES = 512 * 1024
"""Input that is read at once."""
WINDOW_BYTES_MAX = 128 << 20
"""The window that is believed: what `zstd --long` makes without further options."""
CHECKSUM_BYTES = 4
MISMATCH = "the content is not what its checksum says"
SIZE_BYTES = 4
"""The size of a frame that is for others."""


class ZstdReader:
    """Reads frames that stand one behind the other. Errors: Damaged."""

    def __init__(self, decompressor: BlockDecompressor, source: CompressedInput) -> None:
        self._decompressor = decompressor
        self._source = source
        self._data = memoryview(bytearray(ZSTD_BLOCK_ROOM + RUN_BYTES))
        self._at = self._end = 0
        self._ring = memoryview(b"")
        self._start = self._place = 0
        """Where the octets begin that are to be lent next, and where they end by now."""
        self._is_checked = False
        """Whether the frame has a checksum."""
        self._from = 0
        """Where the octets of this frame begin among them."""
        self._checked: list[Part] = []
        self._hash = xxhash.xxh64()
        self._rest = NOTHING
        """What `readinto` has not given yet."""
        self._damage: Damaged | None = None
        self._mismatch: Damaged | None = None

    def lend(self, most: int, behind: int) -> Lent:
        """The next octets, fewer than `most` if more would have to be waited for.

        They and the `behind` octets before them stay as they are until the next call. Both are the
        same in every call; `most` is at least ZSTD_BLOCK_MAX. `verified` is still to be called.
        Errors: Damaged.
        """
        self._checked = []
        self._lend_from(self._place)
        try:
            if self._damage is not None:
                raise self._damage
            while self._go_on(most, behind):
                pass
        except Damaged as damage:
            self._damage = damage
            if self._place == self._start:
                raise
        if not self._decompressor.is_over:
            self._part()
        return Lent(self._ring, self._start, self._place, tuple(self._checked))

    def verified(self, lent: Lent) -> tuple[Lent, Damaged | None]:
        """What was lent, up to where a frame ended that is not what its checksum says.

        A thread may do it that did not decompress it: it has to get the octets anyway.
        """
        for start, end, checksum in lent.checked:
            self._hash.update(lent.data[start:end])
            if checksum is not None:
                found, self._hash = self._hash.intdigest(), xxhash.xxh64()
                if found & 0xFFFF_FFFF != checksum:
                    return lent._replace(end=end), Damaged(MISMATCH)
        return lent, None

    def _part(self, checksum: int | None = None) -> None:
        """What came out of this frame since the last call is one part."""
        if self._is_checked:
            self._checked.append(Part(self._from, self._place, checksum))
        self._from = self._place

    def _lend_from(self, place: int) -> None:
        self._start = self._place = self._from = place

    def readinto(self, room: memoryview) -> int:
        """Copy the next octets; 0 at the end. Errors: Damaged."""
        if self._rest.start == self._rest.end and self._mismatch is None:
            lent = self.lend(max(len(room), ZSTD_BLOCK_MAX), 0)
            self._rest, self._mismatch = self.verified(lent)
        if self._rest.start == self._rest.end and self._mismatch is not None:
            raise self._mismatch
        data, start, end, _ = self._rest
        count: int = min(len(room), end - start)
        room[:count] = data[start : start + count]
        self._rest = Lent(data, start + count, end)
        return count

    @property
    def may_wait(self) -> bool:
        """Whether the next read may ask for more input."""
        return self._rest.start == self._rest.end

    def _go_on(self, most: int, behind: int) -> bool:
        """One step; False: there is nothing more to do for now."""
        if self._decompressor.is_over and not self._begin(most, behind):
            return False
        stop = self._stop(most)
        if self._place >= stop:
            return False
        self._run(stop)
        if not self._decompressor.is_over and self._place < stop:
            if self._place > self._start and self._source.has_paused:
                return False
            self._more()
        return True

    def _stop(self, most: int) -> int:
        """The place that no block may begin at. At its end the ring begins again."""
        last = len(self._ring) - ZSTD_BLOCK_ROOM
        if self._place > last and self._place == self._start:
            self._lend_from(HEADROOM)
        return min(self._start + most - ZSTD_BLOCK_MAX, last) + 1

    def _run(self, stop: int) -> None:
        """Decompress what was read, as far as there is room. Errors: Damaged."""
        decompressor = self._decompressor
        decompressor.run(self._data[: self._end], self._at, self._place, stop)
        self._at, self._place = decompressor.taken, decompressor.place
        if decompressor.failed:
            raise Damaged(decompressor.words())
        if decompressor.is_over:
            checksum = self._data[self._at - CHECKSUM_BYTES : self._at]
            self._part(int.from_bytes(checksum, "little"))

    def _more(self) -> None:
        """Read once more. Errors: Damaged if there is nothing."""
        left = self._end - self._at
        self._data[:left] = self._data[self._at : self._end]  # they may overlap
        self._at = 0
        count = self._source.readinto(self._data[left:])
        self._end = left + count
        if not count:
            raise Damaged("")

    def _begin(self, most: int, behind: int) -> bool:
        """Begin the next frame; False: there is none, or it must wait until what is there was lent.
        """
        if self._place > self._start and self._source.has_paused:
            return False
        if not self._find():
            return False
        size = max(self._window(), behind + most) + HEADROOM + 2 * ZSTD_BLOCK_ROOM
        if len(self._ring) < size:
            if self._place > self._start:
                return False
            self._ring = numpy.empty(size, numpy.uint8).data
            self._lend_from(HEADROOM)
        self._decompressor.begin(self._ring)
        self._from = self._place
        return True

    def _find(self) -> bool:
        """Go to the next magic number that is not for others; False: there is none."""
        while self._have(MAGIC_BYTES):
            magic = self._data[self._at : self._at + MAGIC_BYTES].tobytes()
            if magic == PADDING:
                self._at += MAGIC_BYTES
            elif is_skipped(magic):
                self._pass_over()
            else:
                return True
        if self._data[self._at : self._end].tobytes().strip(b"\0"):
            raise Damaged("")
        return False

    def _pass_over(self) -> None:
        self._need(MAGIC_BYTES + SIZE_BYTES)
        at = self._at + MAGIC_BYTES
        through = MAGIC_BYTES + SIZE_BYTES
        through += int.from_bytes(self._data[at : at + SIZE_BYTES], "little")
        while through > self._end - self._at:
            through -= self._end - self._at
            self._at = self._end
            self._more()
        self._at += through

    def _window(self) -> int:
        """The window that the frame asks for; 0 where none begins: let the library say it."""
        self._need(MAGIC_BYTES + 1)
        if self._data[self._at : self._at + MAGIC_BYTES] != ZSTD_MAGIC:
            return 0
        descriptor = self._data[self._at + MAGIC_BYTES]
        self._is_checked = bool(descriptor & ZSTD_CHECKED)
        own, dictionary, size = zstd_header(descriptor)
        self._need(MAGIC_BYTES + 1 + own + dictionary + size)
        at = self._at + MAGIC_BYTES + 1
        if own:
            exponent, eighths = divmod(self._data[at], 8)
            window = (1 << 10 + exponent) // 8 * (8 + eighths)
        else:  # all of the content
            at += dictionary
            window = int.from_bytes(self._data[at : at + size], "little") + 256 * (size == 2)
        if window > WINDOW_BYTES_MAX:
            raise Damaged(f"a window of {window} octets, more than {WINDOW_BYTES_MAX}")
        return window

    def _have(self, count: int) -> bool:
        """Whether so many octets are there or can be read."""
        try:
            self._need(count)
        except Damaged:
            return False
        return True

    def _need(self, count: int) -> None:
        """Have so many octets. Errors: Damaged."""
        while self._end - self._at < count:
            self._more()
