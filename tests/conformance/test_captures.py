"""What any Capture promises, for each of them: add a line to CAPTURES for a new one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sensor.capture.base import Capture
from sensor.capture.files.capture import FileCapture
from sensor.memory.records import NO_VLAN
from sensor.model.frames import FRAMES_MAX
from tests.memory_capture import MemoryCapture
from tests.unit.capture.files.build import (
    enhanced,
    interface,
    pcap_header,
    record,
    section,
    write,
)

COUNT = 5000


def memory(tmp_path: Path) -> Capture:
    return MemoryCapture([(1_000 - number % 7, b"x" * 60) for number in range(COUNT)])


def pcap(tmp_path: Path) -> Capture:
    frames = b"".join(record(b"x" * 60, number - number % 7) for number in range(COUNT))
    return FileCapture([write(tmp_path / "f", pcap_header(), frames)])


def pcapng(tmp_path: Path) -> Capture:
    frames = b"".join(enhanced(b"x" * 60, number, number % 2) for number in range(COUNT))
    interfaces = interface(1, 0, (2, b"eth0")) + interface(1, 0, (2, b"eth1"))
    return FileCapture([write(tmp_path / "f", section(), interfaces, frames)])


def directory(tmp_path: Path, step: int = COUNT // 5) -> Capture:
    os.mkdir(tmp_path / "d")
    for file in range(5):
        frames = [record(b"x" * 60, file * step + number) for number in range(COUNT // 5)]
        write(tmp_path / "d" / str(file), pcap_header(), *frames)
    return FileCapture([tmp_path / "d"], thread=False, window_bytes=1000)


def overlapping(tmp_path: Path) -> Capture:
    return directory(tmp_path, step=100)


CAPTURES = [memory, pcap, pcapng, directory, overlapping]


@pytest.fixture(params=CAPTURES, ids=lambda make: make.__name__)
def capture(request: pytest.FixtureRequest, tmp_path: Path) -> Capture:
    make: Callable[[Path], Capture] = request.param
    return make(tmp_path)


def test_every_batch_is_sound(capture: Capture) -> None:
    total = latest = read = 0
    numbers: dict[str, int] = {}
    names: tuple[str, ...] = ()
    for frames in capture:
        rows = frames.records[: frames.count]
        assert 0 < frames.count <= min(frames.capacity, FRAMES_MAX)
        assert (rows["offset"].astype(int) + rows["captured"] <= frames.size).all()
        assert (rows["wire"] >= rows["captured"]).all()
        assert (rows["interface"] < len(frames.interfaces)).all()
        assert (rows["vlan_tci"] == NO_VLAN).all()
        assert frames.interfaces[: len(names)] == names
        names = frames.interfaces
        latest = max(latest, int(rows["time_ns"].max()))
        assert frames.watermark_ns >= latest
        for at in range(frames.count):
            file, number = frames.file, frames.first_number + at
            if frames.numbers is not None:
                number = int(frames.numbers[at])
            if frames.files:
                file = frames.files[frames.file_of[at]]
            numbers[file] = numbers.get(file, 0) + 1
            assert numbers[file] == number
        assert read <= capture.bytes_read
        read = capture.bytes_read
        total += frames.count
    assert total == COUNT
    assert capture.bytes_read == capture.bytes_total > 0
    assert all(each.error is None for each in capture.inputs)


def test_the_batch_is_reused_and_the_capture_closes_early(capture: Capture) -> None:
    batches = iter(capture)
    first = next(batches)
    assert next(batches) is first
    capture.close()
    capture.close()
    assert bytes(first.data[first.records["offset"][0] :][:60]) == b"x" * 60
    assert list(batches) == []
