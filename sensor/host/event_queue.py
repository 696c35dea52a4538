"""Timeline: documents that wait for the flow events of their time.

One thread adds them as they become known, another takes those whose time has come: an event of a
process goes to the rules before the flow events that became known at its time or later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from sensor.model.columns import Document, Rows
from sensor.model.merged_rows import RowsPart

WAITING_MAX = 100_000
"""Documents that wait; beyond them the oldest is dropped, and counted."""

MakeRows = Callable[[list[Document], list[int]], RowsPart]
"""Documents and the times at which they became known, as rows that rules can read."""


class Timeline:
    """Documents in order of time."""

    def __init__(self, make_rows: MakeRows, waiting_max: int = WAITING_MAX) -> None:
        self._make_rows = make_rows
        self._waiting: deque[tuple[int, Document]] = deque(maxlen=waiting_max)
        self._reached_ns = -1
        self.added = 0
        self.dropped = 0

    def add(self, time_ns: int, document: Document) -> None:
        """A further document. One that comes later than its time is known from now on only."""
        self._reached_ns = max(self._reached_ns, time_ns)
        if len(self._waiting) == self._waiting.maxlen:
            self.dropped += 1
        self.added += 1
        self._waiting.append((self._reached_ns, document))

    def take(self, until_ns: int | None) -> list[tuple[int, Rows]]:
        """The documents known by `until_ns`, or all of them: rows that became known together."""
        groups: list[tuple[int, list[Document]]] = []
        for known_ns, document in self.take_documents(until_ns):
            if groups and groups[-1][0] == known_ns:
                groups[-1][1].append(document)
            else:
                groups.append((known_ns, [document]))
        return [(known_ns, self.rows([(known_ns, document) for document in documents]))
                for known_ns, documents in groups]

    def take_documents(self, until_ns: int | None) -> list[tuple[int, Document]]:
        """The documents known by `until_ns`, or all of them, each with its time."""
        found = []
        while self._waiting and (until_ns is None or self._waiting[0][0] <= until_ns):
            found.append(self._waiting.popleft())
        return found

    def rows(self, documents: Sequence[tuple[int, Document]]) -> RowsPart:
        """Documents with their times as rows that rules can read."""
        return self._make_rows([one for _, one in documents], [known for known, _ in documents])
