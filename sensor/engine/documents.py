"""ECS documents on the main path: alone, or between the flow events of a capture, by time.

    for rows in documents:                 pull at the edge
        ruleset.match(rows)                state: suppression, rate limits, sequences
        sink.emit(alert)                   push at the end

A document is known at its `@timestamp`. Of one time, documents come before flow events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sensor.engine.pipeline import AnyPipeline
from sensor.engine.protocols import DocumentsPart, Records
from sensor.engine.rule_stage import RuleStage
from sensor.model.merged_rows import RowsPart


class OrderedDocuments(DocumentsPart, Protocol):
    """Documents in the order of their time, some at a time."""

    def __iter__(self) -> Iterator[RowsPart]: ...


class DocumentsMerger:
    """Merges documents with flow events by time, and gives both to the rules."""

    def __init__(self, documents: OrderedDocuments, stage: RuleStage) -> None:
        self.documents: DocumentsPart = documents
        self._batches = iter(documents)
        self._stage = stage
        self._rows: RowsPart | None = None
        self._times: NDArray[np.int64] = np.empty(0, np.int64)
        self._at = 0

    def take(self, records: Records, reached_ns: int) -> None:
        """Flow events, in their order, and the time before which no other will be known."""
        known_ns = records["known_ns"]
        if len(records):
            reached_ns = max(reached_ns, int(known_ns[-1]))
        done = 0
        while self._has_row() and self._times[self._at] <= reached_ns:
            before = int(np.searchsorted(known_ns, self._times[self._at], side="left"))
            if before > done:
                self._stage.take(records[done:before])
                done = before
            until_ns = int(known_ns[done]) if done < len(records) else reached_ns
            self._give(int(np.searchsorted(self._times, until_ns, side="right")))
        self._stage.take(records[done:])

    def take_rest(self) -> None:
        """The documents that are left: no flow event follows."""
        while self._has_row():
            self._give(len(self._times))

    def _has_row(self) -> bool:
        """True if there is a row to be given, read as it may have to be."""
        while self._rows is None or self._at == len(self._times):
            self._rows = next(self._batches, None)
            if self._rows is None:
                return False
            self._times, self._at = self._rows.times_ns(), 0
        return True

    def _give(self, end: int) -> None:
        assert self._rows is not None
        self._stage.take_rows(self._rows.part(self._at, end))
        self._at = end


class DocumentsPipeline(AnyPipeline):
    """One run over documents alone. `stop` may be set from a signal handler."""

    def __init__(self, documents: OrderedDocuments, stage: RuleStage) -> None:
        super().__init__([], [], stage, documents)
        self._documents = documents
        self.stop = False

    @property
    def waiting(self) -> bool:
        """True if the run is inside a read: a signal handler may then raise to end a wait."""
        return self._documents.waiting

    def steps(self) -> Iterator[None]:
        for rows in self._documents:
            self.stage.take_rows(rows)
            yield
            if self.stop:
                self._documents.stop()
        self.stop = self.stop or self._documents.interrupted
        self.stage.finish(self._documents.reached_ns)
