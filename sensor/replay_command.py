"""`sensor replay`: wiring, signals, progress, summary, exit code. Part of the command line."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from sensor import sinks as sink_table
from sensor.api import build_replay, load_rules
from sensor.capture.discover import STANDARD_INPUT
from sensor.cli import ALERTED, DAMAGED, DONE, INTERRUPTED, TERMINATED, say
from sensor.config import Config
from sensor.errors import ConfigError
from sensor.escape import harmless
from sensor.pipeline import Pipeline
from sensor.rules import RuleSet
from sensor.sinks.console import ConsoleOptions, ConsoleSink, discard
from sensor.sinks.flow_files import FlowSink, open_flows
from sensor.sinks.progress import ProgressLine, Snapshot, open_progress
from sensor.sinks.protocol import Sink
from sensor.sinks.talkers import Talkers
from sensor.text import time_text

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
"""Octets in which ru_maxrss counts."""


def run_replay(paths: tuple[str, ...], config: Config, options: dict[str, Any]) -> int:
    """Replay captures as the options say; returns the exit code.

    Errors: OperatorError before anything is read.
    """
    started_s = time.perf_counter()
    ruleset = load_rules(
        options["rules"], options["exceptions"], config, building_blocks=options["building_blocks"]
    )
    console = ConsoleOptions(options["color"], options["local_time"])
    sinks = open_sinks(config, options, console)
    talkers = Talkers()
    stats = open_stats(options["stats"])
    pipeline = build_replay(paths, ruleset, [*sinks, talkers], config)
    flow_sink = open_flows(options["flows"]) if options["flows"] else None
    pipeline.outlet.flow_writer = flow_sink
    pipeline.outlet.flow_events = options["flow_events"]
    if any(entry.path == STANDARD_INPUT for entry in pipeline.capture.inputs):
        pipeline.prompt = True
    if not options["quiet"]:
        for notice in ruleset.notices:
            say(f"notice: {notice}")
        if options["verbose"]:
            say(f"{len(ruleset.rules)} rules loaded")
    first = sinks[0]
    progress = open_progress(
        quiet=options["quiet"],
        alerts_console=first.console if isinstance(first, ConsoleSink) else None,
        options=console,
    )
    interrupted = run(pipeline, progress, sinks)
    for sink in (*sinks, *([flow_sink] if flow_sink else ())):
        sink.close()
    outlets: list[Sink | FlowSink] = [*sinks, *([flow_sink] if flow_sink else ())]
    if interrupted and not options["quiet"]:
        say("interrupted: this is what was read until then")
    ledger = full_ledger(pipeline, ruleset, outlets, time.perf_counter() - started_s)
    failed = report(pipeline, outlets)
    failed |= not write_stats(stats, ledger)
    if not options["quiet"] and (pipeline.frames or not failed):
        from sensor.sinks.summary import render_summary  # noqa: PLC0415

        render_summary(ledger, talkers, console)
    return exit_code(interrupted, failed, pipeline.alerts, options["fail_on_alert"])


def exit_code(interrupted: int, failed: bool, alerts: int, fail_on_alert: bool) -> int:
    """The exit code; what is worst wins. `interrupted` is the signal's number, or 0."""
    if interrupted:
        return TERMINATED if interrupted == signal.SIGTERM else INTERRUPTED
    if failed:
        return DAMAGED
    return ALERTED if fail_on_alert and alerts else DONE


def open_sinks(config: Config, options: dict[str, Any], console: ConsoleOptions) -> list[Sink]:
    """The sinks of the run, standard output first. Errors: ConfigError."""
    if options["flows"] == "-" and options["as_json"]:
        raise ConfigError("--flows - and --json would both write to stdout: give one a FILE")
    if options["flow_events"] and not options["flows"]:
        raise ConfigError("--flow-events says what --flows FILE writes: give that too")
    if options["alerts"] == "-":
        raise ConfigError("--alerts -: alerts go to stdout as JSON by --json")
    sinks: list[Sink] = []
    if options["as_json"]:
        sinks.append(sink_table.open_json_stdout())
    elif options["flows"] == "-":
        sinks.append(sink_table.open_console(sys.stderr, console))
    else:
        sinks.append(sink_table.open_console(options=console))
    if options["alerts"]:
        sinks.append(sink_table.open_json_file(options["alerts"]))
    sinks += [sink_table.open_syslog(url, options["syslog_format"], config)
              for url in options["syslog"]]
    return sinks


def run(pipeline: Pipeline, progress: ProgressLine, sinks: list[Sink]) -> int:
    """Run the pipeline under Ctrl-C's rules; the number of the signal that ended it, or 0.

    The first Ctrl-C or SIGTERM ends the reading and lets everything read so far come out; the
    second stops at once, even while that is being written.
    """
    interrupted = 0

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:
            os._exit(exit_code(number, False, 0, False))
        interrupted = number
        pipeline.stop = True
        if pipeline.waiting:
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    pipeline.on_batch = watcher(pipeline, progress, sinks)
    try:
        pipeline.run()
    finally:
        progress.close()
    return interrupted


def watcher(
    pipeline: Pipeline, progress: ProgressLine, sinks: list[Sink]
) -> Callable[[], None] | None:
    """What to do after each batch: draw progress, and stop when nobody reads stdout any more."""
    first = sinks[0]

    def snapshot() -> Snapshot:
        return Snapshot(
            pipeline.capture.bytes_read,
            pipeline.capture.bytes_total or None,
            pipeline.frames,
            pipeline.lanes[0].table.books()["flows_total"],
            pipeline.alerts,
        )

    def watch() -> None:
        if getattr(first, "closed", False) and len(sinks) == 1 and pipeline.outlet.flow_writer is None:
            pipeline.stop = True
        if progress.shown:
            progress.update(time.monotonic(), snapshot)

    return watch


def full_ledger(
    pipeline: Pipeline, ruleset: RuleSet, outlets: list[Sink | FlowSink], elapsed_s: float
) -> dict[str, Any]:
    """The ledger of `--stats`, whole."""
    ledger = pipeline.ledger()
    table = pipeline.lanes[0].table
    seen = table.first_ns >= 0
    return {
        **ledger,
        "rules": ruleset.ledger(),
        "sinks": {sink.name: {"delivered": sink.delivered, "dropped": sink.dropped,
                              "retried": sink.retried} for sink in outlets},
        "capture": {"kernel_packets": 0, "kernel_drops": 0, "ring_freezes": 0},
        "inputs": [{"path": entry.path, "error": entry.error}
                   for entry in pipeline.capture.inputs],
        "first_packet": time_text(table.first_ns) if seen else None,
        "last_packet": time_text(table.now_ns) if seen else None,
        "elapsed_s": round(elapsed_s, 6),
        "packets_per_s": round(ledger["frames"] / elapsed_s, 1) if elapsed_s else 0.0,
        "rss_peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT,
    }  # fmt: skip


def report(pipeline: Pipeline, outlets: list[Sink | FlowSink]) -> bool:
    """Say what went wrong with inputs and sinks, even if quiet; True if anything did."""
    problems = [entry.error for entry in pipeline.capture.inputs if entry.error]
    problems += [sink.error for sink in outlets if sink.error]
    for problem in problems:
        say(f"sensor: {problem}")
    return bool(problems)


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
