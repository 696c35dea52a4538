"""ECS documents on the main path: alone, or between the flow events of a capture, by time.

    for rows in documents:                 pull at the edge
        ruleset.match(rows)                state: suppression, rate limits, sequences
        sink.emit(alert)                   push at the end

A document is known at its `@timestamp`. Of one time, documents come before flow events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from sensor.engine.pipeline import AnyPipeline, Outlet
from sensor.engine.protocols import DocumentsPart, RowsPart


class OrderedDocuments(DocumentsPart, Protocol):
    """Documents in the order of their time, some at a time."""

    def __iter__(self) -> Iterator[RowsPart]: ...


class DocumentStream:
    """Gives an outlet the documents, up to a time, with the flow events that belong between them.
    """

    def __init__(self, documents: OrderedDocuments, outlet: Outlet) -> None:
        self.documents: DocumentsPart = documents
        self._batches = iter(documents)
        self._outlet = outlet
        self._rows: RowsPart | None = None
        self._times: Any = None
        self._at = 0

    def take(self, records: Any, reached_ns: int) -> None:
        """Flow events, in their order, and the time before which no other will be known."""
        known_ns = records["known_ns"]
        if len(records):
            reached_ns = max(reached_ns, int(known_ns[-1]))
        done = 0
        while self._has_row() and self._times[self._at] <= reached_ns:
            before = int(np.searchsorted(known_ns, self._times[self._at], side="left"))
            if before > done:
                self._outlet.take(records[done:before])
                done = before
            until_ns = int(known_ns[done]) if done < len(records) else reached_ns
            self._give(int(np.searchsorted(self._times, until_ns, side="right")))
        self._outlet.take(records[done:])

    def take_rest(self) -> None:
        """The documents that are left: no flow event follows."""
        while self._has_row():
            self._give(len(self._times))

    def _has_row(self) -> bool:
        """Whether there is a row to be given, read as it may have to be."""
        while self._rows is None or self._at == len(self._times):
            self._rows = next(self._batches, None)
            if self._rows is None:
                return False
            self._times, self._at = self._rows.times_ns(), 0
        return True

    def _give(self, end: int) -> None:
        assert self._rows is not None
        self._outlet.take_rows(self._rows.part(self._at, end))
        self._at = end


class DocumentsPipeline(AnyPipeline):
    """One run over documents alone. `stop` may be set from a signal handler."""

    def __init__(self, documents: OrderedDocuments, outlet: Outlet) -> None:
        super().__init__([], [], [], outlet)
        self.documents: OrderedDocuments = documents
        self.prompt = False
        self.stop = False

    @property
    def waiting(self) -> bool:
        """Whether the run is inside a read: a signal handler may then raise to end a wait."""
        return self.documents.waiting

    def steps(self) -> Iterator[None]:
        """The same in steps of one batch."""
        for rows in self.documents:
            self.outlet.take_rows(rows)
            if self.on_batch is not None:
                self.on_batch()
            yield
            if self.stop:
                self.documents.stop()
        self.stop = self.stop or self.documents.interrupted
        self.outlet.finish(self.documents.reached_ns)
        yield
