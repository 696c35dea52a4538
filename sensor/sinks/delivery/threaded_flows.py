"""Flow records in a live run: a bounded queue in front of the file, so that capture never waits.

Records are rendered in the thread: they are a fifth of the size before that, so the same memory
holds more of them, and rendering releases the interpreter, so that the table goes on meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from sensor.errors import reason_of
from sensor.model.status import RECORDS, SinkStatus
from sensor.sinks.base import Batch, FlowSink

FLUSH_S = 1.0
"""The longest that gathered records wait to be written."""


class ThreadedFlows:
    """A flow sink for a live run: takes at once, writes from its own thread.

    What does not fit into `bytes_max` is dropped and counted; once `be_patient` was called it is
    waited for instead, as long as the thread gets on.
    """

    def __init__(self, sink: FlowSink, bytes_max: int, drain_s: float) -> None:
        self.name = sink.name
        self.stuck = False
        """True if the thread still hangs in a write after `close`: then end by `os._exit`."""
        self.delivered = self.dropped = 0
        self._taken = 0
        self._sink = sink
        self._bytes_max = bytes_max
        self._drain_s = drain_s
        self._batches: deque[Batch | None] = deque()
        """None is the order to open the file anew, in its place between the batches."""
        self._bytes = 0
        self._error = self._reopen_error = sink.error
        self._lost = 0
        """Records that never reached the file: there was no room, or they could not be rendered."""
        self._patient = self._ended = False
        self._moved_s = 0.0
        """When the thread last got on with what waits, or was given something to do."""
        self._closing = self._abandoned = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"sink {self.name}", daemon=True)
        self._thread.start()

    def write(self, flows: Batch) -> None:
        """Take a batch, or count its records as dropped."""
        size = flows.nbytes

        def has_room() -> bool:
            return not self._bytes or self._bytes + size <= self._bytes_max

        with self._changed:
            self._taken += flows.count
            if not (self._closing or has_room()) and self._patient:
                self._wait_for(has_room)
            if self._closing or not has_room():
                self._lost += flows.count
                self.dropped += flows.count
                return
            if not self._bytes:
                self._moved_s = time.monotonic()
            self._batches.append(flows)
            self._bytes += size
            self._changed.notify_all()

    def be_patient(self) -> None:
        """From now on `write` waits for room; it gives up `drain_s` after the last batch that went.

        Called when nothing is captured any more: waiting costs no frames then. Takes no lock, so a
        signal handler may call it.
        """
        if not self._patient:
            self._moved_s = time.monotonic()
            self._patient = True

    def _wait_for(self, done: Callable[[], bool]) -> None:
        """Until it is done, or the thread has not got on for `drain_s`; the lock is held."""
        while not done():
            left_s = self._moved_s + self._drain_s - time.monotonic()
            if left_s <= 0:
                return
            self._changed.wait(left_s)

    def flush(self) -> None:
        """Nothing: the thread sees to it once a second."""

    def reopen(self) -> None:
        with self._changed:
            if not self._closing and not (self._batches and self._batches[-1] is None):
                self._batches.append(None)
                self._changed.notify_all()

    def close(self) -> None:
        """Write what waits and end the file, however long that takes, as long as it gets on.

        Once nothing has moved for `drain_s` the rest is counted as dropped.
        """
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._moved_s = time.monotonic()
            self._changed.notify_all()
            self._wait_for(lambda: self._ended)
            self.stuck = not self._ended
            self._abandoned = True
            self._batches.clear()
            self.dropped = self._taken - self.delivered

    @property
    def retried(self) -> int:
        return 0

    @property
    def waiting(self) -> int:
        """Records that were taken and are neither written nor dropped yet."""
        with self._changed:
            return self._taken - self.delivered - self.dropped

    @property
    def error(self) -> str | None:
        return self._error or self._reopen_error

    def accounted(self) -> int:
        with self._changed:
            return self._taken

    def status(self) -> SinkStatus:
        """The accounts, read at one moment."""
        with self._changed:
            waiting = self._taken - self.delivered - self.dropped
            return SinkStatus(
                self.name, self.delivered, self.dropped, 0, waiting, self.error, RECORDS
            )

    def _run(self) -> None:
        flushed_s = time.monotonic()
        while True:
            with self._changed:
                if not (self._batches or self._closing):
                    self._changed.wait(FLUSH_S)
                found = bool(self._batches)
                batch = self._batches.popleft() if found else None
                ends = not found and self._closing
            size = 0
            if batch is not None:
                self._guarded(partial(self._sink.write, batch), batch.count)
                size = batch.nbytes
                del batch
            elif found:
                self._guarded(self._sink.reopen)
                self._reopen_error = self._sink.error
            if ends:
                self._guarded(self._sink.close)
            elif time.monotonic() - flushed_s >= FLUSH_S:
                self._guarded(self._sink.flush)
                flushed_s = time.monotonic()
            self._count(size, ends=ends)
            if ends or self._abandoned:
                return

    def _guarded(self, action: Callable[[], None], records: int = 0) -> None:
        """Do it; sinks do not raise, but one that does must not end the thread.

        So many `records` are lost then.
        """
        try:
            action()
        except Exception as error:
            with self._changed:
                self._error = f"{self.name}: {reason_of(error)}"
                if not self._abandoned:
                    self._lost += records
                    self.dropped += records

    def _count(self, size: int, *, ends: bool) -> None:
        """Take over the file's counters as of now; what it gathered still waits."""
        with self._changed:
            self._ended = ends
            if not self._abandoned:
                self._bytes -= size
                if self._lost + self._sink.dropped > self.dropped:
                    self._error = self._sink.error
                elif self._sink.delivered > self.delivered:
                    self._error = None
                if size:
                    self._moved_s = time.monotonic()
                self.delivered = self._sink.delivered
                self.dropped = self._lost + self._sink.dropped
            self._changed.notify_all()
