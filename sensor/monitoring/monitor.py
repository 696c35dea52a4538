"""What comes round regularly while the sensor runs: status, notices, reload, ledger, watchdog.

All of it happens on the main thread between two batches, ten times a second at most; an idle
capture yields empty batches, so it happens then too. That the watchdog of the service manager is
fed here is the point: it means that frames still find their way from the kernel through the table.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from sensor.app.outputs import Outlets, full_ledger
from sensor.capture.base import PortCapture
from sensor.ecs.text import time_text
from sensor.engine.pipeline import AnyPipeline
from sensor.errors import OperatorError
from sensor.model.status import Notice, Status
from sensor.monitoring.loss_monitor import LossWatch
from sensor.monitoring.metrics import Metrics
from sensor.monitoring.reporter import Reporter
from sensor.monitoring.screen import Screen
from sensor.monitoring.sink_monitor import TroubleWatch
from sensor.monitoring.stats_file import StatsFile
from sensor.monitoring.systemd import ServiceManager
from sensor.rules.ruleset import RuleSet
from sensor.sinks.base import Sink
from sensor.sinks.delivery.threaded_flows import ThreadedFlows
from sensor.terminal.status_line import status_text

TICK_S = 0.1
SECOND_S = 1.0
STATUS_LINE_S = 60.0


class Asked:
    """What signals have asked for; set by their handlers, taken by the watch."""

    def __init__(self) -> None:
        self.reload = False
        self.ledger = False
        self.stopped_by = 0
        """The number of the signal that ends the run."""


class Reloader:
    """Loads rules in a thread of its own, so that capture goes on meanwhile."""

    def __init__(self, load: Callable[[], RuleSet]) -> None:
        self.load = load
        self._results: SimpleQueue[RuleSet | Exception] = SimpleQueue()
        self.busy = False

    def start(self) -> None:
        """Begin; `take` has the result later."""
        self.busy = True
        threading.Thread(target=self._run, name="sensor-reload", daemon=True).start()

    def _run(self) -> None:
        try:
            self._results.put(self.load())
        except Exception as error:  # the old rules stay, whatever is wrong with the new ones
            self._results.put(error)

    def take(self) -> RuleSet | Exception | None:
        """The new rules, or why there are none; None while loading, or if nothing was asked."""
        try:
            result = self._results.get_nowait()
        except Empty:
            return None
        self.busy = False
        return result


@dataclass(slots=True)
class Surroundings:
    """Everything around the pipeline of a live run."""

    pipeline: AnyPipeline
    captures: Sequence[PortCapture]
    ruleset: RuleSet
    sinks: Sequence[Sink]
    flow_sink: ThreadedFlows | None
    service: ServiceManager
    screen: Screen
    reloader: Reloader
    stats: StatsFile | None = None
    stats_interval_s: float = 60.0
    duration_s: float = 0.0
    quiet: bool = False
    metrics: Metrics | None = None
    asked: Asked = field(default_factory=Asked)

    def tell(self, notice: Notice) -> None:
        """Say something to the operator: here, and where sinks reach one."""
        if notice.warning or not self.quiet:
            self.screen.say(notice_line(notice))
        for sink in self.sinks:
            sink.notify(notice)

    def note(self, kind: str, text: str, *, warning: bool = False) -> None:
        """`tell`, of now, line by line."""
        for line in text.split("\n"):
            self.tell(Notice(time.time_ns(), kind, line, warning))

    def outlets(self) -> list[Outlets]:
        """The sinks, and the flow file if there is one."""
        return [*self.sinks, *([self.flow_sink] if self.flow_sink else ())]

    def stop(self) -> None:
        """Let no more frames in; the run ends when all that were captured are through."""
        if self.flow_sink is not None:
            self.flow_sink.be_patient()  # nothing is captured any more that waiting could lose
        for capture in self.captures:
            capture.stop()


def notice_line(notice: Notice) -> str:
    """A notice on standard error; the journal has times of its own, and reads the priority."""
    text = f"{'warning: ' if notice.warning else ''}{notice.text}"
    if is_journal():  # sd-daemon(3)
        return f"<{4 if notice.warning else 5}>sensor: {text}"
    return f"sensor: {time_text(notice.time_ns)[:19]}Z {text}"


def is_journal() -> bool:
    """Whether standard error leads to the journal of systemd (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        place = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{place.st_dev}:{place.st_ino}"


class Watch:
    """Called after every batch; does what is due."""

    def __init__(
        self,
        around: Surroundings,
        reporter: Reporter,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock_s = clock_s
        self._around = around
        self._reporter = reporter
        self._losses = LossWatch()
        self._troubles = TroubleWatch()
        self._told: Status | None = None
        self._ready = False
        now_s = clock_s()
        self._next_tick_s = now_s
        self._next_second_s = now_s
        self._next_line_s = now_s + STATUS_LINE_S
        self._next_stats_s = now_s
        self._ends_s = now_s + around.duration_s if around.duration_s else float("inf")

    def __call__(self) -> None:
        now_s = self._clock_s()
        if now_s < self._next_tick_s:
            return
        self._next_tick_s = now_s + TICK_S
        around = self._around
        if not self._ready:  # the first batch: frames are being captured
            self._ready = True
            around.service.ready()
        around.service.watchdog()
        if around.asked.ledger:
            around.asked.ledger = False
            around.screen.say(json.dumps(self.ledger(), separators=(",", ":")))
        self._reload()
        if now_s >= self._ends_s or self._nobody_reads():
            self._ends_s = float("inf")
            around.stop()
        if now_s >= self._next_second_s:
            self._next_second_s = now_s + SECOND_S
            self._each_second(now_s)

    def _each_second(self, now_s: float) -> None:
        around = self._around
        status = self._reporter.snapshot()
        self.tell_news(status)
        around.screen.draw(status)
        if around.flow_sink is not None:
            around.flow_sink.flush()
        if now_s >= self._next_line_s:
            self._next_line_s = now_s + STATUS_LINE_S
            line = status_text(status, self._told)
            self._told = status
            around.service.status(line)
            if not around.screen.shown and not around.quiet:
                around.screen.say(f"sensor: {line}")
        if around.stats is not None and now_s >= self._next_stats_s:
            self._next_stats_s = now_s + around.stats_interval_s
            around.stats.write(self.ledger())

    def tell_news(self, status: Status, *, last: bool = False) -> None:
        """Notices of the captures, of losses, and of sinks in trouble."""
        first, *others = self._around.captures
        for notice in first.take_notices():
            self._around.tell(notice)
        for other in others:
            other.take_notices()  # they watch the same interfaces
        losses = self._losses.check(status, last=last)
        for notice in (*losses, *self._troubles.check(status, last=last)):
            self._around.tell(notice)

    def _reload(self) -> None:
        around = self._around
        if around.asked.reload and not around.reloader.busy:
            around.asked.reload = False
            around.service.reloading()
            for sink in around.sinks:
                sink.reopen()
            if around.flow_sink is not None:
                around.flow_sink.reopen()
            around.reloader.start()
        result = around.reloader.take()
        if result is None:
            return
        if isinstance(result, RuleSet):
            outlet = around.pipeline.outlet
            outlet.emit(result.inherit(around.ruleset))
            outlet.rules = around.ruleset = result
            around.note("reload", f"rules loaded: {len(result.rules)}")
            for text in result.notices:
                around.note("reload", text)
        else:
            reason = str(result) if isinstance(result, OperatorError) else repr(result)
            around.note("reload", f"the rules stay as they were: {reason}", warning=True)
        around.service.ready()

    def _nobody_reads(self) -> bool:
        """Whether standard output was all there was to write to, and its reader is gone."""
        around = self._around
        others = (around.flow_sink, around.stats, around.metrics)
        return len(around.sinks) == 1 and not any(others) and around.sinks[0].closed

    def ledger(self) -> dict[str, Any]:
        """The whole ledger of the run, as of now."""
        around = self._around
        return full_ledger(
            around.pipeline, around.ruleset, around.outlets(), self._reporter.elapsed_s,
            self._reporter.capture(),
        )  # fmt: skip
