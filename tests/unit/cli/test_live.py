"""A live session: its stats file, and when it ends by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sensor.model.status import CaptureStatus
from tests.unit.monitoring.scene import Scene


def test_the_stats_file_is_written_anew_each_interval(tmp_path: Path) -> None:
    path = tmp_path / "stats.json"
    scene = Scene(stats=str(path), stats_interval=5.0)

    def written() -> Any:
        return path.exists() and path.read_text() and json.loads(path.read_text())["capture"]

    for drops in range(12):
        scene.port.counters = CaptureStatus(100, drops, 0)
        scene.at(1)
    while not written() or written()["kernel_drops"] < 10:  # at once, then each 5 s
        pass
    assert written()["kernel_drops"] == 10


def test_it_ends_after_its_duration() -> None:
    scene = Scene(duration=3.0)
    for _ in range(2):
        scene.at(1)
    assert not scene.port.stopped
    scene.at(1)
    assert scene.port.stopped


def test_it_ends_when_nobody_reads_any_more() -> None:
    scene = Scene()
    scene.at(1)
    assert not scene.port.stopped
    scene.sink.closed = True
    scene.at(1)
    assert scene.port.stopped
