"""Sinks in trouble: said when it begins, now and then while it lasts, and when it is over.

Pure: what is wrong, and when, stands in the status.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensor.base.escape import harmless
from sensor.base.units import SECOND_NS
from sensor.model.status import Notice, SinkStatus, Status

TROUBLE_INTERVALS_NS = (10 * SECOND_NS, 60 * SECOND_NS, 600 * SECOND_NS)
"""Between the first words and the second, the second and the third, and all later ones."""
FLAPS = 3
"""Troubles of a sink that are said as they come; more of them in `FLAP_WINDOW_S` are flapping."""
FLAP_WINDOW_S = 600.0
FLAP_INTERVAL_S = 60.0
"""The least age of the last notice about a sink that is flapping."""


@dataclass(slots=True)
class _Trouble:
    """The trouble of one sink."""

    since_s: float
    dropped_before: int
    """Alerts that had been dropped when it began."""
    error: str = ""
    waited_most: int = 0
    recovering_most: int = 0
    reports: int = 0
    """Notices so far."""
    over: bool = False
    """True if the sink is well again and that is still to be reported."""


class TroubleWatch:
    """Turns the errors of sinks into notices, for each sink at most one in an interval.

    That trouble began is said at once, unless something was said of this sink a moment ago, and
    more and more rarely while it lasts. That it is over is said with what waited and what was
    dropped meanwhile: to the sink itself too, which is not told before. Of a sink that comes and
    goes there is at most a line a minute after the third time.
    """

    def __init__(self, intervals_ns: tuple[int, ...] = TROUBLE_INTERVALS_NS) -> None:
        self._intervals_s = [interval_ns / SECOND_NS for interval_ns in intervals_ns]
        self._troubles: dict[str, _Trouble] = {}
        self._reported_s: dict[str, float] = {}
        self._dropped: dict[str, int] = {}
        self._failed_s: dict[str, list[float]] = {}
        """When each sink failed that had been well before, within the window."""

    def check(self, status: Status, *, last: bool = False) -> list[Notice]:
        """The notices that are due; at the end (`last`) of every sink that is in trouble.

        Units: intervals go by `elapsed_s`, which does not jump.
        """
        notices = []
        for sink in status.sinks:
            trouble = self._follow(sink, status.elapsed_s)
            if trouble is None:
                continue
            silent_s = status.elapsed_s - self._reported_s.get(sink.name, float("-inf"))
            flaps = self._flaps(sink.name, status.elapsed_s)
            least_s = FLAP_INTERVAL_S if flaps > FLAPS else 0.0
            if silent_s < max(self._interval_s(trouble), least_s) and not last:
                continue
            text = _text(sink, trouble, status.elapsed_s)
            if flaps > FLAPS:
                text += f"; it failed {flaps} times within {FLAP_WINDOW_S / 60:.0f} minutes"
            about = "" if trouble.over else sink.name
            notices.append(
                Notice(status.wall_ns, "sink", text, warning=not trouble.over, about=about)
            )
            self._reported_s[sink.name] = status.elapsed_s
            trouble.reports += 1
            if trouble.over:
                del self._troubles[sink.name]
        return notices

    def _interval_s(self, trouble: _Trouble) -> float:
        """Return how old the last notice must be; the end of a trouble does not wait for long."""
        step = 0 if trouble.over else max(0, trouble.reports - 1)
        return self._intervals_s[min(step, len(self._intervals_s) - 1)]

    def _flaps(self, name: str, now_s: float) -> int:
        """How often a sink failed within the window."""
        self._failed_s[name] = [failed_s for failed_s in self._failed_s.get(name, ())
                                if failed_s > now_s - FLAP_WINDOW_S]  # fmt: skip
        return len(self._failed_s[name])

    def _follow(self, sink: SinkStatus, now_s: float) -> _Trouble | None:
        """Update and return the trouble of a sink; None while all is well."""
        dropped_before = self._dropped.get(sink.name, 0)
        self._dropped[sink.name] = sink.dropped
        trouble = self._troubles.get(sink.name)
        if sink.error is not None and (trouble is None or trouble.over):
            self._failed_s.setdefault(sink.name, []).append(now_s)
        if trouble is None:
            if sink.error is None:
                return None
            trouble = self._troubles[sink.name] = _Trouble(now_s, dropped_before)
        if sink.error is not None:
            trouble.error, trouble.over = sink.error, False
        elif not trouble.reports:  # over before it could be said
            del self._troubles[sink.name]
            return None
        else:
            trouble.over = True
        trouble.waited_most = max(trouble.waited_most, sink.waiting)
        trouble.recovering_most = max(trouble.recovering_most, sink.recovering)
        return trouble


def _text(sink: SinkStatus, trouble: _Trouble, now_s: float) -> str:
    """One line for the operator, harmless."""
    seconds = now_s - trouble.since_s
    dropped = sink.dropped - trouble.dropped_before
    lost = f", {dropped:,} dropped" if dropped else ""
    name = harmless(sink.name)
    if trouble.over:
        waited = f"{trouble.waited_most:,}{_earlier(trouble.recovering_most)} waited at most"
        return f"{name}: well again after {seconds:.0f} s, {waited}{lost}"
    error = harmless(trouble.error).removeprefix(f"{name}: ")
    lasting = f" (for {seconds:.0f} s)" if trouble.reports else ""
    waiting = f"{sink.waiting:,}{_earlier(sink.recovering)} waiting"
    return f"{name}: {error}{lasting}, {waiting}{lost}"


def _earlier(count: int) -> str:
    return f" and {count:,} of earlier runs" if count else ""
