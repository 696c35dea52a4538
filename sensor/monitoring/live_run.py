"""A live run as those see it that watch it: its parts, its operator, what signals ask of it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType

from sensor.app.outputs import AnySink
from sensor.capture.base import PortCapture
from sensor.ecs.text import time_text
from sensor.engine.pipeline import AnyPipeline
from sensor.evidence.live import LiveEvidence
from sensor.model.status import Notice
from sensor.monitoring.screen import Screen
from sensor.rules.ruleset import RuleSet
from sensor.sinks.base import Sink
from sensor.sinks.delivery.record_sink import RecordSink
from sensor.sinks.delivery.threaded_flows import ThreadedFlows

LiveRecords = ThreadedFlows | RecordSink


@dataclass
class LiveRun:
    """The parts of a live run; a reload puts other rules in the place of the first."""

    pipeline: AnyPipeline
    captures: Sequence[PortCapture]
    rules: RuleSet
    sinks: Sequence[Sink]
    files: Sequence[LiveRecords] = ()
    """Of flow records and of protocol events; servers of both."""
    evidence: LiveEvidence | None = None
    """Also one of the sinks."""

    def all_sinks(self) -> list[AnySink]:
        """The sinks, and the files of flow records and protocol events."""
        return [*self.sinks, *self.files]

    def stop(self) -> None:
        """Let no more frames in; the run ends when all that were captured are through."""
        for file in self.files:
            file.be_patient()  # nothing is captured any more that waiting could lose
        for capture in self.captures:
            capture.stop()


@dataclass
class Operator:
    """The person who runs the sensor, reached on standard error and by sinks that carry notices."""

    screen: Screen
    sinks: Sequence[Sink]
    quiet: bool = False

    def notify(self, notice: Notice) -> None:
        """Show a notice, unless it may be left out, and give it to the sinks."""
        if notice.warning or not self.quiet:
            self.screen.print_line(notice_line(notice))
        for sink in self.sinks:
            sink.notify(notice)

    def note(self, kind: str, text: str, *, warning: bool = False) -> None:
        """`notify` of now, line by line."""
        for line in text.split("\n"):
            self.notify(Notice(time.time_ns(), kind, line, warning))


def notice_line(notice: Notice) -> str:
    """A notice on standard error; the journal has times of its own, and reads the priority."""
    text = f"{'warning: ' if notice.warning else ''}{notice.text}"
    if is_journal():  # sd-daemon(3)
        return f"<{4 if notice.warning else 5}>sensor: {text}"
    return f"sensor: {time_text(notice.time_ns)[:19]}Z {text}"


def is_journal() -> bool:
    """Return True if stderr leads to the journal of systemd (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        place = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{place.st_dev}:{place.st_ino}"


class SignalRequests:
    """The requests of signals; their handlers set them, the monitor takes them."""

    def __init__(self) -> None:
        self.reload = False
        self.ledger = False
        self.stopped_by = 0
        """The number of the signal that ends the run."""

    def listen(self) -> None:
        """Take note of SIGHUP and SIGUSR1 from now on: unheard, they would end the process."""

        def reload(number: int, frame: FrameType | None) -> None:
            self.reload = True

        def ledger(number: int, frame: FrameType | None) -> None:
            self.ledger = True

        for name, handler in (("SIGHUP", reload), ("SIGUSR1", ledger)):
            if hasattr(signal, name):  # Windows has neither
                signal.signal(getattr(signal, name), handler)
