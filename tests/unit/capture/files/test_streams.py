"""A path as octets, decompressed if it is compressed."""

from __future__ import annotations

import gzip
from pathlib import Path

from sensor.capture.files.streams import open_stream, read_start
from tests.unit.capture.files.build import write


def test_a_stream_starts_where_its_content_does(tmp_path: Path) -> None:
    for octets in (b"abc", b"", gzip.compress(b"abc"), b"abcdefghijklmn"):
        path = write(tmp_path / "f", octets)
        content = gzip.decompress(octets) if octets[:1] == b"\x1f" else octets
        stream = open_stream(path)
        buffer = memoryview(bytearray(100))
        assert buffer[: stream.readinto(buffer)] == content
        stream.close()


def test_a_start_is_as_long_as_wanted_or_all_there_is(tmp_path: Path) -> None:
    for octets in (b"abcdef", gzip.compress(b"abcdef")):
        for wanted, start in ((2, b"ab"), (100, b"abcdef")):
            stream = open_stream(write(tmp_path / "f", octets))
            assert read_start(stream, wanted) == start
            stream.close()
