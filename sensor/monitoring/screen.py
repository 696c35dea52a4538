"""Output to the operator of a live run: standard error and the view, in a thread of its own.

A terminal that is stopped (^S), or a pipe that nobody reads, blocks whoever writes to it. That must
not be the thread that works on frames.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from functools import partial

from sensor.model.status import Status
from sensor.terminal.status_view import StatusView
from sensor.terminal.stderr import print_stderr

LINES_MAX = 1000
"""Lines that wait while nothing can be written; older ones are left out, and counted."""
PATIENCE_S = 5.0
"""The longest that the end waits for what is still to be written."""


class Screen:
    """Prints lines and draws statuses, in order, as soon as that is possible; never blocks."""

    def __init__(self, view: StatusView) -> None:
        self._view = view
        self.shown = view.shown
        """True if there is a view that a status can be drawn on."""
        self._lines: deque[str] = deque()
        self._left_out = 0
        self._status: Status | None = None
        self._last_words: list[Callable[[], None]] = []
        self._busy = False
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="sensor-screen", daemon=True)
        self._thread.start()

    def print_line(self, line: str) -> None:
        """Print a line, above the view where there is one."""
        with self._changed:
            if len(self._lines) >= LINES_MAX:
                self._lines.popleft()
                self._left_out += 1
            self._lines.append(line)
            self._changed.notify_all()

    def draw(self, status: Status) -> None:
        """Draw a status; one that was not drawn yet is replaced."""
        if self.shown:
            with self._changed:
                self._status = status
                self._changed.notify_all()

    def flush(self, patience_s: float = PATIENCE_S) -> bool:
        """Wait until everything has been written; False if that takes too long."""
        with self._changed:
            return self._changed.wait_for(self._is_idle, patience_s)

    def end_with(self, last_words: Callable[[], None]) -> bool:
        """Take the view away, let `last_words` print, and end; False if the terminal is stuck."""
        with self._changed:
            self._status = None
            self._last_words = [self._view.close, last_words]
            self._closed = True
            self._changed.notify_all()
        self._thread.join(PATIENCE_S)
        return not self._thread.is_alive()

    def _is_idle(self) -> bool:
        return not self._busy and not self._lines and self._status is None

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closed or not self._is_idle())
                lines, self._lines = self._lines, deque()
                status, self._status = self._status, None
                left_out, self._left_out = self._left_out, 0
                last_words, self._last_words = self._last_words, []
                closed = self._closed
                self._busy = True
            if left_out:
                lines.appendleft(f"sensor: {left_out} lines could not be shown in time")
            todo: list[Callable[[], None]] = [partial(self._print, line) for line in lines]
            if status is not None:
                todo.append(partial(self._view.update, status))
            for words in (*todo, *last_words):
                # Nobody reads, perhaps for a moment only. SystemExit: rich's word for that.
                with contextlib.suppress(OSError, SystemExit):
                    words()
            if closed:
                return

    def _print(self, line: str) -> None:
        if not self._view.print_line(line):
            print_stderr(line)
