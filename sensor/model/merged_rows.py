"""MergedRows: batches of events of several kinds as one batch, each event in its place.

A test of single events is asked of each kind by itself, whose columns are as they are; only what
looks at the columns of all of them, as a count by address does, pays for making them alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sensor.model.columns import CodedColumn, Column, Document, Kept, Mask, Rows
from sensor.model.recoding import Values, recoded

Places = NDArray[np.intp]


class RowsPart(Rows, Protocol):
    """Rows of which a part can be taken."""

    def part(self, first: int, last: int) -> RowsPart: ...


class MergedRows:
    """Several batches of events, whose rows stand among each other."""

    def __init__(self, parts: Sequence[RowsPart], places: Sequence[Places]) -> None:
        """`places` are, for each batch, the rows of its events in the whole, rising."""
        self.parts = parts
        self.places = places
        self.count = sum(map(len, places))
        self._part_of = np.zeros(self.count, np.intp)
        self._row_of = np.zeros(self.count, np.intp)
        for number, mine in enumerate(places):
            self._part_of[mine] = number
            self._row_of[mine] = np.arange(len(mine))
        self._columns: dict[str, Column | None] = {}

    def mask(self, test: Callable[[Rows], Mask]) -> Mask:
        """What a test of single events says of every row."""
        found = np.zeros(self.count, bool)
        for part, mine in zip(self.parts, self.places, strict=True):
            if part.count:
                found[mine] = test(part)
        return found

    def split(self, chosen: Places) -> list[tuple[RowsPart, Places, Places]]:
        """Some rows by batch: the batch, their rows there, and which of `chosen` they are."""
        part_of, row_of = self._part_of[chosen], self._row_of[chosen]
        found = []
        for number, part in enumerate(self.parts):
            which = np.flatnonzero(part_of == number)
            if len(which):
                found.append((part, row_of[which], which))
        return found

    def column(self, name: str) -> Column | None:
        """The column of a field, coded; None if no batch has it."""
        if name not in self._columns:
            self._columns[name] = self._merged([part.column(name) for part in self.parts])
        return self._columns[name]

    def _merged(self, columns: Sequence[Column | None]) -> Column | None:
        table: list[Values] = [()]
        codes = np.zeros(self.count, np.int64)
        ecs_type = ""
        for column, mine in zip(columns, self.places, strict=True):
            if column is not None:
                coded = recoded(column)
                codes[mine] = coded.codes.astype(np.int64) + len(table)
                table += coded.table
                ecs_type = ecs_type or coded.ecs_type
        return CodedColumn(codes, tuple(table), ecs_type) if ecs_type else None

    def known_ns(self, row: int) -> int:
        return self.parts[int(self._part_of[row])].known_ns(int(self._row_of[row]))

    def times_ns(self) -> NDArray[np.int64]:
        times = np.zeros(self.count, np.int64)
        for part, mine in zip(self.parts, self.places, strict=True):
            times[mine] = part.times_ns()
        return times

    def keep(self, row: int) -> Kept:
        return self.parts[int(self._part_of[row])].keep(int(self._row_of[row]))

    def documents(self, rows: Sequence[int]) -> list[Document]:
        found: list[Document] = [{}] * len(rows)
        for part, mine, which in self.split(np.array(rows, np.intp)):
            for at, document in zip(which.tolist(), part.documents(mine.tolist()), strict=True):
                found[at] = document
        return found

    def stretches(self) -> Iterator[RowsPart]:
        """The rows in their order, those that follow each other in one batch together."""
        ends = [*(np.flatnonzero(np.diff(self._part_of)) + 1).tolist(), self.count]
        first = 0
        for end in ends:
            if end > first:
                row = int(self._row_of[first])
                yield self.parts[int(self._part_of[first])].part(row, row + end - first)
            first = end


def stretches(rows: RowsPart | MergedRows) -> Iterator[RowsPart]:
    """Rows of one kind as they are, those of several in pieces of one kind, in their order."""
    if isinstance(rows, MergedRows):
        yield from rows.stretches()
    else:
        yield rows
