"""Flow records in a live run: a bounded queue in front of the file, so that capture never waits.

Records are rendered in the thread: they are a fifth of the size before that, so the same memory
holds more of them, and rendering releases the interpreter, so that the table goes on meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections import deque

from sensor.flow import FlowBatch
from sensor.sinks.flow_files import FlowSink
from sensor.status import SinkStatus

FLUSH_S = 1.0
"""How long gathered records may wait to be written."""


class BackgroundFlows:
    """A flow sink for a live run: takes at once, writes from its own thread.

    What does not fit into `bytes_max` is dropped and counted.
    """

    def __init__(self, sink: FlowSink, bytes_max: int, drain_s: float) -> None:
        self.name = sink.name
        self.stuck = False
        """Whether the thread still hangs in a write after `close`: then end by `os._exit`."""
        self.delivered = self.dropped = 0
        self._taken = 0
        self._sink = sink
        self._bytes_max = bytes_max
        self._drain_s = drain_s
        self._batches: deque[FlowBatch | None] = deque()
        """None is the order to open the file anew, in its place between the batches."""
        self._bytes = 0
        self._error = self._reopen_error = sink.error
        self._refused = 0
        """Records that found no room."""
        self._closing = self._abandoned = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"sink {self.name}", daemon=True)
        self._thread.start()

    def write(self, flows: FlowBatch) -> None:
        """Take a batch, or count its records as dropped."""
        size = flows.records.nbytes
        with self._changed:
            self._taken += flows.count
            if self._closing or (self._bytes and self._bytes + size > self._bytes_max):
                self._refused += flows.count
                self.dropped += flows.count
                return
            self._batches.append(flows)
            self._bytes += size
            self._changed.notify()

    def flush(self) -> None:
        """Nothing: the thread sees to it once a second."""

    def reopen(self) -> None:
        with self._changed:
            if not self._closing and not (self._batches and self._batches[-1] is None):
                self._batches.append(None)
                self._changed.notify()

    def close(self) -> None:
        """Write what waits, as long as that takes at most `drain_s`; the rest is counted."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._changed.notify()
        self._thread.join(self._drain_s)
        with self._changed:
            self.stuck = self._thread.is_alive()
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
            return SinkStatus(self.name, self.delivered, self.dropped, 0, waiting, self.error)

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
                self._sink.write(batch)
                size = batch.records.nbytes
                del batch
            elif found:
                self._sink.reopen()
                self._reopen_error = self._sink.error
            if ends:
                self._sink.close()
            elif time.monotonic() - flushed_s >= FLUSH_S:
                self._sink.flush()
                flushed_s = time.monotonic()
            self._count(size)
            if ends or self._abandoned:
                return

    def _count(self, size: int) -> None:
        """What the file's accounts say by now; what it gathered still waits."""
        with self._changed:
            if not self._abandoned:
                self._bytes -= size
                if self._refused + self._sink.dropped > self.dropped:
                    self._error = self._sink.error
                elif self._sink.delivered > self.delivered:
                    self._error = None
                self.delivered = self._sink.delivered
                self.dropped = self._refused + self._sink.dropped
