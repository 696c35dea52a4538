"""Notices of a capture for the operator: added in one thread, taken in another."""

from __future__ import annotations

import time
from collections import deque

from sensor.model.status import Notice

NOTICES_MAX = 1000
"""Notices that wait; the oldest are forgotten beyond that."""


class Notices:
    """A row of notices between two threads."""

    def __init__(self) -> None:
        self._waiting: deque[Notice] = deque(maxlen=NOTICES_MAX)

    def add(self, kind: str, text: str, warning: bool = False) -> None:
        """Put one down, of now."""
        self._waiting.append(Notice(time.time_ns(), kind, text, warning))

    def take(self) -> list[Notice]:
        """Those that were put down since the last call, in their order."""
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken
