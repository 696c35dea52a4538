"""What came out of a file is kept whole or not at all, and found while the file is the same."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from sensor.capture.files import kept
from sensor.capture.files.blocks import BlockStream, blocks_of
from sensor.capture.files.kept import keep, kept_blocks, kept_path
from tests.unit.capture.files.test_blocks import CONTENT, PACKED, told


def stream_of(path: Path, target: str) -> BlockStream:
    return BlockStream(str(path), "gzip", kept_blocks(target), pytest.fail)


@pytest.mark.parametrize("octets", [PACKED, PACKED[: len(PACKED) * 2 // 3]], ids=["whole", "cut"])
def test_what_is_kept_ends_as_the_file_does(octets: bytes, tmp_path: Path) -> None:
    path, folder = tmp_path / "a.gz", tmp_path / "kept"
    path.write_bytes(octets)
    folder.mkdir()
    target = kept_path(str(path), str(folder))
    keep(str(path), target)
    assert os.listdir(folder) == [os.path.basename(target)]
    itself = told(BlockStream(str(path), "gzip", blocks_of(str(path)), pytest.fail))
    assert told(stream_of(path, target)) == itself


def test_nothing_is_done_twice_and_leftovers_go(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(PACKED)
    target = kept_path(str(path), str(tmp_path))
    left = Path(f"{target}.0123{kept.UNFINISHED}")  # of a run that was killed
    left.write_bytes(CONTENT[:100])
    keep(str(path), target)
    assert not left.exists()
    before = os.stat(target)
    path.unlink()
    keep(str(path), target)  # it looks at what is there alone
    assert os.stat(target) == before


def test_a_file_that_changes_has_another_place(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"one"))
    first = kept_path(str(path), str(tmp_path))
    os.utime(path, ns=(1, 1))
    second = kept_path(str(path), str(tmp_path))
    with pytest.raises(OSError, match="changed while it was read"):
        keep(str(path), first)
    assert first != second and [each.name for each in tmp_path.iterdir()] == ["a.gz"]
