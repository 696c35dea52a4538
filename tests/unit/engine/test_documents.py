"""Documents between flow events, and what is left of them when no flow events come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sensor
from sensor.engine.documents import DocumentsMerger
from sensor.events.files import EventFiles
from tests.running import CAPTURES
from tests.unit.events.documents import AT_NS, SECOND, TELNET


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


def test_documents_and_packets_are_one_stream(tmp_path: Path) -> None:
    """Whatever the order of the alerts of one time: documents come first."""
    capture = str(CAPTURES / "telnet_accepted_v4.pcap")
    (flow,) = [alert for alert in sensor.replay(capture)]
    path = tmp_path / "events.ndjson"
    times = [flow.time_ns - SECOND, flow.time_ns, flow.time_ns + SECOND]
    path.write_text("".join(json.dumps({**TELNET, "@timestamp": time, "n": n}) + "\n"
                            for n, time in enumerate(times)), encoding="utf-8")
    alerts = list(sensor.replay(capture, events=str(path)))
    assert [alert.document.get("n", "flow") for alert in alerts] == [0, 1, "flow", 2]
    assert [alert.time_ns for alert in alerts] == sorted(alert.time_ns for alert in alerts)
    assert alerts[2].document == flow.document
