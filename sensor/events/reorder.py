"""Sorter: documents that are nearly in the order of time come out in it."""

from __future__ import annotations

from sensor.model.columns import Document

Timed = tuple[int, Document]


class Sorter:
    """Sorts what comes by time; of one time, what came first stays first.

    A document that comes up to `documents_max` documents late finds its place. One that comes later
    takes the time of the newest that has left.
    """

    def __init__(self, documents_max: int, bytes_max: int) -> None:
        self._documents_max = documents_max
        self._bytes_max = bytes_max
        self._waiting: list[Timed] = []
        self._waiting_bytes = 0
        self._left_ns = -1
        self.late = 0

    def add(self, documents: list[Timed], octets: int) -> list[Timed]:
        """Take in documents of so many octets; what need not wait any longer, in order.

        How the documents are dealt out to calls does not show, but for those of many octets.
        """
        left: list[Timed] = []
        self._waiting_bytes += octets
        at = 0
        while at < len(documents):
            room = 2 * self._documents_max - len(self._waiting)
            self._waiting += self._in_time(documents[at : at + room])
            at += room
            if len(self._waiting) >= 2 * self._documents_max:
                left += self._leave(self._documents_max)
        if self._waiting_bytes > self._bytes_max:
            left += self._leave((len(self._waiting) + 1) // 2)
        return left

    def _in_time(self, documents: list[Timed]) -> list[Timed]:
        for at, (time_ns, document) in enumerate(documents):
            if time_ns < self._left_ns:
                self.late += 1
                documents[at] = (self._left_ns, document)
        return documents

    def take_all(self) -> list[Timed]:
        """Everything that still waits: nothing more comes, or not soon."""
        return self._leave(len(self._waiting))

    def _leave(self, count: int) -> list[Timed]:
        self._waiting.sort(key=_time)
        left = self._waiting[:count]
        self._waiting_bytes -= self._waiting_bytes * count // max(len(self._waiting), 1)
        del self._waiting[:count]
        if left:
            self._left_ns = left[-1][0]
        return left


def _time(item: Timed) -> int:
    return item[0]
