"""The frames of a batch, kept while the flow table works on its packets.

The capture fills its window anew meanwhile. All of a window is copied, in one go: which frames are
wanted is known only when the table has made the flows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensor.memory.records import FRAME_LAYOUT
from sensor.model.frames import FRAMES_MAX, FrameBatch
from sensor.model.packets import PacketBatch

Places = NDArray[np.int64]
COLUMNS = ("time_ns", "captured", "wire", "link", "interface")


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
        self._octets = self._records.view(np.uint8)
        self._data = bytearray(1)
        self._start = 0

    def fill(self, frames: FrameBatch) -> None:
        """Become the copies of another batch's frames."""
        count = frames.count
        if not count:
            return
        records = frames.records[:count]
        # As octets: numpy copies records member by member.
        size = count * records.dtype.itemsize
        self._octets[:size] = records.view(np.uint8)
        first, end = int(records["offset"][0]), int(records["offset"][-1] + records["captured"][-1])
        if frames.files:  # merged: the frames of each file stand together
            first = int(records["offset"].min())
            end = int((records["offset"] + records["captured"]).max())
        if end - first > len(self._data):
            self._data = bytearray(2 * (end - first))
        self._start = first
        self._data[: end - first] = memoryview(frames.data)[first:end]  # type: ignore[arg-type]

    def frames(self, packets: PacketBatch, places: Places) -> list[FrameCopy]:
        """Some of the frames, of which the packets are the batch's."""
        if packets.numbered:
            numbers = packets.number_column[places].tolist()
        else:
            numbers = (places + packets.first_number).tolist()
        paths = [packets.file] * len(places)
        if packets.files:
            paths = [packets.files[at] for at in packets.file_column[places].tolist()]
        view, names = memoryview(self._data), packets.interfaces
        records = self._records
        starts = (records["offset"][places] - self._start).tolist()
        columns = [records[name][places].tolist() for name in COLUMNS]
        return [
            FrameCopy(path, number, time_ns, bytes(view[start : start + size]), wire, link,
                      names[interface] if interface < len(names) else "")
            for path, number, start, time_ns, size, wire, link, interface
            in zip(paths, numbers, starts, *columns, strict=True)
        ]  # fmt: skip
