"""What comes round regularly: each thing when it is due, told where it should be told."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sensor.app.build import load_rules, shipped_rules
from sensor.app.options import LiveOptions
from sensor.app.outputs import RunOutputs
from sensor.capture.in_memory import MemoryCapture
from sensor.cli.live import LiveSession
from sensor.config import Config, FlowLimits
from sensor.decode import decode
from sensor.engine.pipeline import Pipeline
from sensor.engine.rule_stage import RuleStage
from sensor.errors import ConfigError
from sensor.flowtable.table import FlowTable
from sensor.model.addresses import Networks
from sensor.model.alert import Alert
from sensor.model.flow import FlowContext
from sensor.model.status import CaptureStatus, InterfaceStatus, Notice, SinkStatus, Status
from sensor.monitoring.live_run import LiveRun, Operator, SignalRequests, notice_line
from sensor.monitoring.monitor import STATUS_LINE_S, Monitor, News
from sensor.monitoring.reload import Reloader
from sensor.monitoring.screen import Screen
from sensor.terminal.status_view import StatusView
from tests.conversation import Talk


@dataclass
class Port(MemoryCapture):
    """A capture of frames in memory that says of itself what a port would."""

    notices: list[Notice] = field(default_factory=list)
    counters: CaptureStatus = field(default_factory=CaptureStatus)
    stopped: bool = False

    def __post_init__(self) -> None:
        talk = Talk()
        talk.handshake()
        talk.server.data(0.1)
        talk.close(0.2)
        MemoryCapture.__init__(self, talk.frames)

    def status(self) -> CaptureStatus:
        return self.counters

    def interfaces_status(self) -> tuple[InterfaceStatus, ...]:
        return (InterfaceStatus("tap0", "up"),)

    def take_notices(self) -> list[Notice]:
        taken, self.notices = self.notices, []
        return taken

    def stop(self) -> None:
        self.stopped = True


@dataclass
class Heard:
    """A sink that keeps everything."""

    name: str = "heard"
    alerts: list[Alert] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    delivered: int = 0
    dropped: int = 0
    waiting: int = 0
    retried: int = 0
    error: str | None = None
    closed: bool = False
    reopened: int = 0

    def emit(self, alert: Alert) -> None:
        self.alerts.append(alert)
        self.delivered += 1

    def accounted(self) -> int:
        return self.delivered

    def notify(self, notice: Notice) -> None:
        self.notices.append(notice)

    def reopen(self) -> None:
        self.reopened += 1

    def close(self) -> None:
        self.closed = True


class Scene:
    """A live session with a hand on its clock."""

    def __init__(self, load: Any = load_rules, **options: Any) -> None:
        self.now_s = 1000.0
        self.port, self.sink = Port(), Heard()
        rules = load_rules()
        outputs = RunOutputs([self.sink])
        stage = RuleStage(rules, outputs, FlowContext(internal=Networks(()), live=True))
        pipeline = Pipeline(self.port, decode, FlowTable(FlowLimits()), stage)
        self.live = LiveRun(pipeline, [self.port], rules, [self.sink])  # type: ignore[list-item]
        settings = LiveOptions(config=Config(), **options)
        self.screen = Screen(StatusView(None))
        self.operator = Operator(self.screen, [self.sink], settings.quiet)
        self.requests = SignalRequests()
        session = LiveSession(self.live, self.operator, self.requests, settings)
        self.monitor = Monitor(session.tasks(Reloader(load)), lambda: self.now_s)

    def at(self, seconds: float) -> None:
        self.now_s += seconds
        self.monitor()
        assert self.screen.flush()

    def until(self, condition: Any) -> None:
        """Tick until something that a thread works on has happened."""
        while not condition():
            self.at(0.2)


def test_notices_of_the_capture_reach_the_operator_and_the_sinks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scene = Scene()
    scene.port.notices.append(Notice(0, "interface", "tap0 is down", warning=True))
    scene.at(0)
    assert capsys.readouterr().err == "sensor: 1970-01-01T00:00:00Z warning: tap0 is down\n"
    assert [notice.text for notice in scene.sink.notices] == ["tap0 is down"]


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


def test_losses_of_the_kernel_are_said_within_seconds() -> None:
    scene = Scene()
    scene.at(0)
    scene.port.counters = CaptureStatus(100, 7, 1)
    scene.at(1)
    kinds = [notice.kind for notice in scene.sink.notices]
    assert "loss" in kinds and "7" in scene.sink.notices[0].text


def test_a_sink_that_is_in_trouble_at_the_end_is_named_once_more() -> None:
    scene = Scene()
    news = News(scene.live, scene.operator)
    status = Status(0, 1.0, sinks=(SinkStatus("syslog", 0, 0, 0, 5, "no server"),))
    news.tell(status)
    news.tell(replace(status, elapsed_s=2.0))
    assert len(scene.sink.notices) == 1
    news.tell(replace(status, elapsed_s=3.0), last=True)
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


def test_a_reload_replaces_the_rules_and_keeps_what_they_remember(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scene = Scene()
    scene.live.pipeline.run()
    before, counted = scene.live.rules, scene.live.rules.ledger()
    scene.requests.reload = True
    scene.until(lambda: scene.live.rules is not before)
    after = scene.live.rules
    assert scene.live.pipeline.stage.rules is after
    assert after.ledger() == counted
    assert sum(part["alerts"] for part in after.ledger().values()) == len(scene.sink.alerts) == 1
    assert scene.sink.reopened == 1
    assert "rules loaded: 3" in capsys.readouterr().err


def test_what_a_changed_rule_counted_stays_in_the_ledger(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    shipped = Path(shipped_rules()) / "accepted_default_telnet_port_connection.toml"
    other.write_text(shipped.read_text().replace("risk_score = 47", "risk_score = 48"))
    scene = Scene(lambda: load_rules([str(other)]))
    scene.live.pipeline.run()
    before = scene.live.rules
    scene.requests.reload = True
    scene.until(lambda: scene.live.rules is not before)
    assert scene.live.rules is not before and len(scene.live.rules.rules) == 1
    ledger = scene.live.rules.ledger()
    assert sum(part["alerts"] for part in ledger.values()) == len(scene.sink.alerts) == 1


def test_bad_rules_change_nothing_and_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    def load() -> Any:
        raise ConfigError("telnet.toml:3: what is this?")

    scene = Scene(load)
    before = scene.live.rules
    scene.requests.reload = True
    scene.until(lambda: scene.sink.notices)
    assert scene.live.rules is before
    assert "the rules stay as they were: telnet.toml:3" in capsys.readouterr().err
    assert scene.sink.notices[0].warning


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
