"""FrameQueue: frames leave in the order in which they came, though some must wait.

A fragment that comes before its packet's first one tells no ports: whose it is shows only when that
comes. So it waits, and what came behind it waits with it, as long as a packet may take to be put
together and as far as there is room.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from sensor.evidence.frame_copies import FrameCopy
from sensor.evidence.wanted import WantedFlow

WAITING_BYTES_MAX = 1 << 24
WAITING_NS_MAX = 30_000_000_000
"""As decode/fragments.py waits."""
SETTLED_MAX = 1 << 16
"""Fragmented packets whose flows are remembered, for the fragments that follow."""

Flows = Sequence[WantedFlow]


class _Entry:
    """A frame in the queue; `flows` is None while it waits."""

    __slots__ = ("datagram", "flows", "frame")

    def __init__(self, frame: FrameCopy, flows: Flows | None, datagram: int = 0) -> None:
        self.frame = frame
        self.flows = flows
        self.datagram = datagram


class FrameQueue:
    """Gives frames on to the flows that they belong to."""

    def __init__(self, receive: Callable[[WantedFlow, FrameCopy], None]) -> None:
        self.given_up = 0
        """Fragments that had to leave before it was known whose they are: there was no room."""
        self._receive = receive
        self._entries: deque[_Entry] = deque()
        self._bytes = 0
        self._waiting: dict[int, list[_Entry]] = {}
        self._settled: dict[int, Flows] = {}

    def add(self, frame: FrameCopy, flows: Flows) -> None:
        """Take a frame of these flows."""
        if self._entries:
            self._append(_Entry(frame, flows))
        else:
            self._give(frame, flows)

    def add_fragment(self, frame: FrameCopy, datagram: int) -> None:
        """Take a fragment of which its packet's number is known, and no more."""
        flows = self._settled.get(datagram)
        if flows is not None:
            if flows:
                self.add(frame, flows)
            return
        entry = _Entry(frame, None, datagram)
        self._waiting.setdefault(datagram, []).append(entry)
        self._append(entry)

    def is_waiting(self, datagram: int) -> bool:
        """True if nobody has said whose this fragmented packet is."""
        return datagram not in self._settled

    def settle(self, datagram: int, flows: Flows) -> None:
        """Say whose a fragmented packet is."""
        self._settled[datagram] = flows
        if len(self._settled) > SETTLED_MAX:
            del self._settled[next(iter(self._settled))]
        for entry in self._waiting.pop(datagram, ()):
            entry.flows = flows
        self._leave()

    def finish(self) -> None:
        """Nothing follows: give on what is known."""
        for entry in self._entries:
            entry.flows = entry.flows or ()
        self._waiting.clear()
        self._leave()

    def _append(self, entry: _Entry) -> None:
        self._entries.append(entry)
        self._bytes += len(entry.frame.octets)
        oldest = self._entries[0]
        while oldest.flows is None and (
                self._bytes > WAITING_BYTES_MAX
                or entry.frame.time_ns - oldest.frame.time_ns > WAITING_NS_MAX):
            self.given_up += self._bytes > WAITING_BYTES_MAX
            self._waiting.get(oldest.datagram, [oldest]).remove(oldest)
            oldest.flows = ()
            self._leave()
            if not self._entries:
                break
            oldest = self._entries[0]

    def _leave(self) -> None:
        """Let the frames go on that wait for nothing any more."""
        while self._entries and (flows := self._entries[0].flows) is not None:
            entry = self._entries.popleft()
            self._bytes -= len(entry.frame.octets)
            self._give(entry.frame, flows)

    def _give(self, frame: FrameCopy, flows: Flows) -> None:
        for flow in flows:
            self._receive(flow, frame)
