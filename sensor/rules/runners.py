"""Runners: what a kind of rule does with a batch of events, and what it remembers between them.

A runner finds matches; a `RunningRule` makes alerts of them. To add a kind of rule: write a runner
and let `rules/loader.py` build it. What a runner finds may depend on the order of the events and on
their times, never on where one batch ends and the next begins.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sensor.model.columns import Document, Kept, Rows
from sensor.query.masks import Predicate
from sensor.query.stateful.sample import Sampler
from sensor.query.stateful.sequence import Tracker
from sensor.query.stateful.steps import Unexcepted

NO_TIMES: NDArray[np.int64] = np.zeros(0, dtype=np.int64)


class Match(NamedTuple):
    """A match of a rule."""

    known_ns: int
    """The time at which it became known: at a row, or at a deadline between two rows."""
    row: int
    """The row that completed it; `rows.count` if no row did. Matches of one time are in this order.
    """
    events: tuple[Kept, ...] | None = None
    """The events it is made of, oldest first; None: the row alone, whose document it becomes."""
    fields: Document | None = None
    """The fields that it adds to the alert's document, nested; over what the events say."""
    name: str = ""
    """Tells it from others that the same events make, in the alert's id."""


class Runner(Protocol):
    """One rule at work. What it inherits is right for one that remembers nothing."""

    @property
    def evicted(self) -> int:
        """The number of things forgotten because there was too much to remember."""
        return 0

    def matches(self, rows: Rows, unexcepted: Unexcepted) -> list[Match]:
        """The matches that a batch completes, in order of `known_ns` and `row`.

        Rows for which it does not ask `unexcepted` count as excepted from nothing.
        """

    def advance(self, now_ns: int) -> list[Match]:
        """The matches that time alone completes: no further event is known before it."""
        return []

    def standing(self, rows: Rows, row: int) -> str:
        """In words, what an event that was taken has come to; empty if it waits for nothing."""
        return ""

    def take_over(self, old: Runner) -> None:
        """Go on where another runner of the same rule stood."""
        return


class SingleRunner(Runner):
    """Each event that the query selects is a match."""

    def __init__(self, predicate: Predicate) -> None:
        self.predicate = predicate

    def matches(self, rows: Rows, unexcepted: Unexcepted) -> list[Match]:
        times_ns, selected = self.selected(rows, unexcepted)
        return list(map(Match, times_ns.tolist(), selected))

    def selected(self, rows: Rows, unexcepted: Unexcepted) -> tuple[NDArray[np.int64], list[int]]:
        """The selected rows and their `known_ns`: a match each, not yet made."""
        selected = np.flatnonzero(self.predicate(rows)).tolist()
        selected = unexcepted(selected) if selected else selected
        return (rows.times_ns()[selected] if selected else NO_TIMES), selected


class OrderRunner(Runner):
    """Several events make a match: a sequence or a sample."""

    def __init__(self, tracker: Tracker | Sampler) -> None:
        self._tracker = tracker

    @property
    def evicted(self) -> int:
        return self._tracker.evicted

    def matches(self, rows: Rows, unexcepted: Unexcepted) -> list[Match]:
        return [Match(*completed) for completed in self._tracker.matches(rows, unexcepted)]

    def advance(self, now_ns: int) -> list[Match]:
        return [Match(*completed) for completed in self._tracker.advance(now_ns)]

    def standing(self, rows: Rows, row: int) -> str:
        if not isinstance(self._tracker, Tracker):
            return ""
        count, length = self._tracker.reached(rows.known_ns(row))
        if count == length:
            return "the sequence is complete, but for the time in which an event must be missing"
        if count:
            return f"event {count} of {length} of a sequence: the next had not come by then"
        return ("no sequence waited for it: none with its key had begun, or maxspan had passed,"
                " or it was ended")

    def take_over(self, old: Runner) -> None:
        if isinstance(old, OrderRunner):
            self._tracker = old._tracker
