"""Where datasets go."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from sensor.errors import ConfigError
from sensor.sinks.dataset_places import is_dataset, open_place

pytest.importorskip("pyarrow")


def test_a_folder_or_a_name_that_ends_as_one_is_a_dataset(tmp_path: Path) -> None:
    assert is_dataset(str(tmp_path)) and is_dataset("flows/") and is_dataset("s3://bucket/x")
    assert not is_dataset(str(tmp_path / "flows.parquet")) and not is_dataset("-")


def test_a_file_appears_whole_and_replaces_its_like(tmp_path: Path) -> None:
    place = open_place(f"{tmp_path}/data/", "flows")
    for text in ("one", "two"):
        path = Path(place.folder) / "made"
        path.write_text(text)
        place.put(str(path), "date=2026-01-02/hour=03/x.parquet")
    assert (tmp_path / "data/date=2026-01-02/hour=03/x.parquet").read_text() == "two"
    assert os.listdir(place.folder) == []


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file/x/: Not a directory"):
        open_place(f"{tmp_path}/file/x/", "flows")


def test_secrets_of_a_bucket_are_not_in_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    place = open_place("s3://key:hidden@bucket/flows/?region=eu-central-1", "flows")
    assert place.name == "s3://bucket/flows" and "hidden" not in place.folder
    with pytest.raises(ConfigError) as error:
        open_place("s3://key:hidden@bucket/flows?colour=blue", "flows")
    assert "hidden" not in str(error.value)
