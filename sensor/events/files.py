"""EventFiles: ECS documents from files and standard input, in the order of their time, as rows."""

from __future__ import annotations

import heapq
import os
from collections.abc import Collection, Iterable, Iterator

from sensor.base.escape import harmless
from sensor.config import EventLimits
from sensor.errors import CaptureError
from sensor.events.line_reader import STANDARD_INPUT
from sensor.events.reader import EventReader
from sensor.events.reorder import Sorter, Timed
from sensor.model.status import Input
from sensor.query.document_rows import DocumentRows
from sensor.query.required_terms import Clauses

ROWS_MAX = 8192
"""Documents that the rules see at once, from several files."""


class EventFiles:
    """The documents of files, of which each is nearly in the order of time, merged by time.

    Iterating, once, gives batches of rows in order. What is wrong with a file stands in `inputs`;
    its good lines are given all the same. `needs` are the clauses of each rule
    (query/required_terms.py): lines that lack them are counted and not parsed; None: all are.
    """

    def __init__(
        self, paths: Iterable[str], needs: Collection[Clauses] | None = None,
        limits: EventLimits | None = None, *, always: bool = False
    ) -> None:
        self._limits = limits or EventLimits()
        self._readers = [EventReader(path, needs, self._limits, always=always) for path in paths]
        self._sorters = [Sorter(self._limits.sort_documents, self._limits.sort_bytes)
                         for _ in self._readers]
        self._stopped = False
        self.inputs = [Input(reader.path) for reader in self._readers]
        self.bytes_total = _total_bytes([reader.path for reader in self._readers])

    def __iter__(self) -> Iterator[DocumentRows]:
        if len(self._readers) == 1:
            for part in self._sorted(0):
                yield _rows(part)
            return
        merged = heapq.merge(*(self._one_by_one(index) for index in range(len(self._readers))),
                             key=lambda timed: timed[0])
        batch: list[Timed] = []
        for timed in merged:
            batch.append(timed)
            if len(batch) == ROWS_MAX:
                yield _rows(batch)
                batch = []
        if batch:
            yield _rows(batch)

    def _one_by_one(self, index: int) -> Iterator[Timed]:
        for part in self._sorted(index):
            yield from part

    def _sorted(self, index: int) -> Iterator[list[Timed]]:
        """The documents of one file in order, some at a time."""
        sorter = self._sorters[index]
        try:
            for taken in self._readers[index]:
                part = sorter.take_all() if taken is None else sorter.add(*taken)
                if part:
                    yield part
                if self.interrupted:
                    break
        except CaptureError as error:
            self.inputs[index].error = harmless(str(error))
        if part := sorter.take_all():
            yield part

    @property
    def waiting(self) -> bool:
        """True if a file is being read: a KeyboardInterrupt then ends the reading, and is taken."""
        return any(reader.blocks is not None and reader.blocks.waiting for reader in self._readers)

    @property
    def interrupted(self) -> bool:
        """True if such an interrupt, or `stop`, ended the reading."""
        return self._stopped or any(
            reader.blocks is not None and reader.blocks.interrupted for reader in self._readers)

    def stop(self) -> None:
        """Read no further; what was read comes out."""
        self._stopped = True

    @property
    def bytes_read(self) -> int:
        """Octets of the files, compressed as they may be."""
        return sum(reader.blocks.bytes_read for reader in self._readers
                   if reader.blocks is not None)

    @property
    def reached_ns(self) -> int:
        """The newest time of a document, of those that were passed over too; -1: none."""
        return max((reader.reached_ns for reader in self._readers), default=-1)

    def ledger(self) -> dict[str, int]:
        """Return counters of the documents, in the shape of `--stats`."""
        counts = [reader.counts for reader in self._readers]
        return {
            "read": sum(count.read for count in counts),
            "parsed": sum(count.parsed for count in counts),
            "bad": sum(count.bad for count in counts),
            "undated": sum(count.undated for count in counts),
            "late": sum(sorter.late for sorter in self._sorters),
        }


def _rows(part: list[Timed]) -> DocumentRows:
    return DocumentRows([document for _, document in part], [time_ns for time_ns, _ in part])


def _total_bytes(paths: list[str]) -> int:
    """The size of all files; 0 if it is not known."""
    total = 0
    for path in paths:
        try:
            if path == STANDARD_INPUT or not os.path.isfile(path):
                return 0
            total += os.path.getsize(path)
        except (OSError, ValueError):
            return 0
    return total
