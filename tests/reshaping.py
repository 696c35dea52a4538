"""Captures as other taps would have taken them: doubled, cut short, with losses, one-sided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sensor.capture.files import FileCapture
from sensor.frames import FRAMES_MAX, FrameBatch

Reshape = Callable[[Any], Any]
"""From the frame records of a batch to those that are to be seen of it."""


class Reshaped:
    """A file's capture whose frames were changed, left out or repeated."""

    def __init__(self, path: Path, reshape: Reshape) -> None:
        self._capture = FileCapture([str(path)], thread=False)
        self._reshape = reshape
        self.inputs: list[Any] = []
        self.bytes_read = 0
        self.bytes_total = 0

    def __iter__(self) -> Iterator[FrameBatch]:
        for frames in self._capture:
            records = self._reshape(frames.records[: frames.count])
            for first in range(0, len(records), FRAMES_MAX):
                some = records[first : first + FRAMES_MAX]
                batch = FrameBatch()
                batch.attach(frames.data)
                batch.file, batch.interfaces = frames.file, frames.interfaces
                batch.records[: len(some)] = some
                batch.count = len(some)
                batch.watermark_ns = frames.watermark_ns
                yield batch


def doubled(records: Any) -> Any:
    """Every frame twice."""
    return np.repeat(records, 2)


def cut_at(octets: int) -> Reshape:
    """A snapshot length."""

    def cut(records: Any) -> Any:
        records = records.copy()
        records["captured"] = np.minimum(records["captured"], octets)
        return records

    return cut


class Lossy:
    """Every tenth frame is missing, counted through the whole capture."""

    def __init__(self, every: int = 10) -> None:
        self._every = every
        self._seen = 0

    def __call__(self, records: Any) -> Any:
        numbers = np.arange(self._seen, self._seen + len(records))
        self._seen += len(records)
        return records[numbers % self._every != self._every - 1]
