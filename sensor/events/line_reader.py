"""Blocks: a stream as runs of whole lines, in one buffer that is filled again and again."""

from __future__ import annotations

import os
import re
import select
import stat
from collections.abc import Iterator
from io import FileIO

from sensor.compression.formats import MAGIC_BYTES, kind_of
from sensor.compression.stream import DecompressedStream, RawStream

BLOCK_BYTES = 1 << 20
START_BYTES = 4096
"""Octets within which the form of a file shows."""
STANDARD_INPUT = "-"
BOM = b"\xef\xbb\xbf"
SPARE_BYTES = 2
"""Behind what is read: for the newline that a last line may lack, and one that is looked at."""
_RECORD_END = re.compile(rb"^[}\]],?[ \t\r]*\n", re.MULTILINE)
"""The end of an object that is spread over lines: its brace stands at the left edge."""


class BlockError(ValueError):
    """A stream that cannot be cut into records."""


class Pipe:
    """A pipe, socket or terminal: gives what is there at once, and can be asked to wait a while."""

    def __init__(self, raw: FileIO) -> None:
        self._raw = raw
        self._poll = select.poll()
        self._poll.register(raw.fileno(), select.POLLIN)

    def is_ready(self, seconds: float) -> bool:
        """Return True if something comes within that time."""
        return bool(self._poll.poll(int(seconds * 1000)))

    def readinto(self, buffer: memoryview, /) -> int:
        while (count := self._raw.readinto(buffer)) is None:
            self._poll.poll()  # somebody made the pipe non-blocking
        return count

    def close(self) -> None:
        self._raw.close()


class Blocks:
    """The lines of a stream: each block is `data[:end]`, valid until the next is asked for.

    `is_spread`: records are objects over several lines, and a block has whole ones. Lines beyond
    `line_bytes_max` are left out; their numbers stand in `too_long`.
    """

    def __init__(self, path: str, line_bytes_max: int, idle_s: float) -> None:
        """Errors: OSError, DecompressError."""
        raw = FileIO(0, closefd=False) if path == STANDARD_INPUT else FileIO(path)
        self._pipe = None if stat.S_ISREG(os.fstat(raw.fileno()).st_mode) else Pipe(raw)
        self._raw: RawStream = self._pipe or raw
        self._idle_s = idle_s
        self._line_bytes_max = line_bytes_max
        self.data = bytearray(min(BLOCK_BYTES, line_bytes_max) + SPARE_BYTES)
        self.end = 0
        self.is_spread = False
        self.first_line = 0
        """Lines before this block."""
        self.too_long: list[int] = []
        self.bytes_read = 0
        """Octets of the file, compressed as they may be."""
        self.waiting = False
        """True if the stream is being read: a KeyboardInterrupt is then taken for its end."""
        self.interrupted = False
        self._filled = 0
        self._is_known = False
        """True if the form of the file is."""
        self._skipping = False
        self._stream = self._open()

    def _open(self) -> RawStream:
        """The stream of the content; its first octets are in the buffer."""
        octets = self._start_of(self._raw)
        stream: RawStream = self._raw
        if kind_of(octets):
            stream = DecompressedStream(self._raw, octets)
            octets = self._start_of(stream)
        octets = octets.removeprefix(BOM)
        self._filled = len(octets)
        self.data[: self._filled] = octets
        return stream

    def _start_of(self, stream: RawStream) -> bytes:
        """The first octets: enough to tell a compression or a byte order mark."""
        start = bytearray(MAGIC_BYTES)
        filled, count = 0, 1
        while count and filled < MAGIC_BYTES:
            count = self._read(stream, memoryview(start)[filled:])
            filled += count
        return bytes(start[:filled])

    def __iter__(self) -> Iterator[bool]:
        """True for each block; False where nothing comes for a while. Errors: as the stream's."""
        more = True
        while more:
            while self._pipe is not None and not self._is_ready(self._pipe):
                yield False
                if self._stream is not self._pipe:  # what decompresses may hold something still
                    break
            count = self._read(self._stream, memoryview(self.data)[self._filled : -SPARE_BYTES])
            more = count > 0
            self._filled += count
            if not more:
                self._end_last_line()
            if self._skipping:
                self._skip()
            self.end = self._cut(not more)
            if self.end:
                yield True
                self.first_line += self.data.count(b"\n", 0, self.end)
                self._keep_from(self.end)
            elif self._filled == len(self.data) - SPARE_BYTES:
                self._grow()

    def _is_ready(self, pipe: Pipe) -> bool:
        try:
            try:
                self.waiting = True
                return pipe.is_ready(self._idle_s)
            finally:
                self.waiting = False
        except KeyboardInterrupt:
            self.interrupted = True
            return True

    def _read(self, stream: RawStream, room: memoryview) -> int:
        if self.interrupted:
            return 0
        try:
            try:
                self.waiting = True
                count = stream.readinto(room) or 0
            finally:
                self.waiting = False
        except KeyboardInterrupt:
            self.interrupted = True
            return 0
        if isinstance(stream, DecompressedStream):
            self.bytes_read = stream.compressed_read
        else:
            self.bytes_read += count
        return count

    def _end_last_line(self) -> None:
        if self._filled and self.data[self._filled - 1] != 10:
            self.data[self._filled] = 10
            self._filled += 1

    def _cut(self, is_last: bool) -> int:
        """Return the end of the last whole line (or object) that is there; 0: there is none yet."""
        if not self._is_known:
            self._is_known = self._look_at_start(is_last)
            if not self._is_known:
                return 0
        if is_last:
            return self._filled
        if not self.is_spread:
            return self.data.rfind(b"\n", 0, self._filled) + 1
        ends = [found.end() for found in _RECORD_END.finditer(self.data, 0, self._filled)]
        return ends[-1] if ends else 0

    def _look_at_start(self, is_last: bool) -> bool:
        """Tell the form of the file by its first two lines; False: they are not there yet."""
        start = bytes(self.data[: min(self._filled, START_BYTES)])
        whole = start.rpartition(b"\n")[0]
        lines = [line.strip() for line in whole.split(b"\n") if line.strip()]
        enough = is_last or len(start) == START_BYTES
        if not lines:
            return enough
        if lines[0] == b"[" and len(lines) == 1 and not enough:
            return False
        self.is_spread = lines[0] in (b"{", b"[{") or (
            lines[0] == b"[" and len(lines) > 1 and lines[1] == b"{")
        return True

    def records(self) -> Iterator[tuple[int, int]]:
        """Return the places of a block's objects, if they are spread over lines."""
        start = 0
        for found in _RECORD_END.finditer(self.data, 0, self.end):
            yield start, found.end()
            start = found.end()
        if start < self.end:
            yield start, self.end

    # --- lines that are longer than a buffer

    def _grow(self) -> None:
        """Room for the rest of a long line; one that is too long is passed over."""
        if self._filled < self._line_bytes_max:
            size = min(2 * len(self.data), self._line_bytes_max + SPARE_BYTES)
            grown = bytearray(size)
            grown[: self._filled] = self.data[: self._filled]
            self.data = grown
        elif self.is_spread:
            raise BlockError(f"an object of more than {self._line_bytes_max} octets")
        else:
            self.too_long.append(self.first_line + 1)
            self._skipping = True
            self._filled = 0

    def _skip(self) -> None:
        """Pass over what is left of a line that is too long."""
        end = self.data.find(b"\n", 0, self._filled) + 1
        if end:
            self._skipping = False
            self.first_line += 1
        self._keep_from(end or self._filled)

    def _keep_from(self, at: int) -> None:
        rest = bytes(self.data[at : self._filled])
        self.data[: len(rest)] = rest
        self._filled = len(rest)

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()
