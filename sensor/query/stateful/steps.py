"""Which events of a batch matter to the steps of a sequence or a sample, found column by column.

What is left for the walk through the events is a flat list of hits: a row, the step that it
fulfils, its time and its join key.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensor.model.columns import Kept, Rows
from sensor.query.ast import FieldRef, Step
from sensor.query.predicate import compile_query
from sensor.query.stateful.join import Join, Key

Unexcepted = Callable[[list[int]], list[int]]
"""Of some rows of a batch those that no exception covers."""


def all_rows(rows: list[int]) -> list[int]:
    """`Unexcepted` where there are no exceptions: nobody counts what they would take."""
    return rows


class Completed(NamedTuple):
    """Events that together are what a query asks for."""

    known_ns: int
    """The time of that: with the last event, or when a time had passed without one."""
    row: int
    """The row of the last event; the count of rows where a time had passed."""
    events: tuple[Kept, ...]
    """Oldest first."""


Hit = tuple[int, int, int, Key]
"""A row that fulfils a step: the row, the step, when the row became known, its key."""


class Steps:
    """The steps of a query in the order in which one event is held against them."""

    def __init__(
        self, by: Sequence[FieldRef], steps: Sequence[Step], fields: Collection[str]
    ) -> None:
        self._tests = [(compile_query(step.event, fields), Join((*by, *step.by))) for step in steps]

    def hits(
        self, rows: Rows, unexcepted: Unexcepted, first: Collection[int] | None = None
    ) -> Iterable[Hit]:
        """The hits of a batch: by row, then in the order of the steps.

        `first`: the steps that something begins with, where nothing has; what stands before their
        hits is then left out.
        """
        if first is not None and unexcepted is all_rows and not any(
                self._tests[step][0](rows).any() for step in first):
            return ()
        found = [np.flatnonzero(test(rows)) for test, _ in self._tests]
        if not any(map(len, found)):
            return ()
        found = _without_excepted(found, rows.count, unexcepted)
        if first is not None:
            begins = min((found[step][0] for step in first if len(found[step])), default=rows.count)
            found = [chosen[chosen >= begins] for chosen in found]
        width = len(found)
        places: list[NDArray[np.int64]] = []
        keys: list[Key] = []
        for step, (chosen, (_, join)) in enumerate(zip(found, self._tests, strict=True)):
            if len(chosen):
                joined, more = join.keys(rows, chosen)
                places.append(joined.astype(np.int64) * width + step)
                keys += more
        if not keys:
            return ()
        place = np.concatenate(places)
        if len(places) > 1:
            order = np.argsort(place, kind="stable")
            place = place[order]
            keys = [keys[index] for index in order.tolist()]
        row = place // width
        times = rows.times_ns()[row].tolist()
        return zip(row.tolist(), (place % width).tolist(), times, keys, strict=True)


def _without_excepted(
    found: list[NDArray[np.intp]], count: int, unexcepted: Unexcepted
) -> list[NDArray[np.intp]]:
    union = np.zeros(count, dtype=bool)
    for chosen in found:
        union[chosen] = True
    candidates = np.flatnonzero(union).tolist()
    kept = unexcepted(candidates)
    if len(kept) == len(candidates):
        return found
    union[:] = False
    union[kept] = True
    return [chosen[union[chosen]] for chosen in found]


class Completions:
    """The matches that a batch completes, in order.

    The same events stand there once, though lists gave them several keys.
    """

    def __init__(self) -> None:
        self.completed: list[Completed] = []
        self._when = (-1, -1)
        self._then: set[tuple[int, ...]] = set()

    def add(self, more: Completed) -> None:
        """Note what is complete."""
        when = more.known_ns, more.row
        if when != self._when:
            self._when, self._then = when, set()
        events = tuple(map(id, more.events))  # one event is one object while a batch is looked at
        if events not in self._then:
            self._then.add(events)
            self.completed.append(more)
