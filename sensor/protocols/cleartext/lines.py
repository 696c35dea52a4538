"""A direction as lines, and stretches of octets where a protocol announces them."""

from __future__ import annotations

LINE_MAX = 8192
"""Octets of a line; RFC 9051 7 advises servers to take as many."""
LITERAL_MAX = 1 << 16
"""Octets of an announced stretch that are kept."""


class Lines:
    """The lines of one direction, until one is too long."""

    def __init__(self) -> None:
        self.is_broken = False
        """A line was longer than any of these protocols has."""
        self._waiting = bytearray()
        self._literal = 0
        self._kept = bytearray()

    @property
    def held_bytes(self) -> int:
        """Octets of what is not whole yet."""
        return len(self._waiting) + len(self._kept)

    def feed(self, octets: bytes) -> None:
        """The next octets."""
        self._waiting += octets

    def expect(self, count: int) -> None:
        """So many octets follow that are no lines; `take` gives the first ones of them as one."""
        self._literal = count

    def take(self) -> bytes | None:
        """The next line, without its end, or the octets that were expected; None: not there yet."""
        if self._literal:
            return self._take_literal()
        end = self._waiting.find(b"\n", 0, LINE_MAX)
        if end < 0:
            self.is_broken = len(self._waiting) >= LINE_MAX
            return None
        line = bytes(self._waiting[:end])
        del self._waiting[: end + 1]
        return line.removesuffix(b"\r")

    def _take_literal(self) -> bytes | None:
        part = self._waiting[: self._literal]
        del self._waiting[: len(part)]
        self._literal -= len(part)
        self._kept += part[: LITERAL_MAX - len(self._kept)]
        if self._literal:
            return None
        found = bytes(self._kept)
        self._kept.clear()
        return found
