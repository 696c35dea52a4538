"""A batch of packets takes over what is true of the frames that it was decoded from."""

from __future__ import annotations

import numpy as np

from sensor.model.frames import FrameBatch
from sensor.model.packets import PacketBatch


def batch(count: int = 3) -> FrameBatch:
    frames = FrameBatch(4)
    frames.count = count
    frames.watermark_ns = 77
    frames.file, frames.first_number = "a.pcap", 9
    frames.interfaces = ("eth0",)
    frames.outside_window, frames.filtered = 2, 1
    return frames


def test_what_is_true_of_the_frames_is_true_of_the_packets() -> None:
    packets = PacketBatch(4)
    packets.prepared = True
    packets.adopt(batch())
    assert (packets.count, packets.watermark_ns, packets.prepared) == (3, 77, False)
    assert (packets.file, packets.first_number, packets.numbered) == ("a.pcap", 9, False)
    assert (packets.interfaces, packets.outside_window, packets.filtered) == (("eth0",), 2, 1)


def test_numbers_and_files_are_copied_for_as_many_as_there_are() -> None:
    frames = batch(2)
    frames.numbers = np.array([5, 8, 13, 21], np.uint32)
    frames.file_of = np.array([1, 0, 1, 1], np.uint16)
    frames.files = ("a.pcap", "b.pcap")
    packets = PacketBatch(4)
    packets.adopt(frames)
    assert (packets.numbered, packets.files) == (True, ("a.pcap", "b.pcap"))
    assert packets.number_column.tolist() == [5, 8, 0, 0]
    assert packets.file_column.tolist() == [1, 0, 0, 0]
    frames.numbers[0] = 99
    assert packets.number_column[0] == 5
    frames.numbers = None
    packets.adopt(frames)
    assert not packets.numbered


def test_without_several_files_the_column_is_left_to_the_run() -> None:
    frames = batch(2)
    frames.numbers = np.array([5, 8, 13, 21], np.uint32)
    packets = PacketBatch(4)
    packets.adopt(frames)
    assert packets.file_column.tolist() == [0, 0, 0, 0]
