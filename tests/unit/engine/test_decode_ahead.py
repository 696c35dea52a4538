"""Decoding in a thread ahead of the table: in order, a few batches at most, errors handed over."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sensor.decode import decode
from sensor.engine.decode_ahead import BATCHES_AHEAD, DecodeAhead
from sensor.model.frames import FrameBatch
from tests.memory_capture import MemoryCapture
from tests.unit.engine.short_run import conversation


class Counted(MemoryCapture):
    """A capture that counts the batches that were asked of it, and may break at its end."""

    asked = 0
    error: Exception | None = None

    def __iter__(self) -> Iterator[FrameBatch]:
        for frames in super().__iter__():
            self.asked += 1
            yield frames
        if self.error is not None:
            raise self.error


def test_batches_come_in_order_and_no_more_than_a_few_ahead() -> None:
    capture = Counted(conversation() * 3, batch_frames=1)
    enough = threading.Event()
    prepared: list[int] = []

    def prepare(frames: object, packets: object) -> None:
        prepared.append(1)
        if len(prepared) == BATCHES_AHEAD:
            enough.set()

    ahead = DecodeAhead(capture, decode, prepare)
    assert enough.wait(30) and capture.asked <= BATCHES_AHEAD + 1
    times = []
    while (packets := ahead.take()) is not None:
        times += packets.records["time_ns"][: packets.count].tolist()
        assert len(prepared) <= len(times) + BATCHES_AHEAD
        ahead.give_back(packets)
    assert times == [time_ns for time_ns, *_ in conversation() * 3]


def test_an_error_comes_after_what_was_read_before_it() -> None:
    capture = Counted(conversation())
    capture.error = OSError("gone")
    ahead = DecodeAhead(capture, decode, lambda frames, packets: None)
    assert ahead.take() is not None
    with pytest.raises(OSError, match="gone"):
        ahead.take()
