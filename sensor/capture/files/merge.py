"""Files whose times overlap, merged: their frames in one order of time.

Within a file the order of the frames stays as it is, also where its clock steps back: such a frame
belongs directly behind those before it. So a frame's key is the largest time of its file up to it,
and frames of equal keys keep the order of the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sensor.base.units import MASK32
from sensor.capture.files.reader import FileReader
from sensor.model.frames import FrameBatch


class Cursor:
    """The frames of one file that are read and not yet merged: those from `at` to `count`."""

    def __init__(self, reader: FileReader) -> None:
        self.reader = reader
        self.at = 0
        self.count = 0
        self._keys: NDArray[np.int64] = np.zeros(0, np.int64)
        self._key = np.iinfo(np.int64).min

    def take_over(self) -> None:
        """Merge the batch that the reader has just read."""
        times = self.reader.frames.records["time_ns"][: self.reader.frames.count]
        self._keys = np.maximum(np.maximum.accumulate(times), self._key)
        self.at, self.count = 0, len(times)
        if self.count:
            self._key = int(self._keys[-1])

    @property
    def last_key(self) -> int:
        """The key of the last frame that was read: none that follows has a smaller one."""
        return self._key

    def end_of(self, key: int, or_equal: bool) -> int:
        """Return the end of its frames with lesser (or equal) keys; those before `at` went out."""
        if or_equal:
            return max(int(np.searchsorted(self._keys, key, "right")), self.at)
        return max(int(np.searchsorted(self._keys, key, "left")), self.at)

    def keys(self, end: int) -> NDArray[np.int64]:
        """The keys from `at` to there."""
        return self._keys[self.at : end]


class Merged:
    """A batch that has copies of frames of several files."""

    def __init__(self, frames_max: int) -> None:
        self.frames = FrameBatch(frames_max)
        self._numbers = self.frames.numbers = np.zeros(frames_max, np.uint32)
        self.frames.file_of = np.zeros(frames_max, np.uint16)
        self._data = bytearray(1)
        self._used = 0

    def fill(self, cursors: Sequence[Cursor]) -> Iterator[FrameBatch]:
        """All frames whose place is known by now, in batches; the cursors go on behind them."""
        last = min(range(len(cursors)), key=lambda place: cursors[place].last_key)
        key = cursors[last].last_key
        ends = [cursor.end_of(key, place <= last) for place, cursor in enumerate(cursors)]
        keys = np.concatenate([cursor.keys(end) for cursor, end in zip(cursors, ends, strict=True)])
        sizes = [end - cursor.at for cursor, end in zip(cursors, ends, strict=True)]
        sources = np.repeat(np.arange(len(cursors), dtype=np.uint16), sizes)
        sources = sources[np.argsort(keys, kind="stable")]
        self.frames.files = tuple(cursor.reader.file.probe.path for cursor in cursors)
        for first in range(0, len(sources), self.frames.capacity):
            yield self._filled(cursors, sources[first : first + self.frames.capacity])

    def _filled(self, cursors: Sequence[Cursor], sources: NDArray[np.uint16]) -> FrameBatch:
        """The batch with the next frames of the cursors, whose turns `sources` tells."""
        frames = self.frames
        frames.count = len(sources)
        frames.file_of[: frames.count] = sources
        turns = np.bincount(sources, minlength=len(cursors)).tolist()
        self._make_room(cursors, turns)
        for place, cursor in enumerate(cursors):
            if turns[place]:
                self._copy(cursor, turns[place], np.flatnonzero(sources == place))
        times = frames.records["time_ns"][: frames.count]
        frames.watermark_ns = max(frames.watermark_ns, int(times.max()))
        return frames

    def _make_room(self, cursors: Sequence[Cursor], turns: Sequence[int]) -> None:
        size = sum(_stretch(cursor, count)[1] for cursor, count in
                   zip(cursors, turns, strict=True) if count)  # fmt: skip
        if size > len(self._data):
            self._data = bytearray(size + size // 2)
        self.frames.attach(self._data)
        self._used = 0

    def _copy(self, cursor: Cursor, count: int, places: NDArray[np.intp]) -> None:
        """Copy the next frames of a file, and the stretch of its window that they stand in."""
        source, at = cursor.reader.frames, cursor.at
        start, size = _stretch(cursor, count)
        room = memoryview(self._data)[self._used : self._used + size]
        room[:] = memoryview(source.data)[start : start + size]  # type: ignore[arg-type]
        records = source.records[at : at + count].copy()
        records["offset"] += np.uint32((self._used - start) & MASK32)
        self.frames.records[places] = records
        if source.numbers is not None:
            self._numbers[places] = source.numbers[at : at + count]
        else:
            first = source.first_number + at
            self._numbers[places] = np.arange(first, first + count).astype(np.uint32)
        self._used += size
        cursor.at += count


def _stretch(cursor: Cursor, count: int) -> tuple[int, int]:
    """Return the start of the next frames' octets in its window, and how many they are."""
    records = cursor.reader.frames.records
    first, last = records[cursor.at], records[cursor.at + count - 1]
    start = int(first["offset"])
    return start, int(last["offset"]) + int(last["captured"]) - start
