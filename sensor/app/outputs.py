"""What every run that reads packets has around its pipeline: sinks, ledger, exit code."""

from __future__ import annotations

import contextlib
import gc
import json
import resource
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sensor.base.escape import harmless
from sensor.config import Config
from sensor.ecs.text import time_text
from sensor.engine.pipeline import AnyPipeline
from sensor.errors import ConfigError
from sensor.model.status import CaptureStatus
from sensor.rules.ruleset import RuleSet
from sensor.sinks import SINKS, SinkOptions
from sensor.sinks.base import Sink
from sensor.sinks.flow_files import FlowSink
from sensor.terminal.console import ConsoleOptions, discard
from sensor.terminal.stderr import say

if TYPE_CHECKING:
    from sensor.rules.state_store import RuleStore

Outlets = Sink | FlowSink

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
"""Octets in which ru_maxrss counts."""




def open_sinks(
    config: Config, options: dict[str, Any], console: ConsoleOptions, *, live: bool = False
) -> list[Sink]:
    """The sinks of a run, standard output first. Errors: ConfigError.

    `live`: whoever uses them has patience; a server that is not there does not hold up the start.
    """
    if options["flows"] == "-" and options["as_json"]:
        raise ConfigError("--flows - and --json would both write to stdout: give one a FILE")
    if options["flow_events"] and not options["flows"]:
        raise ConfigError("--flow-events says what --flows FILE writes: give that too")
    if options["alerts"] == "-":
        raise ConfigError("--alerts -: alerts go to stdout as JSON by --json")
    sink_options = SinkOptions(
        console=console,
        stream=sys.stderr if options["flows"] == "-" else None,
        syslog_format=options["syslog_format"],
        config=config,
        live=live,
    )
    wanted = [("json" if options["as_json"] else "console", "")]
    if options["alerts"]:
        wanted.append(("file", options["alerts"]))
    wanted += [("syslog", url) for url in options["syslog"]]
    if options.get("journald"):
        wanted.append(("journald", "journald"))
    return [SINKS[name](place, sink_options) for name, place in wanted]


def full_ledger(
    pipeline: AnyPipeline,
    ruleset: RuleSet,
    outlets: Sequence[Outlets],
    elapsed_s: float,
    capture: CaptureStatus | None = None,
) -> dict[str, Any]:
    """The ledger of `--stats`, whole."""
    ledger = pipeline.ledger()
    seen = ledger.pop("seen")
    lanes = [lane for lane in pipeline.lanes if lane.table.first_ns >= 0]
    kernel = capture or CaptureStatus()
    return {
        **ledger,
        "rules": ruleset.ledger(),
        "sinks": {sink.name: sink_ledger(sink) for sink in outlets},
        "capture": {"kernel_packets": kernel.kernel_packets, "kernel_drops": kernel.kernel_drops,
                    "ring_freezes": kernel.ring_freezes, **seen},
        "inputs": [{"path": entry.path, "error": entry.error}
                   for entry in pipeline.inputs],
        "first_packet": time_text(min(lane.table.first_ns for lane in lanes)) if lanes else None,
        "last_packet": time_text(max(lane.last_ns for lane in lanes)) if lanes else None,
        "elapsed_s": round(elapsed_s, 6),
        "packets_per_s": round(ledger["frames"] / elapsed_s, 1) if elapsed_s else 0.0,
        "rss_peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT,
    }  # fmt: skip


def sink_ledger(sink: Outlets) -> dict[str, int]:
    """What one sink did. Those that queue say what still waits, and what came from a spool."""
    counts = {"delivered": sink.delivered, "dropped": sink.dropped, "retried": sink.retried}
    counts |= {name: getattr(sink, name) for name in ("waiting", "recovered", "recovering")
               if getattr(sink, name, 0)}
    return counts


def report(pipeline: AnyPipeline, outlets: Sequence[Outlets]) -> bool:
    """Say what went wrong with inputs and sinks, even if quiet; True if anything did."""
    problems = [entry.error for entry in pipeline.inputs if entry.error]
    problems += [sink.error for sink in outlets if sink.error]
    for problem in problems:
        say(f"sensor: {problem}")
    return bool(problems)


def settle() -> None:
    """Everything is ready: leave what was made up to here alone, and collect garbage from now on.

    The command turned the collector off to start quickly.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def open_store(folder: str | None) -> RuleStore | None:
    """Where rules keep what they must not forget, if anywhere. Errors: ConfigError."""
    if not folder:
        return None
    from sensor.rules.state_store import RuleStore  # noqa: PLC0415  it takes time to import

    return RuleStore(folder)


def close_store(store: RuleStore | None) -> bool:
    """Write what rules have learned. Returns False, after a message, if that has failed."""
    if store is None:
        return True
    store.close()
    if store.error:
        say(f"sensor: {store.error}")
    return not store.error


def open_stats(path: str | None) -> Any:
    """The file of `--stats`, opened before anything is read. Errors: ConfigError."""
    if not path:
        return None
    if path == "-":
        return sys.stdout
    try:
        return open(path, "a", encoding="utf-8")  # what is in it stays until there is a new one
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"--stats {harmless(path)}: {reason}") from None


def write_stats(stream: Any, ledger: dict[str, Any]) -> bool:
    """Write the ledger as one line of JSON; False, and a message, if that fails."""
    if stream is None:
        return True
    try:
        if stream is not sys.stdout:
            with contextlib.suppress(OSError):  # a pipe or a device has nothing to cut
                stream.truncate(0)
        stream.write(json.dumps(ledger, separators=(",", ":")) + "\n")
        stream.flush()
        if stream is not sys.stdout:
            stream.close()
    except BrokenPipeError:
        discard(stream)
    except OSError as error:
        discard(stream)
        say(f"sensor: --stats {harmless(str(stream.name))}: {error.strerror}")
        return False
    return True
