"""Window: a stream of octets as a sliding window, so that no record ever straddles two reads.

Two buffers take turns. While one is walked, a thread reads ahead into the other (`readinto`
releases the GIL); what is left of the first, a record cut in two, is then moved in front of what
was read, into the headroom kept there:

    headroom | body          the buffer that was walked: ......... [left]
                             the buffer that was read:     [left][body......]

Where nothing is read ahead, both are the same buffer: half as much of the cache is used. Where
reading takes longer than all the rest, more buffers than one are read ahead, so that it does
not wait when the rest has something else to do. The buffers are small enough to stay in the
processor's cache. A file that shrinks while it is read is a short read, and a pipe is read like a
file.
"""

from __future__ import annotations

import select
from collections import deque
from dataclasses import dataclass
from functools import partial

from sensor.capture.files.read_ahead import ReadAhead
from sensor.compression.stream import RawStream

WINDOW_BYTES = 512 * 1024
"""Octets asked for in one read."""


class PipeStream:
    """A pipe, socket or terminal: gives what is there at once, waits only where nothing is.

    Without it a window would hold one pipe buffer's worth of frames, and each batch has its price.
    """

    def __init__(self, raw: RawStream, fileno: int) -> None:
        self._raw = raw
        self._poll = select.poll()
        self._poll.register(fileno, select.POLLIN)

    def readinto(self, buffer: memoryview, /) -> int:
        filled = self._read(buffer)
        while 0 < filled < len(buffer) and self._poll.poll(0):
            count = self._read(buffer[filled:])
            if count == 0:  # the end: the next call meets it again
                break
            filled += count
        return filled

    def _read(self, buffer: memoryview) -> int:
        while (count := self._raw.readinto(buffer)) is None:
            self._poll.poll()  # somebody made the pipe non-blocking
        return count

    def close(self) -> None:
        self._raw.close()


class RecordingStream:
    """A stream that remembers what was read from it, so that it can be read again."""

    def __init__(self, raw: RawStream) -> None:
        self._raw = raw
        self.recorded = bytearray()

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._raw.readinto(buffer) or 0
        self.recorded += buffer[:count]
        return count

    def close(self) -> None:
        """Leave the stream below open: it is read on."""


class PrefixedStream:
    """Octets already read, then the rest of the stream they came from."""

    def __init__(self, prefix: bytes | bytearray, raw: RawStream) -> None:
        self._prefix = memoryview(bytes(prefix))
        self.raw = raw

    def readinto(self, buffer: memoryview, /) -> int | None:
        if not self._prefix:
            return self.raw.readinto(buffer)
        count = min(len(buffer), len(self._prefix))
        buffer[:count] = self._prefix[:count]
        self._prefix = self._prefix[count:]
        return count

    def close(self) -> None:
        self.raw.close()


@dataclass(frozen=True, slots=True)
class Buffer:
    """Memory for one read, with room in front of it."""

    data: bytearray
    head: int
    """Octets of headroom."""


class Window:
    """The octets of a stream from `at` to `end` of `data`; `base + i` is the offset of `data[i]`.

    What `data` holds is valid until the next `fill`.
    """

    def __init__(
        self,
        stream: RawStream,
        *,
        window_bytes: int = WINDOW_BYTES,
        ahead: int = 1,
    ) -> None:
        """`ahead`: how many reads a thread may be ahead; 0: there is no thread."""
        self._stream = stream
        self._window_bytes = window_bytes
        self._head = window_bytes // 2
        self.data = bytearray(self._head + window_bytes)
        self._free: list[Buffer] = []
        self._reading: deque[Buffer] = deque()
        """Buffers that the thread reads into, in this order."""
        self.at = self.end = self._head
        self.base = -self._head
        self.ended = False
        self._ahead_max = ahead
        self._ahead: ReadAhead[int | None] | None = None
        self._closed = False

    @property
    def size(self) -> int:
        """The octets that the stream gave so far; at its end, its length."""
        return self.base + self.end

    def fill(self, at: int, need: int) -> bool:
        """Read on until `need` octets stand from position `at` on; False if the stream ends first.

        `at` may lie beyond `end`: what is between is skipped, never stored.
        Errors: OSError as the stream raised it.
        """
        self.at = at
        if not self.ended and not self._has(need):
            self._turn()
            while not self.ended and not self._has(need):
                self._append(need)
            if self._ahead_max and not self.ended and self.size >= self._window_bytes:
                self._read_ahead()
        return self._has(need)

    def _has(self, need: int) -> bool:
        return self.end - self.at >= need

    def _turn(self) -> None:
        """Change to another buffer; what is left moves to before what was read into that one."""
        left = max(self.end - self.at, 0)
        self._free.append(Buffer(self.data, self._head))  # the next one, if none is being read
        other, count = self._next_read() if self._reading else (self._free_buffer(), None)
        if left > other.head:
            other = self._with_headroom(other, left, count or 0)
        other.data[other.head - left : other.head] = self.data[self.end - left : self.end]
        self._shift(self.end - other.head)
        self.data, self._head = other.data, other.head
        if count is not None:
            self._read(count)

    def _next_read(self) -> tuple[Buffer, int]:
        """The buffer that was read into first, and how much. Errors: as the stream raises them."""
        assert self._ahead is not None
        return self._reading.popleft(), self._ahead.result() or 0

    def _free_buffer(self) -> Buffer:
        if self._free:
            return self._free.pop()
        head = self._window_bytes // 2
        return Buffer(bytearray(head + self._window_bytes), head)

    def _with_headroom(self, buffer: Buffer, head: int, count: int) -> Buffer:
        """A buffer with that much headroom and the `count` octets that were read into this one."""
        data = bytearray(head + self._window_bytes)
        data[head : head + count] = buffer.data[buffer.head : buffer.head + count]
        return Buffer(data, head)

    def _shift(self, by: int) -> None:
        """The octets stand `by` places further left than before."""
        self.at -= by
        self.end -= by
        self.base += by

    def _append(self, need: int) -> None:
        """Read once behind what is there, in a larger buffer if `need` octets ask for one."""
        if self.at >= self.end:
            self._shift(self.end - self._head)  # nothing is to be kept
        buffer, count = self._next_read() if self._reading else (None, 0)
        if self.at < self.end:
            self._make_room(max(self.at + need, self.end + count))
        room = memoryview(self.data)[self.end : self.end + self._window_bytes]
        if buffer is None:
            count = self._stream.readinto(room) or 0
        else:
            room[:count] = memoryview(buffer.data)[buffer.head : buffer.head + count]
            self._free.append(buffer)
        self._read(count)

    def _make_room(self, end: int) -> None:
        """Have the buffer reach that far; what is kept moves to its front if it must be larger."""
        if end > len(self.data):
            grown = bytearray(self._head + end - self.at + self._window_bytes)
            left = self.end - self.at
            grown[self._head : self._head + left] = self.data[self.at : self.end]
            self.data = grown
            self._shift(self.at - self._head)

    def _read(self, count: int) -> None:
        self.end += count
        self.ended = count == 0

    def _read_ahead(self) -> None:
        if self._ahead is None:
            self._ahead = ReadAhead(self._stream.close)
        while len(self._reading) < self._ahead_max:
            buffer = self._free_buffer()
            self._reading.append(buffer)
            room = memoryview(buffer.data)[buffer.head : buffer.head + self._window_bytes]
            self._ahead.start(partial(self._stream.readinto, room))

    def close(self) -> None:
        """Close the stream. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._ahead is None:
            self._stream.close()
        else:
            self._ahead.close(self.ended)
        self.ended = True
