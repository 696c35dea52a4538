r"""RESP, the serialization protocol of Redis, versions 2 and 3, one direction of it.

    +OK\r\n  -ERR text\r\n  :5\r\n  _\r\n  #t\r\n  ,1.5\r\n  (123\r\n      a line
    $3\r\nabc\r\n  !3\r\nERR\r\n  =7\r\ntxt:abc\r\n                      octets behind their number
    *2\r\n...  ~2\r\n...  >2\r\n...  %1\r\n...  |1\r\n...                so many values, or pairs

A request is an array of `$`, or a line of words. Libraries build whole values, however long; here
only their beginnings are kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

LINE_MAX = 1 << 16
"""Octets of a line; Redis bears as many of an inline command."""
KEPT_MAX = 4096
"""Octets of a value that are kept, with all that is in it."""
DEPTH_MAX = 64
"""Values inside one another: what COMMAND DOCS returns has a dozen, scripts return more."""
AGGREGATE_BYTES = 256
"""About what an aggregate takes in memory that is not whole yet, without its values."""
BULK_MAX = 512 << 20
"""Octets of a string; Redis's own limit."""
INLINE, NULL = "", "_"
LINES, BULKS, AGGREGATES, PAIRS = "+-:_#,(", "$!=", "*~>%|", "%|"
ATTRIBUTES = "|"
"""They stand in front of a value, and are none."""
_NUMBER = re.compile(rb"-1|\d{1,10}")


class Value(NamedTuple):
    """A value: its type, and its octets; of an aggregate those of its elements."""

    kind: str
    parts: list[bytes]


@dataclass
class _Aggregate:
    kind: str
    left: int
    parts: list[bytes] = field(default_factory=list)


class Resp:
    """Reads one direction, until something comes that is no RESP."""

    def __init__(self, *, is_client: bool) -> None:
        self.is_broken = False
        self._is_client = is_client
        self._waiting = bytearray()
        self._searched = 0
        """Octets of what waits that have no end of line."""
        self._open: list[_Aggregate] = []
        self._kind = NULL
        """Of the string whose octets come."""
        self._left: int | None = None
        """Octets of it that are still to come; None: no string is open."""
        self._kept = bytearray()
        self._room = KEPT_MAX

    @property
    def held_bytes(self) -> int:
        """Octets of what is not whole yet."""
        return (len(self._waiting) + len(self._kept) + KEPT_MAX - self._room
                + AGGREGATE_BYTES * len(self._open))

    def feed(self, octets: bytes) -> None:
        """The next octets."""
        self._waiting += octets

    def take(self) -> Value | None:
        """The next value; None: it is not whole yet."""
        while not self.is_broken:
            if self._left is not None:
                if not self._take_octets():
                    return None
                value = self._add(self._kind, bytes(self._kept))
            else:
                end = self._waiting.find(b"\n", self._searched, LINE_MAX)
                if end < 0:
                    self._searched = len(self._waiting)
                    self.is_broken = self._searched >= LINE_MAX
                    return None
                self._searched = 0
                line = bytes(self._waiting[:end]).removesuffix(b"\r")
                del self._waiting[: end + 1]
                value = self._begin(line)
            if value is not None:
                self._room = KEPT_MAX
                return value
        return None

    def _take_octets(self) -> bool:
        """Take octets of a string; True if it is whole."""
        assert self._left is not None
        part = self._waiting[: self._left]
        del self._waiting[: len(part)]
        self._left -= len(part)
        self._kept += part[: KEPT_MAX - len(self._kept)]
        if self._left or len(self._waiting) < 2:
            return False
        self.is_broken = self._waiting[:2] != b"\r\n"
        del self._waiting[:2]
        self._left = None
        return not self.is_broken

    def _begin(self, line: bytes) -> Value | None:
        """Take a line; the value, if it ends one."""
        kind, rest = line[:1].decode("latin-1"), line[1:]
        if self._is_client and not self._open and kind != "*":
            return Value(INLINE, line[:KEPT_MAX].split())
        known = "$" if self._is_client and self._open else "*" if self._is_client else (
            LINES + BULKS + AGGREGATES)
        if not kind or kind not in known:
            self.is_broken = True
            return None
        if kind in LINES:
            return self._add(kind, rest[:KEPT_MAX])
        return self._count(kind, rest)

    def _count(self, kind: str, number: bytes) -> Value | None:
        """Take the number that begins a string or an aggregate."""
        if not _NUMBER.fullmatch(number) or (count := int(number)) > BULK_MAX:
            self.is_broken = True
            return None
        if count < 0:
            return self._add(NULL, b"")
        if kind in BULKS:
            self._kind, self._left = kind, count
            self._kept.clear()
            return None
        if len(self._open) >= DEPTH_MAX:
            self.is_broken = True
            return None
        self._open.append(_Aggregate(kind, count * 2 if kind in PAIRS else count))
        return self._close()

    def _add(self, kind: str, octets: bytes) -> Value | None:
        """A value is whole; what it ends, if that is not inside another one."""
        if not self._open:
            return Value(kind, [octets])
        self._keep(self._open[-1], b"nil" if kind == NULL else octets)
        return self._close()

    def _keep(self, aggregate: _Aggregate, octets: bytes) -> None:
        aggregate.left -= 1
        if self._room > 0:
            aggregate.parts.append(octets[: self._room])
            self._room -= len(octets) + 1

    def _close(self) -> Value | None:
        """End the aggregates that are whole."""
        while self._open and self._open[-1].left == 0:
            ended = self._open.pop()
            self._room += sum(len(part) + 1 for part in ended.parts)
            if ended.kind == ATTRIBUTES:
                return None
            if not self._open:
                return Value(ended.kind, ended.parts)
            self._keep(self._open[-1], b"[" + b", ".join(ended.parts) + b"]")
        return None
