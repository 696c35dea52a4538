"""Documents between flow events: what is left of them when no flow events come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sensor.engine.documents import DocumentsMerger
from sensor.events.files import EventFiles

SECOND = 1_000_000_000
AT = "2026-01-02T03:04:05Z"
AT_NS = 1_767_323_045 * SECOND
TELNET = {
    "@timestamp": AT, "event": {"category": "network", "type": "connection"},
    "destination": {"port": 23},
}


def test_a_stream_without_flow_events_gives_its_rest(tmp_path: Path) -> None:
    class Stage:
        def __init__(self) -> None:
            self.times: list[int] = []

        def take_rows(self, rows: Any) -> None:
            self.times += rows.times_ns().tolist()

    path = tmp_path / "f"
    path.write_text(json.dumps(TELNET), encoding="utf-8")
    stage = Stage()
    DocumentsMerger(EventFiles([str(path)]), stage).take_rest()  # type: ignore[arg-type]
    assert stage.times == [AT_NS]
