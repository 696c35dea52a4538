"""What a connection took and may lose still: kept until it arrived for certain, or sent again."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from sensor.sinks.delivery.transport import PeerClosed

RECENT_S = 2.0
"""What a server read so lately it may not have stored when it was killed: then the kernel ends the
connection as in order."""
ENDINGS_MAX = 3
"""So many connections in a row may end within that time, after one message, and have it sent again:
there are servers that close after each."""

M = TypeVar("M")


class Unconfirmed(Generic[M]):
    """The messages of one connection that may be lost still, oldest first."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, M]] = deque()
        self._confirmed = 0
        self._since_s = 0.0
        """When the connection was made."""
        self._endings = 0

    def __len__(self) -> int:
        return len(self._kept)

    def all(self) -> list[M]:
        return [message for _, message in list(self._kept)]

    def begin(self, now_s: float) -> None:
        """A connection was made."""
        self._confirmed = 0
        self._since_s = now_s

    def keep(self, message: M, now_s: float) -> None:
        self._kept.append((now_s, message))

    def confirm(self, confirmed: int) -> list[M]:
        """So many messages of this connection have arrived by now; those of them that are news."""
        count = confirmed - self._confirmed
        self._confirmed = confirmed
        return [self._kept.popleft()[1] for _ in range(count)]

    def end(self, error: OSError, now_s: float) -> tuple[list[M], list[M]]:
        """The connection is gone: the messages that have arrived, and those to be sent again.

        A server that ended it in order had read everything, and may not have stored the last.
        """
        recent_s = float("-inf")
        if isinstance(error, PeerClosed):
            is_soon = now_s - self._since_s <= RECENT_S
            is_after_one = self._confirmed + len(self._kept) <= 1
            self._endings = self._endings + 1 if is_soon and is_after_one else 0
            recent_s = now_s - RECENT_S if self._endings < ENDINGS_MAX else float("inf")
        arrived = [message for sent_s, message in self._kept if sent_s < recent_s]
        lost = [message for sent_s, message in self._kept if sent_s >= recent_s]
        self._kept.clear()
        return arrived, lost
