"""Status: what a live sensor is doing right now, as plain values.

One snapshot feeds everything that tells about a running sensor: the view on a terminal, the status
line, the metrics, the notices about loss. Counters count from the start of the run and never fall.
"""

from __future__ import annotations

from dataclasses import dataclass, field

INTERFACE_UP, INTERFACE_DOWN, INTERFACE_ABSENT = "up", "down", "absent"


@dataclass(slots=True)
class Input:
    """One input of a run: where it is, what was read of it, and why not all."""

    path: str
    error: str | None = None
    frames: int = 0
    """Those that were read, also where they were left out afterwards."""
    first_ns: int = -1
    """Packet time of the earliest and of the latest one; negative where there is none."""
    last_ns: int = -1


@dataclass(frozen=True, slots=True)
class Notice:
    """One line for the operator, not an alert: loss, an interface that went away, a failed reload.

    It goes to standard error, and to sinks that reach operators elsewhere (syslog, the journal).
    """

    time_ns: int
    """Wall clock."""
    kind: str
    """A word without spaces: `loss`, `interface`, `sliced`, `sink`, `reload`, `start`, `stop`."""
    text: str
    """For people; may hold text from outside: whoever writes it escapes it."""
    warning: bool = False
    about: str = ""
    """The name of the sink that is in trouble: it is the one that need not be told."""


@dataclass(frozen=True, slots=True)
class InterfaceStatus:
    """One interface that frames come from."""

    name: str
    state: str
    """`up`, `down` or `absent`."""


@dataclass(frozen=True, slots=True)
class CaptureStatus:
    """What the kernel counted (packet(7), PACKET_STATISTICS), added up over the run."""

    kernel_packets: int = 0
    """Frames that passed the filter, dropped ones included."""
    kernel_drops: int = 0
    """Frames that did not fit into the ring."""
    ring_freezes: int = 0
    """How often the ring was full."""


ALERTS, RECORDS = "alerts", "records"


@dataclass(frozen=True, slots=True)
class SinkStatus:
    """One sink."""

    name: str
    delivered: int
    dropped: int
    retried: int
    waiting: int
    """What was taken and is neither delivered nor dropped yet: in a queue or a spool."""
    error: str | None
    """What is wrong now, one harmless line; None while all is well."""
    kind: str = ALERTS
    """What is counted: `alerts`, or `records` of flows."""
    recovering: int = 0
    """Alerts of earlier runs that still are in the spool; in none of the other counts."""
    unconfirmed: int = 0
    """What a server was sent and may not have read: neither delivered nor waiting."""


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """One rule; the counts are those of the ledger."""

    id: str
    name: str
    matches: int
    alerts: int
    excepted: int
    suppressed: int


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot of a running sensor."""

    wall_ns: int
    """When it was taken, wall clock."""
    elapsed_s: float
    """Since the start of the run, on a clock that does not jump."""
    frames: int = 0
    bytes: int = 0
    """Octets of frames on the wire."""
    packets: int = 0
    anomalies: int = 0
    sliced: int = 0
    """Packets that were cut before the capture."""
    alerts: int = 0
    capture: CaptureStatus = CaptureStatus()
    interfaces: tuple[InterfaceStatus, ...] = ()
    flows: dict[str, int] = field(default_factory=dict)
    """Flows that have ended, by verdict: accepted, denied, dropped, attempted, unknown."""
    flows_total: int = 0
    flows_open: int = 0
    evicted: int = 0
    """Flows that left early because the table was full."""
    streams: dict[str, int] = field(default_factory=dict)
    """What was said in flows: the counters of `streams` in the ledger."""
    rules: tuple[RuleStatus, ...] = ()
    sinks: tuple[SinkStatus, ...] = ()
    lag_ns: int = 0
    """How long ago the newest frame that was worked on arrived, when it was worked on."""
    rss_bytes: int = 0
    """Resident memory now, the ring not included where the system tells it apart."""

    @property
    def lost(self) -> int:
        """Everything that should have been seen or said and was not."""
        dropped = sum(sink.dropped for sink in self.sinks)
        return self.capture.kernel_drops + self.evicted + dropped


def sink_drops(status: Status, kind: str = ALERTS) -> int:
    """Alerts, or records, that no longer wait and never arrived, of all sinks."""
    return sum(sink.dropped for sink in status.sinks if sink.kind == kind)
