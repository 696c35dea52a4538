"""Cutter: reads captures once more and gathers the frames of the flows that were asked for.

The table makes the same flows as in the run that named them: it gets the same packets, with the
same settings. Reading and decoding have a thread of their own, as in a replay.
"""

from __future__ import annotations

from collections.abc import Callable

from sensor.engine.decode_ahead import DecodeAhead
from sensor.engine.protocols import CapturePart, Decode
from sensor.evidence.frame_copies import FrameCopies, FrameCopy
from sensor.evidence.frame_queue import FrameQueue
from sensor.evidence.membership import Membership
from sensor.evidence.wanted import WantedFlow, WantedFlows
from sensor.flowtable.table import FlowTable
from sensor.model.frames import FrameBatch
from sensor.model.packets import PacketBatch


class Cutter:
    """One pass over captures. The table must note what makes flows (`note`)."""

    def __init__(
        self, capture: CapturePart, decode: Decode, table: FlowTable, wanted: WantedFlows,
        receive: Callable[[WantedFlow, FrameCopy], None], *, key_vlan: bool = False,
    ) -> None:
        """`receive` takes each frame, in the order of the capture, with the flow that it is of."""
        self.queue = FrameQueue(receive)
        self.capture = capture
        self._decode = decode
        self._table = table
        self._wanted = wanted
        self._membership = Membership(wanted, self.queue, key_vlan=key_vlan)
        self._copies: dict[int, FrameCopies] = {}
        """By the packet batch, of which there are a few that take turns."""
        self._ordinal = 0

    @property
    def packets(self) -> int:
        """Packets that were worked on."""
        return self._ordinal

    def run(self, on_batch: Callable[[], None] | None = None) -> None:
        """Read to the end; `on_batch` is called after each batch. Errors: those of `receive`."""
        ahead = DecodeAhead(self.capture, self._decode, self._prepare)
        try:
            while (packets := ahead.take()) is not None:
                self._fold(packets)
                ahead.give_back(packets)
                if on_batch is not None:
                    on_batch()
        finally:
            ahead.stop()
        events = []
        while not self._table.drain():
            events.append(self._table.take())
        events.append(self._table.take())
        self._membership.release(self._table.take_notes())
        for some in events:
            self._wanted.end(some)
        self.queue.finish()

    def _prepare(self, frames: FrameBatch, packets: PacketBatch) -> None:
        """On the thread that reads: what needs no flows."""
        self._table.prepare(packets)
        if id(packets) not in self._copies:
            self._copies[id(packets)] = FrameCopies()
        self._copies[id(packets)].fill(frames)

    def _fold(self, packets: PacketBatch) -> None:
        table = self._table
        packets.ordinal = self._ordinal
        self._ordinal += packets.count
        events = []
        while not table.advance(packets):
            events.append(table.take())
        events.append(table.take())
        self._membership.take(packets, self._copies[id(packets)], table.take_notes(),
                              table.held.count > 0)
        for some in events:  # a flow may have begun in this batch, too
            self._wanted.end(some)
