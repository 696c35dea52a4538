"""ReadAhead: a thread that reads a stream while what came before is worked on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class ReadAhead(Generic[T]):
    """Carries out reads in their order; the stream is closed by its thread alone."""

    def __init__(self, close: Callable[[], object]) -> None:
        """`close` closes the stream."""
        self._close = close
        self._wanted: SimpleQueue[Callable[[], T] | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[T | None, Exception | None]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sensor-read", daemon=True)
        self._thread.start()
        self.pending = 0
        """Reads whose result was not taken yet."""

    def start(self, read: Callable[[], T]) -> None:
        self.pending += 1
        self._wanted.put(read)

    def result(self) -> T:
        """Return what the next read gave. Errors: raises what the read raised."""
        done, error = self._done.get()
        self.pending -= 1
        if error is not None:
            raise error
        return done  # type: ignore[return-value]

    def _run(self) -> None:
        while (read := self._wanted.get()) is not None:
            try:
                self._done.put((read(), None))
            except Exception as error:  # handed over, raised by result()
                self._done.put((None, error))
        with contextlib.suppress(OSError):
            self._close()

    def close(self, ended: bool) -> None:
        """End the thread; one that waits on a silent pipe is left behind, and ends with it.

        `ended`: the stream is at its end, so that whoever reads on gets nothing, and at once.
        """
        while ended and self.pending:
            with contextlib.suppress(Exception):
                self.result()
        self._wanted.put(None)
        if not self.pending:
            self._thread.join()
