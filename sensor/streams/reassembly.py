# cython: boundscheck=True, wraparound=True
"""Reassembly: the segments of one direction, in any order, as octets in order, each once.

Sequence numbers count modulo 2**32 (RFC 9293 3.4). What comes out of order waits in bounded memory.
Of octets that come twice the first ones win. What is missing becomes a gap when it is proved lost:
the receiver acknowledged it, or too much waits behind it, or the flow is over.
"""

from __future__ import annotations

MASK32 = 0xFFFF_FFFF
HALF = 1 << 31
WRAP = 1 << 32
WAITING_MAX = 64 * 1024
"""Octets of a direction that wait behind a gap; each piece counts as PIECE_BYTES more."""
PIECE_BYTES = 64
AHEAD_MAX = 1 << 24
"""A segment further ahead than any usual window does not belong to the stream."""
COMPARED_MAX = 4096
"""Delivered octets that are kept to see whether a retransmission says the same."""

Piece = tuple[int, bytes]
"""Octets that are missing (mostly 0), and those that follow."""


class Reassembly:
    """One direction of a TCP connection; offsets count from the first octet of its stream."""

    def __init__(self) -> None:
        self.next = 0
        """Offset of the next octet to be delivered."""
        self.waiting_bytes = 0
        self.conflicts = 0
        """Segments that repeated octets and said something else, or stand far outside."""
        self._has_begun = False
        self._first = 0
        """Sequence number of offset 0, once it has begun."""
        self._waiting: dict[int, bytes] = {}
        """By offset, all of it beyond `next`."""
        self._last = bytearray()
        """The octets that were delivered last: at least those that are compared."""

    def begin(self, seq: int) -> None:
        """Say what number the stream's first octet has, unless something was delivered."""
        if not self._has_begun:
            self._has_begun = True
            self._first = seq

    def add(self, seq: int, octets: bytes) -> list[Piece]:
        """The octets of a segment; what is ready with them."""
        self.begin(seq)
        offset = self._offset(seq)
        if offset == self.next and octets and not self._waiting:
            return [self._deliver(0, octets)]
        if offset > self.next + AHEAD_MAX:
            self.conflicts += 1
            return []
        if offset < self.next:
            self._compare(offset, octets)
            octets, offset = octets[self.next - offset :], self.next
        if not octets:
            return []
        if offset == self.next and not self._waiting:
            return [self._deliver(0, octets)]
        self._wait(offset, octets)
        found = self._ready()
        while self.waiting_bytes > WAITING_MAX:
            found += self._skip()
        return found

    def acknowledged(self, ack: int) -> list[Piece]:
        """The receiver has everything before `ack`: what is missing of it will not come."""
        found: list[Piece] = []
        if self._waiting:
            reached = self._offset(ack)
            while self._waiting and min(self._waiting) <= reached:
                found += self._skip()
        return found

    def finish(self) -> list[Piece]:
        """Nothing follows: what waits, with the gaps before it."""
        found: list[Piece] = []
        while self._waiting:
            found += self._skip()
        return found

    def _offset(self, seq: int) -> int:
        """The offset of a sequence number, the one nearest to where the stream is."""
        away = (seq - self._first - self.next) & MASK32
        return self.next + (away if away < HALF else away - WRAP)

    def _wait(self, offset: int, octets: bytes) -> None:
        """Keep what is new of a segment: pieces that wait never overlap."""
        end, at = offset + len(octets), offset
        for start in sorted(self._waiting):
            piece = self._waiting[start]
            if start >= end:
                break
            if start + len(piece) <= at:
                continue
            first, last = max(start, offset), min(start + len(piece), end)
            if piece[first - start : last - start] != octets[first - offset : last - offset]:
                self.conflicts += 1
            if at < start:
                self._put(at, octets[at - offset : start - offset])
            at = start + len(piece)
        if at < end:
            self._put(at, octets[at - offset :])

    def _put(self, offset: int, octets: bytes) -> None:
        self._waiting[offset] = octets
        self.waiting_bytes += len(octets) + PIECE_BYTES

    def _pop(self, offset: int) -> bytes:
        octets = self._waiting.pop(offset)
        self.waiting_bytes -= len(octets) + PIECE_BYTES
        return octets

    def _skip(self) -> list[Piece]:
        """Go on behind the first gap."""
        offset = min(self._waiting)
        gap, self.next = offset - self.next, offset
        return [self._deliver(gap, self._pop(offset)), *self._ready()]

    def _ready(self) -> list[Piece]:
        """The pieces that wait and have nothing missing before them."""
        found = []
        while (octets := self._waiting.get(self.next)) is not None:
            self._pop(self.next)
            found.append(self._deliver(0, octets))
        return found

    def _deliver(self, gap: int, octets: bytes) -> Piece:
        self.next += len(octets)
        if gap:
            self._last.clear()
        self._last += octets if len(octets) <= COMPARED_MAX else octets[-COMPARED_MAX:]
        if len(self._last) > 2 * COMPARED_MAX:  # not each time: the rest is moved
            del self._last[:-COMPARED_MAX]
        return gap, octets

    def _compare(self, offset: int, octets: bytes) -> None:
        """Count a segment whose old octets differ from those that were delivered."""
        last = self._last[-COMPARED_MAX:]
        first = self.next - len(last)
        start, end = max(offset, first), min(offset + len(octets), self.next)
        delivered = last[start - first : end - first]
        if start < end and delivered != octets[start - offset : end - offset]:
            self.conflicts += 1
