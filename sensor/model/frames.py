"""FrameBatch: the currency between a capture and the decoder.

A frame is octets as captured, link layer included. A batch holds at most `capacity` of them, all
inside one window of octets that the capture owns; it is reused: what it holds is valid until the
capture is asked for the next one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.memory.records import FRAME_LAYOUT, NO_VLAN, allocate

if not cython.compiled:
    from sensor.memory.loads import Buffer, octets_of
    from sensor.memory.records import frame_at, frames_of

FRAMES_MAX = 2048
"""Frames in one batch at most: batch, window and packets together stay in the L2 cache."""


class FrameBatch:
    """Frames of one window of octets, in capture order.

    `data` is the window, `rows[i]` the i-th frame, `records` the same memory as numpy columns.
    `watermark_ns` is the packet time that the capture vouches for: deadlines up to it are judged
    when the batch is done (for a file: the last frame's time; live: the clock).
    `file` is the path that the frames came from ("" live), `first_number` the number of the first
    frame in that file, counted from 1. `interfaces` names the capture's interfaces.

    Where frames were left out or files merged, `numbers` has the number of each frame instead, and
    where there are several, `files` their paths and `file_of` the index of each frame's.
    `outside_window` and `filtered` are how many frames were left out here.
    """

    def __init__(self, capacity: int = FRAMES_MAX) -> None:
        self.view, self.records = allocate(FRAME_LAYOUT, capacity, cython.compiled)
        self.rows = frames_of(self.view)
        self.records["vlan_tci"] = NO_VLAN
        self.capacity = capacity
        self.count = 0
        self.watermark_ns = 0
        self.file = ""
        self.first_number = 1
        self.interfaces: tuple[str, ...] = ()
        self.numbers: npt.NDArray[np.uint32] | None = None
        self.files: tuple[str, ...] = ()
        self.file_of = np.zeros(0, np.uint16)
        self.outside_window = 0
        self.filtered = 0
        self.attach(b"\0")

    def attach(self, data: Buffer) -> None:
        """Make `data` the window that offsets point into."""
        self.data = data
        self.size = len(data)
        self.octets = octets_of(self.data)

    def span_ns(self) -> tuple[int, int]:
        """The earliest and the latest time of its frames; it has at least one."""
        earliest = latest = frame_at(self.rows, 0).time_ns
        for i in range(1, self.count):
            time_ns = frame_at(self.rows, i).time_ns
            earliest = min(earliest, time_ns)
            latest = max(latest, time_ns)
        return earliest, latest
