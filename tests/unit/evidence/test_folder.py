"""The folder of evidence: what it may replace, what it leaves alone, what its files are called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sensor.errors import ConfigError
from sensor.evidence.folder import KIND, EvidenceFolder
from sensor.evidence.frame_copies import FrameCopy
from sensor.evidence.wanted import WantedFlow

NAME = "0" * 32 + ".pcapng"
FRAME = FrameCopy("\x1b[31mfile\nname", 3, 1, b"octets", 60, 1, "eth0")


def manifest(**changes: Any) -> str:
    return json.dumps({"kind": KIND, "flows": [{"file": NAME}], **changes})


def write(folder: EvidenceFolder) -> None:
    """A run with one flow of one frame."""
    flow = WantedFlow(("0" * 32, "1" * 32), "1:")
    folder.add(flow, FRAME)
    folder.write(flow, [])
    folder.finish({flow: NAME}, {"kind": KIND, "flows": [{"file": NAME}]})


def names_in(folder: Path) -> list[str]:
    return sorted(place.name for place in folder.iterdir())


def test_a_new_folder_an_empty_one_and_one_of_ours_are_used(tmp_path: Path) -> None:
    for _ in range(2):
        write(EvidenceFolder(str(tmp_path / "a/b"), "-o"))
        assert names_in(tmp_path / "a/b") == [NAME, "manifest.json"]
    assert b"\x1b" not in (tmp_path / "a/b" / NAME).read_bytes()


def test_what_an_earlier_run_wrote_is_replaced(tmp_path: Path) -> None:
    other = "a" * 32 + ".pcapng"
    (tmp_path / "manifest.json").write_text(manifest(flows=[{"file": other}]))
    (tmp_path / other).write_bytes(b"old")
    (tmp_path / ".part-7.pcapng").write_bytes(b"left over")
    folder = EvidenceFolder(str(tmp_path), "-o")
    assert names_in(tmp_path) == [other, "manifest.json"]
    write(folder)
    assert names_in(tmp_path) == [NAME, "manifest.json"]


@pytest.mark.parametrize("text", [
    "", "[]", "{", manifest(kind="other"), manifest(flows=[{"file": "notes.txt"}, 7]),
    manifest(flows=7),
])  # fmt: skip
def test_a_folder_with_anything_else_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ConfigError, match="which is no evidence of an earlier run"):
        EvidenceFolder(str(tmp_path), "-o")
    assert names_in(tmp_path) == ["manifest.json", "notes.txt"]


def test_a_manifest_cannot_name_what_lies_elsewhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside.pcapng"
    outside.write_bytes(b"mine")
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "manifest.json").write_text(manifest(flows=[{"file": "../outside.pcapng"}]))
    write(EvidenceFolder(str(inside), "-o"))
    assert outside.read_bytes() == b"mine"


def test_a_run_that_came_to_nothing_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    flow = WantedFlow(("0" * 32, "1" * 32), "1:")
    old, new = tmp_path / "old", tmp_path / "new"
    write(EvidenceFolder(str(old), "-o"))
    before = (old / NAME).read_bytes()
    for place in (old, new):
        folder = EvidenceFolder(str(place), "-o")
        folder.add(flow, FRAME._replace(octets=b"others"))
        folder.write(flow, [])
        folder.discard()
    assert names_in(old) == [NAME, "manifest.json"] and (old / NAME).read_bytes() == before
    assert not new.exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in ("file", "file/below"):
        with pytest.raises(ConfigError, match="a file has this name, or a part of it"):
            EvidenceFolder(str(tmp_path / place), "-o")


def test_what_does_not_fit_into_memory_goes_through_a_file_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(EvidenceFolder(str(tmp_path / "memory"), "-o"))
    monkeypatch.setattr("sensor.evidence.folder.GATHERED_BYTES_MAX", 0)
    write(EvidenceFolder(str(tmp_path / "disk"), "-o"))
    assert names_in(tmp_path / "disk") == [NAME, "manifest.json"]
    assert (tmp_path / "disk" / NAME).read_bytes() == (tmp_path / "memory" / NAME).read_bytes()
