"""The one order of flow events, however a run is cut into batches and workers.

By the time at which they became known; of one time, in the order in which their flows began; flows
that began at one time by their addresses, ports and protocol. Events of one flow stay as they
happened.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sensor.engine.protocols import Records
from sensor.model.flow import FLOW_ORDER

BY = ("known_ns", *FLOW_ORDER)
"""Members of a flow event, the one that counts most first."""


def in_order(records: Records) -> Records:
    """The events in their order; the array itself where they are."""
    known_ns, first_ns = records["known_ns"], records["first_ns"]
    if not _is_in_order(known_ns, first_ns).all():
        records = chosen(records, np.argsort(known_ns, kind="stable"))
        _settle_ties(records)
    return records


def _is_in_order(known_ns: NDArray[np.uint64], first_ns: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """By event: whether the time alone shows that the next one stands behind it."""
    younger = (known_ns[1:] == known_ns[:-1]) & (first_ns[1:] > first_ns[:-1])
    settled: NDArray[np.bool_] = (known_ns[1:] > known_ns[:-1]) | younger
    return settled


def _settle_ties(records: Records) -> None:
    """Put events of one time, of which there are few, in their order; times are in order."""
    open_ones = ~_is_in_order(records["known_ns"], records["first_ns"])
    known_ns = records["known_ns"]
    places = np.flatnonzero(np.isin(known_ns, known_ns[1:][open_ones]))
    order = np.lexsort([records[name][places] for name in reversed(BY)])
    words = _words_of(records)
    words[places] = words[places[order]]


def chosen(records: Records, which: object) -> Records:
    """Some records, copied as words: numpy would copy them member by member, much more slowly."""
    found: Records = _words_of(records)[which].reshape(-1).view(records.dtype)  # type: ignore[call-overload]
    return found


def _words_of(records: Records) -> NDArray[np.uint64]:
    """The same memory, a row of words for each record."""
    return records.view(np.uint64).reshape(len(records), -1)


class EventOrder:
    """Gives events in their order; those that others may still have to stand before are kept."""

    def __init__(self) -> None:
        self._kept: Records | None = None

    def take(self, records: Records, reached_ns: int) -> Records:
        """The events that are in their places for good: those known before `reached_ns`.

        `records` are those since the last call; all that follow are known at `reached_ns` or later.
        """
        together = self._with(records)
        first = int(np.searchsorted(together["known_ns"], reached_ns, side="left"))
        if first < len(together):
            self._kept = together[first:]
        return together[:first]

    def take_ended(self, records: Records) -> Records:
        """The same where the capture is over, and flows end in the order in which they began:
        those that follow stand behind `records`.
        """
        if not len(records):
            return records
        last = records[-1:]
        together = self._with(records)
        behind = np.zeros(len(together), bool)
        equal = np.ones(len(together), bool)
        for name in BY:
            behind |= equal & (together[name] > last[name])
            equal &= together[name] == last[name]
        first = len(together) - int(behind.sum())
        if first < len(together):
            self._kept = together[first:]
        return together[:first]

    def take_all(self, records: Records) -> Records:
        """The same at the very end: nothing follows."""
        return self._with(records)

    def _with(self, records: Records) -> Records:
        """What was kept, and these, in their order."""
        kept, self._kept = self._kept, None
        return in_order(records if kept is None else np.concatenate((kept, records)))
