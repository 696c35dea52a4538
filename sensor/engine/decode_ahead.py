"""Reading and decoding in a thread of its own, ahead of the flow table."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from sensor.engine.protocols import CapturePart
from sensor.model.frames import FrameBatch
from sensor.model.packets import PacketBatch

BATCHES_AHEAD = 3
"""Packet batches between the decoder and the table: one is filled, one waits, one is worked on."""
WAKE_S = 0.2
"""A signal that comes just before a wait does not end it; the next look around sees it."""


class DecodeAhead:
    """A thread that reads and decodes ahead of the flow table, a few batches at most.

    Both sides spend nearly all of their time without the GIL, so two cores share the work. A packet
    batch holds all that the table needs: the capture may reuse its window meanwhile.
    """

    def __init__(
        self,
        capture: CapturePart,
        decode: Callable[[FrameBatch, PacketBatch], None],
        prepare: Callable[[FrameBatch, PacketBatch], None],
    ) -> None:
        self._capture = capture
        self._decode = decode
        self._prepare = prepare
        self._stopped = False
        self._free: SimpleQueue[PacketBatch] = SimpleQueue()
        self._ready: SimpleQueue[PacketBatch | BaseException | None] = SimpleQueue()
        for _ in range(BATCHES_AHEAD):
            self._free.put(PacketBatch())
        self._thread = threading.Thread(target=self._run, name="sensor-decode", daemon=True)
        self._thread.start()

    def take(self, idle: Callable[[], PacketBatch | None] | None = None) -> PacketBatch | None:
        """The next decoded batch; None at the end. Errors: raises what the capture raised.

        What `idle` gives while nothing comes, unless that is None, is taken instead.
        """
        while True:
            try:
                packets = self._ready.get(timeout=WAKE_S)
            except Empty:
                if idle is not None and (packets := idle()) is not None:
                    return packets
                continue
            if isinstance(packets, BaseException):
                raise packets
            return packets

    def give_back(self, packets: PacketBatch) -> None:
        """Let a batch be filled again."""
        self._free.put(packets)

    def is_idle(self) -> bool:
        """True if no decoded batch is waiting."""
        return self._ready.empty()

    def stop(self) -> None:
        """Read no further. A thread that waits for a silent pipe is left behind."""
        self._stopped = True
        self._free.put(PacketBatch(1))  # in case it waits for one

    def _run(self) -> None:
        try:
            for frames in self._capture:
                packets = self._free.get()
                if self._stopped:
                    break
                self._decode(frames, packets)
                self._prepare(frames, packets)
                self._ready.put(packets)
            self._ready.put(None)
        except BaseException as error:  # handed over, raised by take()
            self._ready.put(error)
