"""One direction of a connection as messages of HTTP/1 (RFC 9112), however it is cut.

    head -> body by its length, in chunks, or up to the end -> head ...

Behind missing octets, behind a response that is longer than it should be, and where a capture
begins within a connection, the next start line is looked for. Who owns a reader says where bodies
end: that of a response hangs on its request.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from sensor.protocols.analyzer import SERVER, Moment
from sensor.protocols.beginnings import METHOD_MAX, begins_no_http
from sensor.protocols.http.framing import CHUNKED, CLOSE, LENGTH, UNCLEAR, Framing
from sensor.protocols.http.message import Message, has_start_line, message_of

HEAD_MAX = 64 * 1024
"""Octets of a head, and of the trailers behind chunks."""
CHUNK_LINE_MAX = 4096
SOUGHT_LINE_MAX = 8192
"""Octets of a line that is looked at for a start line."""
SOUGHT_MAX = 256 * 1024
"""Octets in which none was found: then none is looked for any more."""
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
_SOUGHT = (
    re.compile(rb"(?:GET|POST|HEAD|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE) \S+ HTTP/1\.[01]\r?\Z"),
    re.compile(rb"HTTP/1\.[01] [1-5]\d\d(?: [^\r\n]*)?\r?\Z"),
)
"""Start lines of client and server; before them a body without an end of line may stand."""


class Owner(Protocol):
    """Whoever the messages are for."""

    def begin(self, side: int, message: Message) -> Framing:
        """A head is there: where does its body end?"""

    def end(self, side: int, message: Message) -> None:
        """Nothing more of a message comes."""


class Reader:
    """The messages of one side."""

    def __init__(self, side: int, owner: Owner) -> None:
        self.is_stopped = False
        """What follows cannot be read."""
        self.is_refused = False
        """Because of a line or a head that is none: whoever answers to it is still listened to."""
        self._side = side
        self._owner = owner
        self._waiting = bytearray()
        self._step: Callable[[Moment], bool] = self._read_head
        """Takes something of what waits; false if it has to wait for more."""
        self._first: Moment | None = None
        self._searched = 0
        """Octets of a head that hold no end of it."""
        self._has_start_line = False
        self._message: Message | None = None
        self._left = 0
        """Octets of a body or a chunk that are still to come; of trailers those that may."""
        self._sought = 0
        self._is_in_line = False
        """A line that is too long for a start line goes on."""
        self._has_read = False
        """A whole message was read."""
        self._is_behind_excess = False
        """Octets that belong to no message stand before the next one."""

    @property
    def held_bytes(self) -> int:
        """Octets that belong to no message yet."""
        return len(self._waiting)

    def feed(self, octets: bytes, moment: Moment) -> None:
        """The next octets."""
        if self.is_stopped:
            return
        message = self._message
        if message is not None:
            message.last = moment
            if self._left > len(octets) and not self._waiting and self._step == self._read_body:
                self._left -= len(octets)
                message.add(octets)
                return
        self._waiting += octets
        while not self.is_stopped and self._step(moment):
            pass

    def gap(self, count: int, moment: Moment) -> bool:
        """So many octets are missing; false if it is not known where the next message begins."""
        message = self._message
        if message is not None and not self.is_stopped:
            if self._step == self._read_rest:
                message.miss(count)
                return True
            if self._left > count and self._step in (self._read_body, self._read_chunk):
                self._left -= count
                message.miss(count)
                return True
            message.miss(min(self._left, count) if self._step == self._read_body else 0)
            self._end(is_complete=False)
        self._waiting.clear()
        self._seek()
        return False

    def close(self) -> None:
        """Nothing follows."""
        if self._message is not None and not self.is_stopped:
            self._end(is_complete=self._step == self._read_rest)
        self.is_stopped = True

    def _seek(self) -> None:
        """Look for the next start line."""
        self._step = self._seek_start
        self._sought = 0
        self._is_in_line = False

    def _seek_start(self, moment: Moment) -> bool:
        end = self._waiting.find(b"\n", 0, SOUGHT_LINE_MAX)
        if end < 0:
            if len(self._waiting) >= SOUGHT_LINE_MAX:
                self._drop(SOUGHT_LINE_MAX)
                self._is_in_line = True
                return True
            return False
        found = None
        if not self._is_in_line:
            found = _SOUGHT[self._side].search(self._waiting, 0, end)
        self._is_in_line = False
        if found is None:
            self._drop(end + 1)
            return True
        del self._waiting[: found.start()]
        self._begin_head()
        return True

    def _drop(self, count: int) -> None:
        """Pass over octets in which no message begins."""
        del self._waiting[:count]
        self._sought += count
        self.is_stopped = self._sought > SOUGHT_MAX

    def _begin_head(self) -> None:
        self._message, self._first = None, None
        self._searched, self._has_start_line = 0, False
        self._step = self._read_head

    def _read_head(self, moment: Moment) -> bool:
        waiting = self._waiting
        if self._first is None:
            while waiting and waiting[0] in (13, 10):  # RFC 9112 2.2: empty lines may come before
                del waiting[:1]
            if not waiting:
                return False
            self._first = moment
        if not self._has_start_line and not self._check_start_line():
            return self._step == self._seek_start
        end = self._end_of_head()
        if end is None:
            return False
        message = self._message = message_of(self._side, bytes(waiting[:end]), self._first, moment)
        del waiting[:end]
        if self._is_behind_excess:
            self._is_behind_excess = False
            message.strange("excess_octets")
        self._begin_body(self._owner.begin(self._side, message))
        return True

    def _begin_body(self, framing: Framing) -> None:
        """Behind the head follows what the framing says."""
        self._left = framing.length
        if framing.kind == UNCLEAR:
            self._stop()
        elif framing.kind == CHUNKED:
            self._step = self._read_chunk_size
        elif framing.kind == CLOSE:
            self._step = self._read_rest
        elif framing.kind == LENGTH and framing.length:
            self._step = self._read_body
        else:
            self._end(is_complete=True)

    def _end_of_head(self) -> int | None:
        """The place behind the empty line; None if it is not there."""
        start = max(self._searched - 2, 0)
        ends = [end + len(mark) for mark in (b"\n\r\n", b"\n\n")
                if (end := self._waiting.find(mark, start, HEAD_MAX)) >= 0]
        if not ends:
            self._searched = len(self._waiting)
            self.is_stopped = self.is_refused = len(self._waiting) >= HEAD_MAX
        return min(ends, default=None)

    def _check_start_line(self) -> bool:
        """True once the first line is there; whoever says something else is not listened to."""
        waiting = self._waiting
        if begins_no_http(self._side, waiting[: METHOD_MAX + 1]):
            self._pass_over()
            return False
        end = waiting.find(b"\n", self._searched, HEAD_MAX)
        if end < 0:
            self._searched = len(waiting)
            self.is_stopped = self.is_refused = len(waiting) >= HEAD_MAX
            return False
        self._has_start_line = has_start_line(self._side, bytes(waiting[:end]).removesuffix(b"\r"))
        self.is_stopped = self.is_refused = not self._has_start_line
        self._searched = end
        return self._has_start_line

    def _pass_over(self) -> None:
        """What comes is no start line. Servers send bodies where none may be, as to HEAD: behind
        one of their messages the next is looked for.
        """
        if self._side == SERVER and self._has_read:
            self._is_behind_excess = True
            self._seek()
        else:
            self.is_stopped = True

    def _read_body(self, moment: Moment) -> bool:
        if not self._take():
            return False
        self._end(is_complete=True)
        return True

    def _take(self) -> bool:
        """Take what is there of a body or a chunk; true if all of it is."""
        assert self._message is not None
        part = self._waiting[: self._left]
        del self._waiting[: len(part)]
        self._left -= len(part)
        self._message.add(part)
        return not self._left

    def _read_rest(self, moment: Moment) -> bool:
        assert self._message is not None
        self._message.add(self._waiting)
        self._waiting.clear()
        return False

    def _line(self, most: int) -> bytes | None:
        """The next line of a chunked body, without its end; None if it is not there."""
        assert self._message is not None
        end = self._waiting.find(b"\n", 0, most)
        if end < 0:
            if len(self._waiting) >= most:
                self._stop("chunk_invalid")
            return None
        line = bytes(self._waiting[:end])
        del self._waiting[: end + 1]
        self._message.octets += end + 1
        if line[-1:] != b"\r":
            self._message.strange("bare_lf")
        return line.removesuffix(b"\r")

    def _read_chunk_size(self, moment: Moment) -> bool:
        line = self._line(CHUNK_LINE_MAX)
        if line is None:
            return False
        size = line.partition(b";")[0].strip(b" \t")
        if _CHUNK_SIZE.fullmatch(size) is None:
            self._stop("chunk_invalid")
            return False
        self._left = int(size, 16)
        self._step = self._read_chunk
        if not self._left:
            self._step, self._left = self._read_trailer, HEAD_MAX
        return True

    def _read_chunk(self, moment: Moment) -> bool:
        if not self._take():
            return False
        self._step = self._read_chunk_end
        return True

    def _read_chunk_end(self, moment: Moment) -> bool:
        line = self._line(2)
        if line:
            self._stop("chunk_invalid")
        if line != b"":
            return False
        self._step = self._read_chunk_size
        return True

    def _read_trailer(self, moment: Moment) -> bool:
        line = self._line(self._left)
        if line is None:
            return False
        self._left -= len(line) + 1
        if not line:
            self._end(is_complete=True)
        elif self._left <= 0:
            self._stop("chunk_invalid")
        return True

    def _stop(self, anomaly: str = "") -> None:
        """Nobody can say where the next message begins."""
        assert self._message is not None
        if anomaly:
            self._message.strange(anomaly)
        self.is_stopped = True
        self._end(is_complete=False)

    def _end(self, *, is_complete: bool) -> None:
        message = self._message
        assert message is not None
        message.has_ended, message.is_complete = True, is_complete
        self._has_read |= is_complete
        self._left = 0
        self._begin_head()
        self._owner.end(self._side, message)
