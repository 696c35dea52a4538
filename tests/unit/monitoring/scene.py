"""A live session with a hand on its clock, its port and its sink."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sensor.app.build import load_rules
from sensor.app.options import LiveOptions
from sensor.app.outputs import RunOutputs
from sensor.cli.live import LiveSession
from sensor.config import Config, FlowLimits
from sensor.decode import decode
from sensor.engine.pipeline import Pipeline
from sensor.engine.rule_stage import RuleStage
from sensor.flowtable.table import FlowTable
from sensor.model.addresses import Networks
from sensor.model.alert import Alert
from sensor.model.flow import FlowContext
from sensor.model.status import CaptureStatus, InterfaceStatus, Notice
from sensor.monitoring.live_run import LiveRun, Operator, SignalRequests
from sensor.monitoring.monitor import Monitor
from sensor.monitoring.reload import Reloader
from sensor.monitoring.screen import Screen
from sensor.terminal.status_view import StatusView
from tests.conversation import Talk
from tests.memory_capture import MemoryCapture


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
