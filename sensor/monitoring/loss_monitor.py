"""Losses: what a running sensor should have seen or said and did not, told soon and not too often.

Pure: what is lost, and when, stands in the status.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sensor.base.escape import harmless
from sensor.base.units import SECOND_NS
from sensor.model.status import ALERTS, RECORDS, Notice, SinkStatus, Status, sink_drops

LOSS_INTERVAL_NS = 10 * SECOND_NS


@dataclass(frozen=True, slots=True)
class LossKind:
    """One way to lose something."""

    key: str
    count: Callable[[Status], int]
    """Count since the start."""
    what: tuple[str, str]
    """The thing that is counted: one of it, more of it."""
    why: str
    advice: str


LOSS_KINDS = (
    LossKind(
        "kernel_drops", lambda status: status.capture.kernel_drops,
        ("frame lost", "frames lost"),
        "the kernel found no room in the ring",
        "a larger ring (--ring-mib), more workers (--workers) or a filter (--bpf) may help",
    ),
    LossKind(
        "ring_freezes", lambda status: status.capture.ring_freezes,
        ("time the ring was full", "times the ring was full"),
        "the sensor did not keep up with the traffic",
        "a larger ring (--ring-mib) rides out bursts, more workers (--workers) share the load",
    ),
    LossKind(
        "sink_drops", sink_drops,
        ("alert not delivered", "alerts not delivered"),
        "a sink took less than it was given",
        "see to the receiver; a spool (--spool) keeps alerts while a server is away, "
        "[sink] queue_max is how many may wait",
    ),
    LossKind(
        "record_drops", lambda status: sink_drops(status, RECORDS),
        ("flow record not written", "flow records not written"),
        "the flow file took less than it was given",
        "a faster disk, or [sink] flow_queue_bytes, which is how much may wait, may help",
    ),
    LossKind(
        "evicted", lambda status: status.evicted,
        ("flow ended early", "flows ended early"),
        "the flow table was full",
        "raise [flow] flows_max if there is memory for it",
    ),
    LossKind(
        "skipped", lambda status: status.streams.get("skipped", 0),
        ("segment not analyzed", "segments not analyzed"),
        "the analyzers did not keep up with the traffic, and packets go first",
        "more workers (--workers) share the load",
    ),
)  # fmt: skip
"""In the order in which they are told."""
DROPS = {"sink_drops": ALERTS, "record_drops": RECORDS}
"""Kinds of loss that sinks are to blame for, and what those sinks count."""


@dataclass(slots=True)
class _Reported:
    """The last notice of one kind."""

    count: int = 0
    at_s: float = float("-inf")


class LossWatch:
    """Turns growing loss counters into notices.

    The first loss of a kind is said at once. While a kind goes on it is said again once in each
    interval, with the count since the last notice and the total; so nothing waits for longer than
    the interval, as long as `check` is called.
    """

    def __init__(self, interval_ns: int = LOSS_INTERVAL_NS) -> None:
        self._interval_s = interval_ns / SECOND_NS
        self._reported = {kind.key: _Reported() for kind in LOSS_KINDS}

    def check(self, status: Status, *, last: bool = False) -> list[Notice]:
        """The notices that are due, at most one of each kind; at the end (`last`) all that is new.

        Units: intervals go by `elapsed_s`, which does not jump.
        """
        notices = []
        for kind in LOSS_KINDS:
            reported = self._reported[kind.key]
            total = kind.count(status)
            due = last or status.elapsed_s - reported.at_s >= self._interval_s
            if total > reported.count and due:
                text = loss_text(kind, total - reported.count, status)
                about = _only_sink(kind, status)
                notices.append(Notice(status.wall_ns, "loss", text, warning=True, about=about))
                reported.count, reported.at_s = total, status.elapsed_s
        return notices


def loss_text(kind: LossKind, new: int, status: Status) -> str:
    """`12 frames lost (34 in this run): why; what to do`, harmless."""
    total = kind.count(status)
    whole = f" ({total:,} in this run)" if total != new else ""
    why = kind.why
    if kind.key in DROPS:
        why = "; ".join(
            f"{harmless(sink.name)} dropped {sink.dropped:,} in this run"
            + (f" ({harmless(sink.error)})" if sink.error else "")
            for sink in _dropping(kind, status)
        )  # fmt: skip
    return f"{new:,} {kind.what[new != 1]}{whole}: {why}; {kind.advice}"


def _dropping(kind: LossKind, status: Status) -> list[SinkStatus]:
    """The sinks that lost something of this kind."""
    counted = DROPS.get(kind.key)
    return [sink for sink in status.sinks if sink.dropped and sink.kind == counted]


def _only_sink(kind: LossKind, status: Status) -> str:
    """The one sink that a loss is about, if it is in trouble: it hears when it is well again."""
    match _dropping(kind, status):
        case [sink] if sink.error:
            return sink.name
    return ""
