"""Snapshots of a running sensor: the one place that knows where each number comes from."""

from __future__ import annotations

import os
import time

from sensor.model.status import ALERTS, RECORDS, CaptureStatus, RuleStatus, SinkStatus, Status
from sensor.monitoring.live_run import LiveRun
from sensor.rules.ruleset import RuleSet
from sensor.sinks.base import FlowSink, Sink
from sensor.sinks.delivery.threaded_flows import ThreadedFlows
from sensor.sinks.delivery.threaded_sink import ThreadedSink

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Reporter:
    """Takes snapshots of one run."""

    def __init__(self, run: LiveRun) -> None:
        self._run = run
        self._started_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run started."""
        return time.monotonic() - self._started_s

    def capture(self) -> CaptureStatus:
        """The kernel's counters, of all workers together."""
        parts = [capture.status() for capture in self._run.captures]
        return CaptureStatus(
            sum(part.kernel_packets for part in parts),
            sum(part.kernel_drops for part in parts),
            sum(part.ring_freezes for part in parts),
        )

    def snapshot(self) -> Status:
        """Return the status of the sensor as of now; may be called from any thread."""
        pipeline = self._run.pipeline
        ledger = pipeline.ledger()
        flows = dict(ledger["flows"])
        total, evicted, _ = flows.pop("total"), flows.pop("evicted"), flows.pop("peak")
        return Status(
            wall_ns=time.time_ns(),
            elapsed_s=self.elapsed_s,
            frames=ledger["frames"],
            bytes=ledger["bytes"],
            packets=ledger["packets"],
            anomalies=sum(ledger["anomalies"].values()),
            sliced=ledger["sliced"],
            alerts=pipeline.alerts,
            capture=self.capture(),
            interfaces=self._run.captures[0].interfaces_status(),
            flows=flows,
            flows_total=total,
            flows_open=sum(lane.counters["flows_open"] for lane in pipeline.lanes),
            evicted=evicted,
            streams=ledger.get("streams", {}),
            rules=rule_statuses(self._run.rules),
            sinks=tuple(status_of(sink) for sink in self._run.all_sinks()),
            lag_ns=max(lane.lag_ns for lane in pipeline.lanes),
            rss_bytes=resident_bytes(),
        )


def status_of(sink: Sink | FlowSink) -> SinkStatus:
    """The state of any sink, its accounts read at one moment where another thread changes them."""
    if isinstance(sink, ThreadedSink | ThreadedFlows):
        return sink.status()
    waiting = getattr(sink, "waiting", 0)
    kind = ALERTS if hasattr(sink, "emit") else RECORDS
    return SinkStatus(
        sink.name, sink.delivered, sink.dropped, sink.retried, waiting, sink.error, kind,
        unconfirmed=getattr(sink, "unconfirmed", 0),
    )  # fmt: skip


def rule_statuses(rules: RuleSet) -> tuple[RuleStatus, ...]:
    """The counts of each rule."""
    return tuple(
        RuleStatus(
            identity, part["name"], part["matches"], part["alerts"], part["excepted"],
            part["suppressed"],
        )
        for identity, part in rules.ledger().items()
    )  # fmt: skip


def resident_bytes() -> int:
    """Resident memory now, without what is shared with the kernel; 0 where nobody tells."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            _, resident, shared, *_ = file.read().split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * PAGE_BYTES
