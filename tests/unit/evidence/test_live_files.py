"""LiveFiles: files that grow, an index, bounds, and disks in trouble."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from sensor.errors import ConfigError
from sensor.evidence.live_files import INDEX, LiveFiles

FIRST, SECOND, THIRD = (f"{digit * 32}.pcapng" for digit in "abc")
ENTRY = {"is_whole": True}


def entries(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / INDEX).read_bytes().splitlines()]


def test_pieces_become_a_file_and_a_line_of_the_index(tmp_path: Path) -> None:
    files = LiveFiles(str(tmp_path / "new" / "folder"), 1 << 20)
    files.put(FIRST, b"one ")
    files.put(SECOND, b"other")
    files.put(FIRST, b"two")
    files.end(FIRST, {**ENTRY, "file": FIRST})
    files.close()
    folder = tmp_path / "new" / "folder"
    assert (folder / FIRST).read_bytes() == b"one two"
    assert (folder / SECOND).read_bytes() == b"other"
    assert entries(folder) == [{"file": FIRST, "is_whole": True, "bytes": 7,
                                "sha256": hashlib.sha256(b"one two").hexdigest()}]


def test_the_oldest_files_make_room_those_of_earlier_runs_first(tmp_path: Path) -> None:
    for age, name in enumerate((SECOND, FIRST)):
        (tmp_path / name).write_bytes(bytes(400))
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    files = LiveFiles(str(tmp_path), 1000)
    files.put(THIRD, bytes(300))  # 1,100 octets: the oldest must go
    files.close()
    assert {path.name for path in tmp_path.iterdir()} == {SECOND, THIRD}
    assert files.removed == 1


def test_a_removed_file_does_not_come_back_without_its_beginning(tmp_path: Path) -> None:
    files = LiveFiles(str(tmp_path), 1000)
    files.put(FIRST, bytes(600))
    files.put(SECOND, bytes(600))
    files.put(FIRST, b"more")
    files.end(FIRST, ENTRY)
    files.close()
    assert [path.name for path in tmp_path.glob("*.pcapng")] == [SECOND]
    assert entries(tmp_path)[0]["is_whole"] is False


def test_a_full_disk_is_told_and_the_run_goes_on(tmp_path: Path) -> None:
    files = LiveFiles(str(tmp_path), 1 << 20)
    (tmp_path / FIRST).symlink_to("/dev/full")  # every write fails there
    files.put(FIRST, b"octets")
    files.end(FIRST, ENTRY)
    files.put(SECOND, b"octets")
    files.close()
    assert files.failed == 1
    assert (tmp_path / SECOND).read_bytes() == b"octets"


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    files = LiveFiles(str(folder), 1 << 20)
    folder.rmdir()
    files.put(FIRST, b"octets")
    files.close()
    assert files.error is not None and "No such file" in files.error and files.failed == 1


@pytest.mark.parametrize("name", ["notes.txt", "manifest.json", "a.pcapng"])
def test_a_folder_of_something_else_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ConfigError, match=name):
        LiveFiles(str(tmp_path), 1 << 20)


def test_a_file_instead_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="File exists"):
        LiveFiles(str(tmp_path / "file"), 1 << 20)
