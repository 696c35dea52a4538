"""A batch of frames, and the window of octets that they are in."""

from __future__ import annotations

from sensor.memory.records import NO_VLAN
from sensor.model.frames import FrameBatch


def test_a_new_batch_is_empty_and_its_frames_have_no_tag() -> None:
    frames = FrameBatch(3)
    assert (frames.count, frames.size, frames.numbers, frames.first_number) == (0, 1, None, 1)
    assert frames.records["vlan_tci"].tolist() == [NO_VLAN] * 3


def test_any_buffer_may_be_the_window() -> None:
    frames = FrameBatch(1)
    for data in (b"octets", bytearray(b"octets"), memoryview(b"octets")):
        frames.attach(data)
        assert frames.size == 6
        assert bytes(frames.data) == b"octets"


def test_the_span_is_from_the_earliest_to_the_latest_wherever_they_stand() -> None:
    frames = FrameBatch(4)
    for times_ns in ([5], [5, 3, 9, 4], [9, 3], [3, 9]):
        frames.records["time_ns"][: len(times_ns)] = times_ns
        frames.count = len(times_ns)
        assert frames.span_ns() == (min(times_ns), max(times_ns))
