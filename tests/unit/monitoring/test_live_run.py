"""What the operator is told, and how a journal gets it."""

from __future__ import annotations

import os

import pytest

from sensor.model.status import Notice
from sensor.monitoring.live_run import notice_line
from tests.unit.monitoring.scene import Scene


def test_quiet_keeps_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene(quiet=True)
    scene.operator.note("interface", "tap0 is up")
    scene.operator.note("interface", "tap0 is down", warning=True)
    assert scene.screen.flush()
    assert capsys.readouterr().err.count("\n") == 1
    assert len(scene.sink.notices) == 2


def test_the_journal_gets_a_priority_and_no_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    place = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{place.st_dev}:{place.st_ino}")
    assert notice_line(Notice(0, "loss", "lost", warning=True)) == "<4>sensor: warning: lost"
    assert notice_line(Notice(0, "start", "here")) == "<5>sensor: here"
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")  # of a parent: our stderr leads elsewhere
    assert notice_line(Notice(0, "start", "here")) == "sensor: 1970-01-01T00:00:00Z here"
