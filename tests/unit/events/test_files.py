"""Several files as one stream in the order of time; what is wrong with each."""

from __future__ import annotations

from pathlib import Path

from sensor.events.files import EventFiles
from tests.unit.events.documents import read


def test_a_file_that_is_not_there_and_one_that_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path / "f", b"")[1].inputs[0].error is None
    files = EventFiles([str(tmp_path / "no"), str(tmp_path)])
    assert list(files) == []
    assert [str(entry.error).split(": ", 1)[1] for entry in files.inputs] == [
        "cannot be read: no such file or directory", "cannot be read: is a directory"]
