"""Captures as other taps would have taken them: doubled, cut short, with losses, one-sided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sensor.capture.files.capture import FileCapture
from sensor.decode import decode
from sensor.model.frames import FRAMES_MAX, FrameBatch
from sensor.model.packets import PacketBatch

Reshape = Callable[[FrameBatch], Any]
"""From a batch to the frame records that are to be seen of it."""


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
            records = self._reshape(frames)
            for first in range(0, len(records), FRAMES_MAX):
                some = records[first : first + FRAMES_MAX]
                batch = FrameBatch()
                batch.attach(frames.data)
                batch.file, batch.interfaces = frames.file, frames.interfaces
                batch.records[: len(some)] = some
                batch.count = len(some)
                is_last = first + len(some) == len(records)
                batch.watermark_ns = (
                    frames.watermark_ns if is_last else int(some["time_ns"].max()))
                yield batch


def plain(frames: FrameBatch) -> Any:
    """As it is."""
    return frames.records[: frames.count]


def doubled(frames: FrameBatch) -> Any:
    """Every frame twice."""
    return np.repeat(plain(frames), 2)


def cut_at(octets: int) -> Reshape:
    """A snapshot length."""

    def cut(frames: FrameBatch) -> Any:
        records = plain(frames).copy()
        records["captured"] = np.minimum(records["captured"], octets)
        return records

    return cut


def one_side(clients: bool) -> Reshape:
    """Only what clients send, or only what servers do, by the higher port; TCP and UDP."""

    def side(frames: FrameBatch) -> Any:
        packets = PacketBatch()
        decode(frames, packets)
        rows = packets.records[: packets.count]
        higher = rows["src_port"] > rows["dst_port"]
        wanted = higher if clients else ~higher
        return plain(frames)[wanted | ~np.isin(rows["protocol"], (6, 17))]

    return side


def lossy(every: int = 10, reshape: Reshape = plain) -> Reshape:
    """Every tenth frame is missing, counted through the whole capture."""
    seen = 0

    def lose(frames: FrameBatch) -> Any:
        nonlocal seen
        records = reshape(frames)
        numbers = np.arange(seen, seen + len(records))
        seen += len(records)
        return records[numbers % every != every - 1]

    return lose
