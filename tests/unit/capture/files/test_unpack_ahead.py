"""Files that are decompressed ahead give what they give when their turn comes."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import random
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import Any

import lz4.frame
import pytest
import zstandard

from sensor.capture.files.capture import FileCapture
from sensor.capture.files.streams import open_stream
from sensor.capture.files.unpack_ahead import UnpackedStream
from sensor.compression.formats import DecompressError
from sensor.compression.stream import DecompressedStream
from tests.unit.capture.files.build import pcap_header, record, told, write

COMPRESS = {
    "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "lz4": partial(lz4.frame.compress, content_checksum=True),
}  # fmt: skip
KINDS = pytest.mark.parametrize("kind", COMPRESS)


def noise(size: int) -> bytes:
    """Octets that hardly get smaller."""
    return random.Random(7).randbytes(size)


def unpacked(path: str) -> UnpackedStream:
    stream = open_stream(path)
    assert isinstance(stream, DecompressedStream)
    return UnpackedStream(stream)


def rotated(folder: Path, kind: str, *, damaged: bool = False) -> list[str]:
    """Files of one capture; the second of them damaged far behind its beginning."""
    paths = []
    for number in range(5):
        frames = [record(noise(900) + bytes([number]), 100 * number + at // 10, at)
                  for at in range(400)]  # fmt: skip
        octets = COMPRESS[kind](pcap_header() + b"".join(frames))
        if damaged and number == 1:
            octets = octets[: len(octets) * 2 // 3] + bytes(64) + octets[len(octets) * 2 // 3 :]
        paths.append(write(folder / f"{number}.{kind}", octets))
    return paths


def read(paths: list[str], jobs: int) -> tuple[list[Any], list[str | None], int]:
    capture = FileCapture(paths, thread=False, jobs=jobs)
    rows = [row for frames in capture for row in told(frames)]
    return rows, [entry.error for entry in capture.inputs], capture.bytes_read


@KINDS
@pytest.mark.parametrize("damaged", [False, True])
def test_several_at_once_give_the_same(kind: str, damaged: bool, tmp_path: Path) -> None:
    paths = rotated(tmp_path, kind, damaged=damaged)
    rows, errors, size = read(paths, 1)
    assert len(rows) >= 1600 and (errors[1] is not None) is damaged
    for jobs in (2, 3, 9):
        assert read(paths, jobs) == (rows, errors, size)


def test_what_is_ahead_is_let_go_with_the_capture(tmp_path: Path) -> None:
    paths = rotated(tmp_path, "gzip")
    descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    capture = FileCapture(paths, thread=False, jobs=4)
    batches = iter(capture)
    next(batches)
    assert len(os.listdir("/proc/self/fd")) >= descriptors + 3
    capture.close()
    assert list(batches) == []
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert threading.active_count() == threads


def test_a_full_disk_only_costs_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary file is on a device that takes some octets and then no more."""
    content = noise(5 << 20)
    path = write(tmp_path / "f.gz", gzip.compress(content, 1))

    class Full:
        def __init__(self) -> None:
            self._file = open(tmp_path / "room", "w+b", buffering=0)  # noqa: SIM115
            self.fileno, self.close = self._file.fileno, self._file.close
            self.left = 2_500_000

        def write(self, octets: memoryview) -> int:
            if not self.left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            count = self._file.write(octets[: self.left])
            self.left -= count
            return count

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    stream, found = unpacked(path), bytearray()
    room = memoryview(bytearray(300_000))
    while count := stream.readinto(room):
        found += room[:count]
    stream.close()
    assert found == content


def test_damage_comes_where_it_comes_from_the_file_itself(tmp_path: Path) -> None:
    octets = gzip.compress(noise(3 << 20), 1)
    path = write(tmp_path / "cut.gz", octets[: len(octets) // 2])
    ends = []
    for stream in (unpacked(path), open_stream(path)):
        found, room = 0, memoryview(bytearray(100_000))
        with pytest.raises(DecompressError) as error:
            while count := stream.readinto(room):
                found += count
        stream.close()
        ends.append((found, str(error.value), error.value.offset))
    assert ends[0] == ends[1] and ends[0][0] > 1 << 20
