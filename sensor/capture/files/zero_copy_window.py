"""LentWindow: the window of a stream that lends what it has made, instead of copying it.

What is lent stands in a ring, each part behind the one before, until the ring begins again. There
what is left, a record cut in two, is moved in front of it, into the headroom of the ring. What is
larger than that, or than what stays in the ring, gets memory of its own.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol

from sensor.capture.files.read_ahead import ReadAhead
from sensor.compression.source import HEADROOM, LENT_MIN, NOTHING, Lent

LEFT_MAX = HEADROOM
"""Octets that may be left of what was lent before; most records are smaller."""


class Lender(Protocol):
    """What lends octets (compression/zstd_reader.py)."""

    def lend(self, most: int, behind: int, /) -> Lent: ...

    def verified(self, lent: Lent, /) -> tuple[Lent, Exception | None]: ...

    def close(self) -> None: ...


class LentWindow:
    """The octets of a stream from `at` to `end` of `data`; `base + i` is the offset of `data[i]`.

    What `data` holds is valid until the next `fill`.
    """

    def __init__(self, lender: Lender, *, window_bytes: int, ahead: int) -> None:
        """`ahead`: how many parts of `window_bytes` a thread may be ahead, at least one."""
        most = max(window_bytes, LENT_MIN)
        self._read = partial(lender.lend, most, LEFT_MAX + ahead * most)
        self._lender = lender
        self._damage: Exception | None = None
        self._ahead: ReadAhead[Lent] = ReadAhead(lender.close)
        self._ahead_max = ahead
        self._last = NOTHING
        """What was lent last."""
        self.data = NOTHING.data
        self.at = self.end = self.base = 0
        self.ended = False
        self._closed = False

    @property
    def size(self) -> int:
        """How many octets the stream gave so far; at its end, its length."""
        return self.base + self.end

    def fill(self, at: int, need: int) -> bool:
        """Read on until `need` octets stand from position `at` on; False if the stream ends first.

        `at` may lie beyond `end`: what is between is skipped. Errors: as the stream raised them.
        """
        self.at = at
        while not self.ended and self.end - self.at < need:
            lent = self._next()
            self.ended = lent.start == lent.end
            if not self.ended:
                self._add(lent, need)
        if not self.ended:
            self._read_ahead()
        return self.end - self.at >= need

    def _next(self) -> Lent:
        if self._damage is None:
            self._read_ahead()
            lent, self._damage = self._lender.verified(self._ahead.result())
            if self._damage is None or lent.start < lent.end:
                return lent
        raise self._damage

    def _read_ahead(self) -> None:
        while self._ahead.pending < self._ahead_max:
            self._ahead.start(self._read)

    def _add(self, lent: Lent, need: int) -> None:
        left = self.end - self.at
        if left <= 0 or (left <= LEFT_MAX and self._is_behind(lent, left)):
            self._stand(lent.data, lent.start)
        elif left <= lent.start <= HEADROOM:
            lent.data[lent.start - left : lent.start] = self.data[self.at : self.end]
            self._stand(lent.data, lent.start)
        else:
            self._copy(lent, need)
        self.end += lent.end - lent.start
        self._last = lent

    def _is_behind(self, lent: Lent, left: int) -> bool:
        """Whether what is left stands in front of it already."""
        last = self._last
        return (lent.data is last.data and lent.start == last.end
                and (self.data is last.data or left <= last.end - last.start))  # fmt: skip

    def _stand(self, data: memoryview, end: int) -> None:
        """From now on they stand in `data`, and end at `end` there."""
        self.data = data
        by = self.end - end
        self.at -= by
        self.end -= by
        self.base += by

    def _copy(self, lent: Lent, need: int) -> None:
        """Put them into memory of our own, large enough for `need` octets."""
        count = lent.end - lent.start
        if self.data is self._last.data or self.end + count > len(self.data):
            left = self.end - self.at
            data = memoryview(bytearray(max(need, left) + 2 * count))
            data[:left] = self.data[self.at : self.end]
            self._stand(data, left)
        self.data[self.end : self.end + count] = lent.data[lent.start : lent.end]

    def close(self) -> None:
        """Close the stream. A second call does nothing."""
        if not self._closed:
            self._closed = True
            self._ahead.close(self.ended)
            self.ended = True
