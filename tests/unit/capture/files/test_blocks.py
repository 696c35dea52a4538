"""A file whose content comes in blocks gives what it gives when it is read itself."""

from __future__ import annotations

import gzip
import random
from collections.abc import Generator
from itertools import islice
from pathlib import Path

import pytest

from sensor.capture.files.blocks import Block, BlockStream, blocks_of
from sensor.capture.files.streams import open_stream
from sensor.compression.formats import DecompressError
from sensor.compression.stream import Packed, RawStream

CONTENT = random.Random(3).randbytes(1 << 20) * 20
"""Of three blocks."""
PACKED = gzip.compress(CONTENT, 1)


class Lost(Exception):
    """A block that does not come."""


def broken(path: str, after: int) -> Generator[Block]:
    """So many blocks, then none."""
    for number, block in enumerate(blocks_of(path)):
        if number == after:
            raise Lost
        yield block


def told(stream: RawStream) -> tuple[int, bytes, str, int]:
    """The length of what it gives, its end, the error if there is one, the octets read for it."""
    found, room, error = bytearray(), memoryview(bytearray(300_000)), ""
    try:
        while count := stream.readinto(room):
            found += room[:count]
    except DecompressError as problem:
        error = f"{problem} at {problem.offset}"
    assert isinstance(stream, Packed)
    stream.close()
    return len(found), bytes(found[-64:]), error, stream.compressed_read


@pytest.mark.parametrize("octets", [PACKED, PACKED[: len(PACKED) * 2 // 3]], ids=["whole", "cut"])
def test_blocks_give_what_the_file_gives(octets: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(octets)
    itself = told(open_stream(str(path)))
    assert itself[0] > 12 << 20 and bool(itself[2]) is (octets != PACKED)
    blocks = len(list(blocks_of(str(path))))
    for after in (0, 1, 2, 3, 99):
        troubles: list[Exception] = []
        stream = BlockStream(str(path), "gzip", broken(str(path), after), troubles.append)
        assert told(stream) == itself
        assert [type(each) for each in troubles] == [Lost] * (after < blocks)
        assert stream.ended


def test_a_file_that_is_begun_again_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(PACKED)

    def again() -> Generator[Block]:
        yield from islice(blocks_of(str(path)), 2)
        yield from islice(blocks_of(str(path)), 2, None)

    stream = BlockStream(str(path), "gzip", again(), lambda _: None)
    assert told(stream)[0] == len(CONTENT)
    assert stream.readings == 2


def test_what_is_not_there_is_an_error_of_the_file(tmp_path: Path) -> None:
    path = str(tmp_path / "none.gz")
    stream = BlockStream(path, "gzip", blocks_of(path), lambda _: None)
    with pytest.raises(FileNotFoundError):
        stream.readinto(memoryview(bytearray(10)))


def test_another_file_of_that_name_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(PACKED)
    assert next(blocks_of(str(path), len(PACKED))).damage is None
    with pytest.raises(OSError, match="another file"):
        next(blocks_of(str(path), len(PACKED) + 1))
