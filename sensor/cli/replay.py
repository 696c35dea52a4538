"""`sensor replay`: wiring, signals, progress, summary, exit code. Part of the command line."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

from sensor.api import build_mixed, load_rules
from sensor.app.outputs import (
    Outlets,
    close_store,
    full_ledger,
    open_sinks,
    open_stats,
    open_store,
    report,
    settle,
    write_stats,
)
from sensor.base.escape import harmless
from sensor.capture.files.discover import discover
from sensor.capture.files.selection import FileSelection
from sensor.capture.files.streams import STANDARD_INPUT
from sensor.cli.output import exit_code
from sensor.config import Config
from sensor.engine.pipeline import Pipeline
from sensor.errors import ConfigError
from sensor.sinks.base import Sink
from sensor.sinks.console import ConsoleSink
from sensor.sinks.flow_files import open_flows
from sensor.terminal.console import ConsoleOptions
from sensor.terminal.progress import ProgressLine, Snapshot, open_progress
from sensor.terminal.stderr import say
from sensor.terminal.talkers import Talkers

if TYPE_CHECKING:
    from sensor.engine.documents import DocumentsPipeline

    ReplayPipeline = Pipeline | DocumentsPipeline


def run_replay(paths: tuple[str, ...], config: Config, options: dict[str, Any]) -> int:
    """Replay captures as the options say; returns the exit code.

    Errors: OperatorError before anything is read.
    """
    started_s = time.perf_counter()
    selection = file_selection(options)
    events = options["events"]
    store = open_store(options["state"])
    captures = discover(paths)
    ruleset = load_rules(
        options["rules"], options["exceptions"], config, any_event=bool(events),
        processes=captures.has_process_info, building_blocks=options["building_blocks"],
        indicators=options["indicators"], store=store,
    )  # fmt: skip
    console = ConsoleOptions(options["color"], options["local_time"])
    sinks = open_sinks(config, options, console)
    talkers = Talkers()
    stats = open_stats(options["stats"])
    pipeline = build_mixed(captures, events, ruleset, [*sinks, talkers], config, selection)
    flow_sink = open_flows(options["flows"]) if options["flows"] else None
    pipeline.outlet.flow_writer = flow_sink
    pipeline.outlet.flow_events = options["flow_events"]
    if STANDARD_INPUT in paths or selection.follow:
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
    outlets: list[Outlets] = [*sinks, *([flow_sink] if flow_sink else ())]
    if selection.follow:
        interrupted = 0  # there is no other end
    if interrupted and not options["quiet"]:
        say("interrupted: this is what was read until then")
    ledger = full_ledger(pipeline, ruleset, outlets, time.perf_counter() - started_s)
    failed = report(pipeline, outlets)
    failed |= not close_store(store)
    failed |= not write_stats(stats, ledger)
    if not options["quiet"] and (pipeline.frames or events or not failed):
        from sensor.terminal.summary import render_summary  # noqa: PLC0415

        render_summary(ledger, talkers, console)
    return exit_code(interrupted, failed, pipeline.alerts, options["fail_on_alert"])


def file_selection(options: dict[str, Any]) -> FileSelection:
    """The part of the captures that the options select. Errors: ConfigError."""
    from_ns, to_ns = (time_of(name, options[key]) if options[key] else None
                      for name, key in (("--from", "from_time"), ("--to", "to_time")))
    if from_ns is not None and to_ns is not None and from_ns >= to_ns:
        raise ConfigError("--from is not before --to: no packet is between them")
    return FileSelection(from_ns, to_ns, options["bpf"], options["follow"])


def time_of(option: str, text: str) -> int:
    """The time that an option names, in nanoseconds since 1970. Errors: ConfigError."""
    from sensor.events.envelopes import time_of_text  # noqa: PLC0415  few runs need it

    if found := _SECONDS.fullmatch(text):
        time_ns = int(found[1]) * 10**9 + int((found[2] or "")[:9].ljust(9, "0"))
        if time_ns < 1 << 62:
            return time_ns
    elif (told_ns := time_of_text(text)) is not None:
        return told_ns
    raise ConfigError(f"{option} {harmless(text)}: not a time: 2026-01-02T03:04:05Z, with an offset"
                      " as +01:00, or seconds since 1970")


_SECONDS = re.compile(r"([0-9]+)(?:\.([0-9]+))?", re.ASCII)


def run(pipeline: ReplayPipeline, progress: ProgressLine, sinks: list[Sink]) -> int:
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
        if pipeline.documents is not None:
            pipeline.documents.stop()
        if pipeline.waiting:
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    pipeline.on_batch = watcher(pipeline, progress, sinks)
    settle()
    try:
        pipeline.run()
    finally:
        progress.close()
    tell_notices(pipeline)
    return interrupted


def tell_notices(pipeline: ReplayPipeline) -> None:
    """Say what the captures want the operator to know."""
    for capture in pipeline.captures:
        notices: list[str] = getattr(capture, "notices", [])
        while notices:
            say(f"notice: {notices.pop(0)}")


def watcher(
    pipeline: ReplayPipeline, progress: ProgressLine, sinks: list[Sink]
) -> Callable[[], None] | None:
    """What to do after each batch: draw progress, and stop when nobody reads stdout any more."""
    first = sinks[0]

    documents = pipeline.documents
    readers: list[Any] = [*pipeline.captures, *([documents] if documents is not None else [])]

    def snapshot() -> Snapshot:
        is_known = all(reader.bytes_total for reader in readers)
        return Snapshot(
            sum(reader.bytes_read for reader in readers),
            sum(reader.bytes_total for reader in readers) if is_known else None,
            pipeline.frames,
            sum(lane.table.books()["flows_total"] for lane in pipeline.lanes),
            pipeline.alerts,
        )

    def watch() -> None:
        tell_notices(pipeline)
        alone = len(sinks) == 1 and pipeline.outlet.flow_writer is None
        if alone and first.closed:
            pipeline.stop = True
        if progress.shown:
            progress.update(time.monotonic(), snapshot)

    return watch
