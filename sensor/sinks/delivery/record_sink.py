"""Flow records and protocol events to a server: blocks of them, by the engine that alerts have.

    write -> SinkQueue -> thread: blocks become messages -> Forwarder, with its spool
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sensor.sinks.base import Batch
from sensor.sinks.delivery.queue import BLOCK_RECORDS, Block, SinkQueue
from sensor.sinks.delivery.threaded_sink import ThreadedSink, Worker


class RecordSink(ThreadedSink):
    """A receiver of batches that takes at once and delivers from its own thread.

    What waits is rendered in that thread, and is a fifth of the size before that.
    """

    def __init__(
        self, queued: SinkQueue, worker: Worker, drain_s: float,
        render: Callable[[Sequence[Batch]], bytes], *, patience_s: float = 0.0,
    ) -> None:
        super().__init__(queued, worker, drain_s, patience_s=patience_s)
        self._render = render

    def write(self, flows: Batch) -> None:
        """Take a batch, or count its records as dropped."""
        for first in range(0, flows.count, BLOCK_RECORDS):
            part = flows.part(first, min(first + BLOCK_RECORDS, flows.count))
            self._queued.put(Block((part,), self._render), self._patience_s)

    def flush(self) -> None:
        """Nothing: nothing is gathered for longer than the server takes for what was before."""

    def be_patient(self) -> None:
        """From now on `write` waits for room: nothing is captured any more."""
        self._patience_s = self._patience_s or self._drain_s
