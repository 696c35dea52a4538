"""Owners: whose the host's connections are, as far as it was asked and answered.

A connection is asked about at its first packet, while whoever opened it is most likely still there;
the answer is kept until the flow is over. The same addresses and ports may come again: an answer
belongs to the flows that had begun when it was asked for, and to no earlier ones.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from sensor.model.processes import Process

KEPT_MAX = 65_536
"""Connections whose owner is kept; beyond them the one asked about longest ago is forgotten."""
AGAIN_MAX = 4
"""Answers kept for the same addresses and ports."""

Key = tuple[int, int, int, int, int]
"""Protocol, one end's address (128 bits) and port, the other's; `key_of` orders the ends."""


def key_of(protocol: int, one: tuple[int, int], other: tuple[int, int]) -> Key:
    """The same for both directions."""
    first, second = (one, other) if one <= other else (other, one)
    return (protocol, *first, *second)


@dataclass(slots=True)
class PendingQuery:
    """One question: when the packet was that raised it, and the answer once it is there."""

    time_ns: int
    process: Process | None = None
    answered: bool = False


class Owners:
    """Questions and answers by connection, within bounds."""

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._kept_max = kept_max
        self._queries: OrderedDict[Key, list[PendingQuery]] = OrderedDict()
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._queries)

    def add_query(self, key: Key, time_ns: int) -> PendingQuery:
        """Note that a connection is asked about."""
        query = PendingQuery(time_ns)
        self._queries.setdefault(key, []).append(query)
        self._queries.move_to_end(key)
        del self._queries[key][:-AGAIN_MAX]
        if len(self._queries) > self._kept_max:
            self._queries.popitem(last=False)
            self.forgotten += 1
        return query

    def of(self, key: Key, last_ns: int) -> PendingQuery | None:
        """The newest question that a flow whose last packet came then can have raised."""
        return next((query for query in reversed(self._queries.get(key, ()))
                     if query.time_ns <= last_ns), None)  # fmt: skip

    def over(self, key: Key, last_ns: int) -> None:
        """Forget what was asked for a flow that is over."""
        left = [query for query in self._queries.get(key, ()) if query.time_ns > last_ns]
        if left:
            self._queries[key] = left
        else:
            self._queries.pop(key, None)
