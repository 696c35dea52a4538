"""The ledger's file: whole at any time, and never in the way."""

from __future__ import annotations

import json
import os
from pathlib import Path

from sensor.monitoring.stats_file import StatsFile


def test_the_newest_ledger_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "stats.json"
    path.write_text("of an earlier run\n")
    stats = StatsFile(str(path))
    assert path.read_text() == "of an earlier run\n"  # until there is a new one
    for frames in (1, 2):
        assert stats.finish({"frames": frames}) is None
        assert json.loads(path.read_text()) == {"frames": frames}
    assert sorted(os.listdir(tmp_path)) == ["stats.json"]


def test_a_file_that_was_moved_away_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "stats.json"
    stats = StatsFile(str(path))
    assert stats.finish({"frames": 1}) is None
    path.rename(tmp_path / "stats.1")
    assert stats.finish({"frames": 2}) is None
    assert json.loads(path.read_text()) == {"frames": 2}


def test_a_full_disk_is_told_each_time() -> None:
    stats = StatsFile("/dev/full")
    for _ in range(2):
        assert "No space left" in (stats.finish({"frames": 1}) or "")


def test_a_pipe_that_nobody_reads_holds_up_nobody(tmp_path: Path) -> None:
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    stats = StatsFile(path)
    stats.write({"long": "x" * 1_000_000})  # more than a pipe holds
    while not stats.stuck:
        pass
    for number in range(100):
        stats.write({"number": number})
    os.set_blocking(reader, True)
    taken = b""
    while not taken.endswith(b'"number":99}\n'):
        taken += os.read(reader, 1 << 16)
    assert taken.count(b"\n") == 2  # of those that waited only the newest counts
    os.close(reader)
