"""The whole ledger of a run, and the troubles in it."""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence

from sensor.app.outputs import AnySink
from sensor.capture.files.probe import FileProbe
from sensor.ecs.text import time_text
from sensor.engine.ledger import Ledger
from sensor.engine.pipeline import AnyPipeline
from sensor.model.status import CaptureStatus
from sensor.rules.ruleset import RuleSet
from sensor.terminal.stderr import print_stderr

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
"""Octets in which ru_maxrss counts."""


def full_ledger(
    pipeline: AnyPipeline, ruleset: RuleSet, sinks: Sequence[AnySink], elapsed_s: float,
    capture: CaptureStatus | None = None, left_out: Sequence[FileProbe] = ()
) -> Ledger:
    """The ledger of `--stats`, whole."""
    ledger = pipeline.ledger()
    seen = ledger.pop("seen")
    lanes = [lane for lane in pipeline.lanes if lane.table.first_ns >= 0]
    kernel = capture or CaptureStatus()
    return {
        **ledger,
        "rules": ruleset.ledger(),
        "exceptions": ruleset.excepted(),
        "sinks": {sink.name: sink_ledger(sink) for sink in sinks},
        "capture": {"kernel_packets": kernel.kernel_packets, "kernel_drops": kernel.kernel_drops,
                    "ring_freezes": kernel.ring_freezes, **seen},
        "inputs": [{"path": entry.path, "error": entry.error}
                   for entry in pipeline.inputs],
        "left_out": [{"path": probe.path, "reason": probe.foreign} for probe in left_out],
        "first_packet": time_text(min(lane.table.first_ns for lane in lanes)) if lanes else None,
        "last_packet": time_text(max(lane.last_ns for lane in lanes)) if lanes else None,
        "elapsed_s": round(elapsed_s, 6),
        "packets_per_s": round(ledger["frames"] / elapsed_s, 1) if elapsed_s else 0.0,
        "rss_peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT,
    }  # fmt: skip


def sink_ledger(sink: AnySink) -> dict[str, int]:
    """The counters of one sink. A server's say what may be lost, waits, and came from a spool."""
    counts = {"delivered": sink.delivered, "dropped": sink.dropped, "retried": sink.retried}
    others = ("unconfirmed", "waiting", "recovered", "recovering")
    counts |= {name: getattr(sink, name) for name in others if getattr(sink, name, 0)}
    return counts


def report(pipeline: AnyPipeline, sinks: Sequence[AnySink]) -> bool:
    """Say what went wrong with inputs and sinks, even if quiet; True if anything did."""
    problems = [entry.error for entry in pipeline.inputs if entry.error]
    problems += [sink.error for sink in sinks if sink.error]
    for problem in problems:
        print_stderr(f"sensor: {problem}")
    return bool(problems)
