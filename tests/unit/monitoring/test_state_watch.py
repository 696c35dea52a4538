"""A file of `--state` that cannot be used: said once, tried again, said when it works."""

from __future__ import annotations

from pathlib import Path

from sensor.monitoring.state_watch import StateWatch
from sensor.rules.state_store import FILE_NAME, RuleStore
from tests.unit.monitoring.scene import Scene


def test_a_file_that_cannot_be_used_is_said_and_tried_again(tmp_path: Path) -> None:
    scene = Scene()
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 1000)
    store = RuleStore(str(tmp_path), needed=False)
    watch = StateWatch(store, scene.operator)
    for _ in range(3):
        watch()
    (tmp_path / FILE_NAME).rename(tmp_path / "away")
    for _ in range(3):
        watch()
    store.close()
    said = [notice.text for notice in scene.sink.notices if notice.kind == "state"]
    assert len(said) == 2
    assert "move it away" in said[0] and said[0].endswith("it is tried again")
    assert said[1] == "what rules learn is kept again"
