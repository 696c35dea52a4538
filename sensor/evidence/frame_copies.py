"""The frames of a batch, kept while the flow table works on its packets.

The capture fills its window anew meanwhile. All of a window is copied, in one go: which frames are
wanted is known only when the table has made the flows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensor.capture.linktypes import LINK_ETHERNET
from sensor.memory.records import FRAME_LAYOUT, NO_VLAN, RecordArray
from sensor.model.frames import FrameBatch
from sensor.model.packets import PacketBatch

Places = NDArray[np.int64]
COLUMNS = ("time_ns", "captured", "wire", "link", "interface")
FRAME_BYTES_LIKELY = 4096
"""Octets that a frame takes in a window at most on average, unless frames are huge or lie apart."""
MACS_BYTES = 12
"""Octets before the place of a VLAN tag."""


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
        self._records = np.zeros(0, FRAME_LAYOUT.dtype)
        self._octets = self._records.view(np.uint8)
        self._data = bytearray()
        self._start = 0

    @property
    def bytes(self) -> int:
        """Octets of memory that they take."""
        return self._records.nbytes + len(self._data)

    def fill(self, frames: FrameBatch) -> None:
        """Become the copies of another batch's frames."""
        count = frames.count
        if not count:
            return
        if count > len(self._records):
            self._records = np.zeros(count, FRAME_LAYOUT.dtype)
            self._octets = self._records.view(np.uint8)
        records = frames.records[:count]
        # As octets: numpy copies records member by member.
        size = count * records.dtype.itemsize
        self._octets[:size] = records.view(np.uint8)
        window = memoryview(frames.data)  # type: ignore[arg-type]
        first, end = int(records["offset"][0]), int(records["offset"][-1] + records["captured"][-1])
        if frames.files:  # merged: the frames of each file stand together
            first = int(records["offset"].min())
            end = int((records["offset"] + records["captured"]).max())
        if not 0 <= end - first <= count * FRAME_BYTES_LIKELY:
            window = self._gathered(window, records)
            first, end = 0, len(window)
        self._start = first
        if end - first > len(self._data):
            self._data = bytearray(max(end - first, 2 * len(self._data)))
        self._data[: end - first] = window[first:end]

    def _gathered(self, window: memoryview, records: RecordArray) -> memoryview:
        """The frames alone: they lie far apart, in blocks of a ring that may begin again."""
        starts, captured = records["offset"].tolist(), records["captured"].tolist()
        self._records["offset"][: len(starts)] = np.cumsum([0, *captured[:-1]])
        return memoryview(b"".join(window[start : start + size]
                                   for start, size in zip(starts, captured, strict=True)))

    def frames(self, packets: PacketBatch, places: Places) -> list[FrameCopy]:
        """Some of the frames, of which the packets are the batch's."""
        if packets.numbered:
            numbers = packets.number_column[places].tolist()
        else:
            numbers = (places + packets.first_number).tolist()
        paths = [packets.file] * len(places)
        if packets.files:
            paths = [packets.files[at] for at in packets.file_column[places].tolist()]
        return self.cut(places, paths, numbers, packets.interfaces)

    def cut(
        self, places: Places, paths: Sequence[str], numbers: Sequence[int],
        interfaces: Sequence[str],
    ) -> list[FrameCopy]:
        """Some of the frames, with the path and the number of each, and the batch's interfaces."""
        view = memoryview(self._data)
        records = self._records
        starts = (records["offset"][places] - self._start).tolist()
        columns = [records[name][places].tolist() for name in COLUMNS]
        found = [
            FrameCopy(path, number, time_ns, bytes(view[start : start + size]), wire, link,
                      interfaces[interface] if interface < len(interfaces) else "")
            for path, number, start, time_ns, size, wire, link, interface
            in zip(paths, numbers, starts, *columns, strict=True)
        ]  # fmt: skip
        if (records["vlan_tci"][places] != NO_VLAN).any():
            tags = records[["vlan_tpid", "vlan_tci"]][places].tolist()
            return [_tagged(frame, *tag) for frame, tag in zip(found, tags, strict=True)]
        return found


def _tagged(frame: FrameCopy, tpid: int, tci: int) -> FrameCopy:
    """A frame with the VLAN tag that the kernel took out of it."""
    if tci == NO_VLAN or frame.link != LINK_ETHERNET or len(frame.octets) < MACS_BYTES:
        return frame
    tag = tpid.to_bytes(2, "big") + tci.to_bytes(2, "big")
    octets = frame.octets[:MACS_BYTES] + tag + frame.octets[MACS_BYTES:]
    return frame._replace(octets=octets, wire=frame.wire + len(tag))
