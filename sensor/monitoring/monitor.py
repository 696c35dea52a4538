"""The periodic tasks of a live run: status, notices, reload, ledger, watchdog.

They run on the main thread between two batches, ten times a second at most; an idle capture yields
empty batches, so they run then too. That the watchdog of the service manager is fed here is the
point: it means that frames still find their way from the kernel through the table.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sensor.app.ledger import full_ledger
from sensor.engine.ledger import Ledger
from sensor.model.status import Notice, Status
from sensor.monitoring.live_run import LiveRun, Operator, SignalRequests
from sensor.monitoring.loss_monitor import LossWatch
from sensor.monitoring.reporter import Reporter
from sensor.monitoring.sink_monitor import TroubleWatch
from sensor.monitoring.systemd import ServiceManager
from sensor.terminal.status_line import status_text

TICK_S = 0.1
SECOND_S = 1.0
STATUS_LINE_S = 60.0


@dataclass
class Task:
    """Something to be done every so often."""

    every_s: float
    run: Callable[[], None]
    first_s: float = 0.0
    """Seconds from the start until it is done first."""


SLICED = ("packets come cut, by a broker or a mirror port: they count by their IP length, and what"
          " was cut off is not looked at (--sliced)")  # fmt: skip


class Monitor:
    """Called after every batch; runs the tasks that are due, in their order."""

    def __init__(
        self, tasks: Sequence[Task], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._tasks = tasks
        self._clock_s = clock_s
        now_s = clock_s()
        self._due_s = [now_s + task.first_s for task in tasks]

    def __call__(self) -> None:
        now_s = self._clock_s()
        for index, task in enumerate(self._tasks):
            if now_s >= self._due_s[index]:
                self._due_s[index] = now_s + task.every_s
                task.run()


class Heartbeat:
    """Tells the service manager that frames are being captured, and go on being so."""

    def __init__(self, service: ServiceManager) -> None:
        self._service = service
        self._ready = False

    def __call__(self) -> None:
        if not self._ready:
            self._ready = True
            self._service.ready()
        self._service.watchdog()


class News:
    """Notices of the captures, of losses, and of sinks in trouble, each as soon as it is known."""

    def __init__(self, run: LiveRun, operator: Operator) -> None:
        self._run = run
        self._operator = operator
        self._losses = LossWatch()
        self._troubles = TroubleWatch()
        self._is_sliced = False
        """True once it was said that packets come cut."""

    def report(self, status: Status, *, last: bool = False) -> None:
        """Pass on what is new in a status; the `last` one names what is still wrong once more."""
        first, *others = self._run.captures
        for notice in first.take_notices():
            self._operator.notify(notice)
        for other in others:
            other.take_notices()  # they watch the same interfaces
        if status.sliced and not self._is_sliced:
            self._is_sliced = True
            self._operator.notify(Notice(status.wall_ns, "sliced", SLICED))
        losses = self._losses.check(status, last=last)
        for notice in (*losses, *self._troubles.check(status, last=last)):
            self._operator.notify(notice)


class StatusTask:
    """Once a second: news, the screen, the flow file; once a minute a line where none is drawn."""

    def __init__(
        self, run: LiveRun, reporter: Reporter, operator: Operator, news: News,
        service: ServiceManager,
    ) -> None:  # fmt: skip
        self._run = run
        self._reporter = reporter
        self._operator = operator
        self._news = news
        self._service = service
        self._before: Status | None = None
        """The status of the line before."""

    def each_second(self) -> None:
        """Pass on news, draw the status, write flow records that wait."""
        status = self._reporter.snapshot()
        self._news.report(status)
        self._operator.screen.draw(status)
        for file in self._run.files:
            file.flush()

    def each_minute(self) -> None:
        """Give the service manager, and an operator without a screen, a line."""
        status = self._reporter.snapshot()
        line = status_text(status, self._before)
        self._before = status
        self._service.status(line)
        if not self._operator.screen.shown and not self._operator.quiet:
            self._operator.screen.print_line(f"sensor: {line}")


class LedgerTask:
    """Prints the ledger when a signal asks for it."""

    def __init__(
        self, run: LiveRun, reporter: Reporter, operator: Operator, requests: SignalRequests
    ) -> None:
        self._run = run
        self._reporter = reporter
        self._operator = operator
        self._requests = requests

    def __call__(self) -> None:
        if self._requests.ledger:
            self._requests.ledger = False
            ledger = ledger_of_run(self._run, self._reporter)
            self._operator.screen.print_line(json.dumps(ledger, separators=(",", ":")))


def ledger_of_run(run: LiveRun, reporter: Reporter) -> Ledger:
    """The whole ledger of a live run, as of now."""
    ledger = full_ledger(run.pipeline, run.rules, run.all_sinks(), reporter.elapsed_s,
                         reporter.capture())  # fmt: skip
    return ledger if run.evidence is None else {**ledger, "evidence": run.evidence.ledger()}
