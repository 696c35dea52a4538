"""Alerts and flow records as NDJSON: one JSON object a line, to standard output or to a file.

Each alert is written at once, so that `tail -f` sees it and a crash loses none. Flow records come
in large blocks. They are written by the caller: handing them to a thread was measured, and took a
tenth longer, because a block that just was rendered is still in the cache.
"""

from __future__ import annotations

import os
import select
import stat
import sys
from typing import Any

from sensor.base.escape import harmless
from sensor.ecs.alert_text import json_line
from sensor.errors import ConfigError, reason_of
from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.sinks.server_options import shown_path
from sensor.terminal.console import discard

FLOWS = "flows"
FLOW_WRITE_BYTES = 1 << 20
"""Blocks smaller than this are gathered before they are written."""


class Output:
    """An unbuffered binary stream that takes all of a write or says how much of it it took.

    A stream that is borrowed from a `parent` is not closed, and the parent is kept alive.
    """

    def __init__(self, stream: Any, *, parent: Any = None) -> None:
        self.taken = 0
        """Octets of the last write that went out before it ended or failed."""
        self._stream = stream
        self._parent = parent

    def write(self, data: bytes) -> None:
        """Write all of `data`.

        Errors: OSError; `taken` tells how far it came.
        """
        rest = memoryview(data)
        self.taken = 0
        while rest:
            count = self._stream.write(rest)
            if count is None:  # somebody made our terminal or pipe non-blocking
                select.select([], [self._stream], [])
                continue
            self.taken += count
            rest = rest[count:]

    def take_back(self, octets: int) -> bool:
        """Cut so many octets off the end of a regular file of ours; whether that was possible."""
        if self._parent is not None:
            return False
        try:
            place = os.fstat(self._stream.fileno())
            if not stat.S_ISREG(place.st_mode):
                return False
            os.ftruncate(self._stream.fileno(), place.st_size - octets)
            self._stream.seek(0, os.SEEK_END)
        except OSError:
            return False
        return True

    def discard(self) -> None:
        """Let what is written from now on vanish: the reader is gone."""
        discard(self._stream)

    def close(self) -> None:
        """Let the stream go.

        Errors: OSError.
        """
        if self._parent is None:
            self._stream.close()


class FlowFile:
    """Writes blocks of NDJSON lines and counts the lines; after opening it never raises."""

    def __init__(self, path: str, *, live: bool = False, what: str = FLOWS) -> None:
        """Start writing at the end of `path`, `-` for standard output.

        In a live run, after a write that failed the next one is tried all the same, because a full
        disk may have been cleared. A line that was torn is taken back or, where that cannot be,
        ended before the next, so that the lines after it parse.
        Errors: ConfigError if the file cannot be opened.
        """
        self.name = f"{what} {harmless(path)}"
        self.delivered = self.dropped = self.waiting = self.retried = 0
        self.error: str | None = None
        self.closed = False
        self._path = "" if path == "-" else path
        self._goes_on = live
        self._output = _stdout() if path == "-" else _opened(path, "ab", what)
        self._torn = path != "-" and _is_torn(path)
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0

    @property
    def has_content(self) -> bool:
        """True if there is something in the file that has the name now; a stream has none."""
        try:
            return bool(self._path) and os.path.getsize(self._path) > 0
        except OSError:
            return False

    def write_header(self, line: bytes) -> None:
        """Begin the file with a line that is no record."""
        self._gathered.append(line)
        self._gathered_bytes += len(line)
        self.delivered -= 1

    def write_lines(self, lines: bytes) -> None:
        """Take whole lines; small blocks are gathered before they are written."""
        if self.closed:
            self.dropped += lines.count(b"\n")
            return
        self._gathered.append(lines)
        self._gathered_bytes += len(lines)
        if self._gathered_bytes >= FLOW_WRITE_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered; what cannot be written is counted, and so is all after it."""
        if not self._gathered:
            return
        block = b"".join(self._gathered)  # makes no copy of a single member
        self._gathered, self._gathered_bytes = [], 0
        lead = b"\n" if self._torn else b""
        try:
            if lead:
                self._output.write(lead)
                self._torn = False
            self._output.write(block)
        except (OSError, ValueError) as error:
            self._failed(error)
        taken = 0 if self._torn else self._output.taken
        if taken:
            begun = taken - 1 - block.rfind(b"\n", 0, taken)
            self._torn = begun > 0 and not self._output.take_back(begun)
        written = block.count(b"\n", 0, taken)
        self.delivered += written
        if taken < len(block):
            self.dropped += block.count(b"\n") - written

    def accounted(self) -> int:
        """Records that were written or dropped; what is gathered still is neither."""
        return self.delivered + self.dropped

    def reopen(self) -> None:
        """Go on in a file newly opened by its name, after somebody moved it away; never raises."""
        if not self._path:
            return
        self.flush()
        if not self.closed:
            self._output, self.error = _reopened(self._path, self.name, self._output)
            self._torn = _is_torn(self._path)

    def close(self) -> None:
        """Write what is left and let go; never raises; a second call does nothing."""
        self.flush()
        self.closed = True
        try:
            self._output.close()
        except OSError as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self.closed = self.closed or not self._goes_on or isinstance(error, BrokenPipeError)
        if isinstance(error, BrokenPipeError):
            self._output.discard()
        else:
            self.error = self.error or f"{self.name}: {reason_of(error)}"


class JsonSink(FlowFile):
    """Writes each alert's document as one line, at once; `-` is standard output (`--json`).

    A write that fails is said once; the next alert tries again, because a full disk may have been
    cleared. Errors: ConfigError if the file cannot be opened.
    """

    def __init__(self, path: str = "-") -> None:
        super().__init__(path, live=True, what="alerts")
        if path == "-":
            self.name = "json"

    def emit(self, alert: Alert) -> None:
        try:
            line = json_line(alert.document)
        except Exception as error:  # a sink never raises
            self.dropped += 1
            self._failed(error)
        else:
            self.write_lines(line)
            self.flush()

    def notify(self, notice: Notice) -> None:
        """Nothing: the file holds alert documents only."""


def _opened(path: str, mode: str, what: str) -> Output:
    try:
        return Output(open(path, mode, buffering=0))
    except (OSError, ValueError) as error:
        place = shown_path(path)
        raise ConfigError(f"cannot write {what} to {place}: {reason_of(error)}") from None


def _reopened(path: str, name: str, before: Output) -> tuple[Output, str | None]:
    """The file that has the name now, for more at its end, and what was wrong on the way.

    If it cannot be opened the file that is open goes on being used.
    """
    try:
        output = Output(open(path, "ab", buffering=0))  # noqa: SIM115  it stays open
    except (OSError, ValueError) as error:
        return before, f"{name}: cannot be opened again: {reason_of(error)}"
    try:
        before.close()
    except OSError as error:
        return output, f"{name}: {reason_of(error)}"
    return output, None


def _stdout() -> Output:
    """Standard output below Python's buffers, where there is something below."""
    sys.stdout.flush()
    buffer = sys.stdout.buffer
    return Output(getattr(buffer, "raw", buffer), parent=sys.stdout)


def _is_torn(path: str) -> bool:
    """Return True if a file to append to ends within a line, as after a crash or a full disk."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode) or not os.path.getsize(path):
            return False
        with open(path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:  # may be written, not read
        return False
