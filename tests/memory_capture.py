"""MemoryCapture: a list of frames is a capture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

from sensor.model.frames import FRAMES_MAX, FrameBatch
from sensor.model.status import Input

MemoryFrame = tuple[int, bytes] | tuple[int, bytes, int]
"""Time in nanoseconds, octets, and the length on the wire where it was more."""


class MemoryCapture:
    """A Capture of frames in memory, cut into batches of any sizes.

    `batch_frames` is the size of every batch, or a list of sizes that is repeated. The last octet
    of a batch's last frame is the last of its window, so that reading on is reading out of bounds.
    """

    def __init__(
        self,
        frames_list: Sequence[MemoryFrame],
        link: int = 1,
        *,
        batch_frames: int | Sequence[int] = FRAMES_MAX,
        file: str = "",
        interfaces: tuple[str, ...] = ("",),
    ) -> None:
        self._frames_list = frames_list
        self._link = link
        self._sizes = [batch_frames] if isinstance(batch_frames, int) else list(batch_frames)
        if not self._sizes or not all(0 < size <= FRAMES_MAX for size in self._sizes):
            raise ValueError(f"batch_frames must be from 1 to {FRAMES_MAX}")
        self._file = file
        self._interfaces = interfaces
        self.inputs = [Input(file)]
        self.bytes_read = 0
        self.bytes_total = sum(len(frame[1]) for frame in frames_list)
        self._closed = False

    def __iter__(self) -> Iterator[FrameBatch]:
        frames = FrameBatch(max(self._sizes))
        frames.file = self._file
        frames.interfaces = self._interfaces
        done = 0
        for size in cycle(self._sizes):
            some = self._frames_list[done : done + size]
            if not some or self._closed:
                return
            self._fill(frames, some)
            frames.first_number = done + 1
            done += len(some)
            yield frames

    def _fill(self, frames: FrameBatch, some: Sequence[MemoryFrame]) -> None:
        """Put these frames into the batch, in a window of their own."""
        frames.attach(b"".join(frame[1] for frame in some))
        records = frames.records[: len(some)]
        offset = 0
        for record, frame in zip(records, some, strict=True):
            captured = len(frame[1])
            wire = frame[2] if len(frame) == 3 else captured
            record["time_ns"] = frame[0]
            record["offset"] = offset
            record["captured"] = captured
            record["wire"] = max(captured, wire)
            record["link"] = self._link
            record["interface"] = 0
            offset += captured
        frames.count = len(some)
        frames.watermark_ns = max(frames.watermark_ns, int(records["time_ns"].max()))
        self.bytes_read += offset

    def close(self) -> None:
        """Yield no further batch."""
        self._closed = True
