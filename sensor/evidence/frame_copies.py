"""The frames of a batch, kept while the flow table works on its packets.

The capture fills its window anew meanwhile. All of a window is copied, in one go: which frames are
wanted is known only when the table has made the flows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sensor.memory.records import FRAME_LAYOUT
from sensor.model.frames import FRAMES_MAX, FrameBatch
from sensor.model.packets import PacketBatch


class FrameCopy(NamedTuple):
    """One frame as it was captured, and where."""

    path: str
    number: int
    """In its file, from 1."""
    time_ns: int
    octets: bytes
    wire: int
    link: int
    interface: str


class FrameCopies:
    """Copies of the frames of one batch at a time."""

    def __init__(self) -> None:
        self._records = np.zeros(FRAMES_MAX, FRAME_LAYOUT.dtype)
        self._data = bytearray(1)
        self._start = 0

    def fill(self, frames: FrameBatch) -> None:
        """Become the copies of another batch's frames."""
        count = frames.count
        if not count:
            return
        records = frames.records[:count]
        self._records[:count] = records
        first = int(records["offset"].min())
        end = int((records["offset"] + records["captured"]).max())
        if end - first > len(self._data):
            self._data = bytearray(2 * (end - first))
        self._start = first
        self._data[: end - first] = memoryview(frames.data)[first:end]  # type: ignore[arg-type]

    def frame(self, packets: PacketBatch, index: int) -> FrameCopy:
        """A frame, of which the packet is the batch's."""
        record = self._records[index]
        at = int(record["offset"]) - self._start
        path, number = packets.file, packets.first_number + index
        if packets.numbered:
            number = int(packets.number_column[index])
            if packets.files:
                path = packets.files[packets.file_column[index]]
        place = int(record["interface"])
        name = packets.interfaces[place] if place < len(packets.interfaces) else ""
        return FrameCopy(
            path, number, int(record["time_ns"]),
            bytes(memoryview(self._data)[at : at + int(record["captured"])]),
            int(record["wire"]), int(record["link"]), name,
        )  # fmt: skip
