"""What comes round regularly: each thing when it is due, told where it should be told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sensor.model.status import CaptureStatus, Notice, SinkStatus, Status
from sensor.monitoring.monitor import STATUS_LINE_S, News
from tests.unit.monitoring.scene import Scene


def test_notices_of_the_capture_reach_the_operator_and_the_sinks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scene = Scene()
    scene.port.notices.append(Notice(0, "interface", "tap0 is down", warning=True))
    scene.at(0)
    assert capsys.readouterr().err == "sensor: 1970-01-01T00:00:00Z warning: tap0 is down\n"
    assert [notice.text for notice in scene.sink.notices] == ["tap0 is down"]


def test_losses_of_the_kernel_are_said_within_seconds() -> None:
    scene = Scene()
    scene.at(0)
    scene.port.counters = CaptureStatus(100, 7, 1)
    scene.at(1)
    kinds = [notice.kind for notice in scene.sink.notices]
    assert "loss" in kinds and "7" in scene.sink.notices[0].text


def test_packets_that_come_cut_are_said_once() -> None:
    scene = Scene()
    news = News(scene.live, scene.operator)
    for second, sliced in enumerate((0, 5, 9)):
        news.report(Status(0, float(second), sliced=sliced))
    assert [notice.kind for notice in scene.sink.notices] == ["sliced"]
    assert "--sliced" in scene.sink.notices[0].text


def test_a_sink_that_is_in_trouble_at_the_end_is_named_once_more() -> None:
    scene = Scene()
    news = News(scene.live, scene.operator)
    status = Status(0, 1.0, sinks=(SinkStatus("syslog", 0, 0, 0, 5, "no server"),))
    news.report(status)
    news.report(replace(status, elapsed_s=2.0))
    assert len(scene.sink.notices) == 1
    news.report(replace(status, elapsed_s=3.0), last=True)
    assert scene.sink.notices[-1].text == "syslog: no server (for 2 s), 5 waiting"


def test_a_status_line_comes_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene()
    for _ in range(int(2.5 * STATUS_LINE_S)):
        scene.at(1)
    lines = [line for line in capsys.readouterr().err.splitlines() if "packets/s" in line]
    assert len(lines) == 2


def test_the_ledger_is_printed_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene()
    scene.live.pipeline.run()
    scene.requests.ledger = True
    scene.at(1)
    ledger = json.loads(capsys.readouterr().err)
    assert ledger["frames"] == 7 and ledger["flows"]["accepted"] == 1
    assert ledger["sinks"]["heard"]["delivered"] == 1
    scene.at(1)
    assert capsys.readouterr().err == ""
