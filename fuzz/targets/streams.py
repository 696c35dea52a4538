"""Streams of octets in memory."""

from __future__ import annotations


class Cut:
    """A stream of octets that gives at most so many at a time."""

    def __init__(self, octets: bytes, size: int) -> None:
        self._octets = memoryview(octets)
        self._size = size

    def readinto(self, buffer: memoryview, /) -> int:
        given = self._octets[: min(self._size, len(buffer))]
        buffer[: len(given)] = given
        self._octets = self._octets[len(given) :]
        return len(given)

    def close(self) -> None:
        """Nothing is open."""
