"""Packet time of a pipe that is silent, where its packets are of now."""

from __future__ import annotations

from collections.abc import Callable

from sensor.base.units import SECOND_NS
from sensor.model.packets import PacketBatch

LIVE_NS = 10 * SECOND_NS
"""A packet whose time is so near to the clock is taken for live; recorded ones are older."""
MARGIN_NS = SECOND_NS // 10
"""The longest that a packet may come behind its predecessors through the pipe."""


class PipeTime:
    """Carries packet time on by the clock while nothing comes, and the last packets were live.

    `clock` is the wall clock, to tell live packets from recorded ones; `steady` tells how long it
    has been silent. Both in nanoseconds.
    """

    def __init__(self, clock: Callable[[], int], steady: Callable[[], int]) -> None:
        self._clock = clock
        self._steady = steady
        self._came_ns = 0
        self._first_ns = -1
        self.batch = PacketBatch(1)
        """The one that `idle` gives."""

    def saw(self, packets: PacketBatch) -> None:
        """A batch came. Its first packet may have waited in a buffer: time goes on from there."""
        if packets.count:
            first_ns = int(packets.records["time_ns"][0])
            self._first_ns = first_ns if abs(self._clock() - first_ns) <= LIVE_NS else -1
            self._came_ns = self._steady()
        self.batch.file = packets.file

    def idle(self) -> PacketBatch | None:
        """An empty batch up to which time has passed; None if the packets are not live."""
        if self._first_ns < 0:
            return None
        passed_ns = self._steady() - self._came_ns
        self.batch.watermark_ns = self._first_ns + passed_ns - MARGIN_NS
        return self.batch
