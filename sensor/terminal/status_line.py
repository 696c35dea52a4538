"""One line that tells how a running sensor is doing, for logs. Losses come first.

    LOST 12 frames, 3 flows | 52k packets/s 312 Mbit/s | drops +12/40 freezes +1/2 | ...
"""

from __future__ import annotations

from sensor.base.escape import harmless
from sensor.model.status import INTERFACE_UP, RECORDS, SinkStatus, Status, sink_drops
from sensor.terminal.progress import short

MILLISECOND_NS = 1_000_000


def status_text(now: Status, before: Status | None) -> str:
    """Return the state of the sensor, with what happened since `before` (None: since the start)."""
    before = before or Status(now.wall_ns, 0.0)
    parts = [
        _lost(now, before),
        _interfaces(now),
        _rates(now, before),
        f"drops {_change(now.capture.kernel_drops, before.capture.kernel_drops)}"
        f" freezes {_change(now.capture.ring_freezes, before.capture.ring_freezes)}"
        f" evicted {_change(now.evicted, before.evicted)}",
        _flows(now),
        f"alerts {_change(now.alerts, before.alerts)}",
        *[_sink(sink) for sink in now.sinks if _is_news(sink)],
        f"lag {lag_text(now.lag_ns)}",
    ]
    return " | ".join(part for part in parts if part)


def _lost(now: Status, before: Status) -> str:
    counts = (
        (now.capture.kernel_drops - before.capture.kernel_drops, "frame"),
        (now.evicted - before.evicted, "flow"),
        (sink_drops(now) - sink_drops(before), "alert"),
        (sink_drops(now, RECORDS) - sink_drops(before, RECORDS), "flow record"),
    )
    lost = [f"{count:,} {what}{'s' if count > 1 else ''}" for count, what in counts if count > 0]
    return f"LOST {', '.join(lost)}" if lost else ""


def _interfaces(now: Status) -> str:
    """Only those that give nothing now."""
    return ", ".join(
        f"{harmless(interface.name)} {harmless(interface.state).upper()}"
        for interface in now.interfaces if interface.state != INTERFACE_UP
    )  # fmt: skip


def _rates(now: Status, before: Status) -> str:
    seconds = now.elapsed_s - before.elapsed_s
    packets = rate(now.packets - before.packets, seconds)
    return f"{short(packets)} packets/s {bits_text(rate(now.bytes - before.bytes, seconds))}"


def rate(count: int, seconds: float) -> float:
    """`count` per second; 0 where no time has passed."""
    return max(0, count) / seconds if seconds > 0 else 0.0


def bits_text(bytes_per_s: float) -> str:
    """`312 Mbit/s`."""
    number = short(bytes_per_s * 8)
    unit = number[-1] if number[-1].isalpha() else ""
    return f"{number.removesuffix(unit)} {unit}bit/s"


def lag_text(lag_ns: int) -> str:
    """`8 ms`, `12.5 s`."""
    if lag_ns >= 1000 * MILLISECOND_NS:
        return f"{lag_ns / (1000 * MILLISECOND_NS):.1f} s"
    return f"{lag_ns / MILLISECOND_NS:.0f} ms"


def _change(now: int, before: int) -> str:
    """`0`, `40` or, if there are new ones, `+12/40`."""
    return f"+{now - before:,}/{now:,}" if now > before else f"{now:,}"


def _flows(now: Status) -> str:
    verdicts = " ".join(f"{harmless(name)} {count:,}" for name, count in now.flows.items())
    return f"flows {now.flows_open:,} open, {now.flows_total:,} in all" + (
        f", ended: {verdicts}" if verdicts else ""
    )


def _is_news(sink: SinkStatus) -> bool:
    return bool(sink.waiting or sink.recovering or sink.dropped or sink.error)


def _sink(sink: SinkStatus) -> str:
    counts = [f"{count:,} {what}" for count, what in (
        (sink.unconfirmed if sink.error else 0, "unconfirmed"), (sink.waiting, "waiting"),
        (sink.recovering, "of earlier runs waiting"),
        (sink.dropped, "dropped")) if count]  # fmt: skip
    error = f" ({harmless(sink.error)})" if sink.error else ""
    return f"{harmless(sink.name)}: {', '.join(counts) or 'trouble'}{error}"
