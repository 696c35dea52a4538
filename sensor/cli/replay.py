"""`sensor replay`: signals, progress, summary, exit code of a run over files."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from sensor.app.build import build_replay, event_files, load_rules
from sensor.app.ledger import full_ledger, report
from sensor.app.options import ReplayOptions
from sensor.app.outputs import (
    AnySink,
    RunOutputs,
    console_options,
    held_notices,
    open_files,
    open_secrets,
    open_sinks,
    open_stats,
    write_stats,
)
from sensor.base.escape import harmless
from sensor.capture.files.discover import Discovery, discover
from sensor.capture.files.streams import STANDARD_INPUT
from sensor.cli.help import GroupedCommand
from sensor.cli.options import (
    BPF_OPTION,
    NO_PATH,
    options_of,
    packet_selection,
    run_options,
    time_options,
)
from sensor.cli.output import exit_code
from sensor.rules.ruleset import RuleSet
from sensor.rules.state_store import close_store, open_store
from sensor.sinks.base import Sink
from sensor.sinks.console import ConsoleSink
from sensor.sinks.flow_files import FlowSink
from sensor.terminal.console import is_terminal
from sensor.terminal.progress import ProgressLine, Snapshot, open_progress
from sensor.terminal.stderr import print_stderr
from sensor.terminal.talkers import Talkers

if TYPE_CHECKING:
    from sensor.app.build import ReplayPipeline


@click.command(cls=GroupedCommand)
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--read", "-r", "also", metavar="PATH", multiple=True,
              help="The same as PATH alone, as other programs have it. Repeatable.")
@click.option("--events", metavar="FILE", multiple=True,
              help="ECS documents as NDJSON (- is standard input), plain or compressed, alone or "
                   "merged with the captures by time. Repeatable.")
@time_options
@BPF_OPTION
@click.option("--follow", metavar="DIR",
              help="Go on with the capture files that come into this folder, each once it is "
                   "closed, until Ctrl-C or SIGTERM.")
@click.option("--evidence", metavar="DIR",
              help="When all is read, cut the frames of the flows that alert out of the captures, "
                   "as sensor evidence does.")
@click.option("--reveal-secrets", is_flag=True,
              help="Passwords in the file of --protocol-events; alerts never have them.")
@click.option("--explain", metavar="ID",
              help="Raise no alerts, but tell why this rule did or did not fire: as sensor rules "
                   "explain.")
@click.option("--explain-flow", metavar="TEXT",
              help="With --explain: for which flow; a community id, flow id, address, "
                   "address:port, or a KQL query.")
@run_options
@click.pass_context
def replay(
    context: click.Context, /, explain: str | None, explain_flow: str | None, **given: Any
) -> int:
    """Read capture files and tell what the rules find in them.

    PATH is a pcap or pcapng file, plain or compressed, a directory (with everything below it), a
    glob, or - for standard input. Several are read as one capture, merged by time.
    With --events or --follow no PATH is needed.

    \b
      sensor replay captures/demo.pcap
      sensor replay --events auditbeat.ndjson.gz
      sensor replay --json --flows flows.ndjson /var/captures
      sensor replay --from 2026-01-02T03:00 --to 2026-01-02T04:00 /var/captures
      sensor replay --follow /var/captures --syslog unix:///dev/log
      sensor replay --syslog udp://192.0.2.1:514 --quiet today.pcapng
      sensor replay --explain my_rule --rules mine/ today.pcapng
    """
    given["paths"] = (*given["paths"], *given.pop("also"))
    options = options_of(ReplayOptions, context, given)
    if not options.paths and not options.events and not options.follow:
        raise click.UsageError(NO_PATH, context)
    if explain_flow and not explain:
        raise click.UsageError("--explain-flow needs --explain ID.", context)
    if not explain:
        return run_replay(options)
    if options.follow:
        raise click.UsageError("--explain is about files that end: it goes without --follow.",
                               context)
    from sensor.cli.explain import print_explanation  # noqa: PLC0415  few runs need it

    return print_explanation(explain, options, explain_flow or "")


def run_replay(options: ReplayOptions) -> int:
    """Replay captures as the options say; returns the exit code.

    Errors: OperatorError before anything is read.
    """
    started_s = time.perf_counter()
    selection = packet_selection(options)
    held = held_notices(options)
    captures = discover(options.paths)
    store = open_store(options.state)
    ruleset = load_rules(
        options.rules, options.exceptions, options.config, allow=options.allow,
        any_event=bool(options.events), processes=captures.has_process_info,
        building_blocks=options.building_blocks,
        indicators=options.indicators, store=store, strict=options.strict_rules,
    )  # fmt: skip
    secrets = open_secrets(options)
    evidence = None
    if options.evidence:
        from sensor.cli.evidence import ReplayEvidence  # noqa: PLC0415  few runs need it

        evidence = ReplayEvidence(captures, options)
    sinks = open_sinks(options)
    talkers = Talkers()
    stats = open_stats(options.stats) if options.stats else None
    others = [talkers, *([evidence.sink] if evidence is not None else ())]
    outputs = RunOutputs([*sinks, *others], flow_events=options.flow_events, secrets=secrets)
    pipeline = build_replay(
        captures, ruleset, outputs, options.config, selection,
        event_files(options.events, options.config, ruleset.rules),
    )  # fmt: skip
    outputs.flow_sink, outputs.event_sink = opened = open_files(options)
    files = [file for file in opened if file is not None]
    if not options.quiet:
        note_beginning(ruleset, captures, held, options)
    interrupted = run(pipeline, sinks, files, options)
    all_sinks: list[AnySink] = [*sinks, *files]
    for sink in all_sinks:
        sink.close()
    if options.follow:
        interrupted = 0  # there is no other end
    if interrupted and not options.quiet:
        print_stderr("interrupted: this is what was read until then")
    ledger = full_ledger(pipeline, ruleset, all_sinks, time.perf_counter() - started_s,
                         left_out=captures.left_out)
    failed = report(pipeline, all_sinks)
    failed |= not close_store(store)
    if stats is not None:
        failed |= not write_stats(stats, ledger)
    if evidence is not None:
        failed |= not evidence.write(bool(interrupted))
    if not options.quiet and (pipeline.frames or options.events or not failed):
        from sensor.terminal.summary import render_summary  # noqa: PLC0415  a quiet run needs none

        render_summary(ledger, talkers, console_options(options))
    return exit_code(interrupted, failed, pipeline.alerts, options.fail_on_alert)


def note_beginning(
    ruleset: RuleSet, captures: Discovery, held: list[str], options: ReplayOptions
) -> None:
    """Say what the operator should know before anything is read."""
    # That a rule of ours cannot run here is no news; of a rule that was asked for it is.
    whole = options.verbose or bool(options.rules)
    for notice in (*ruleset.notices_at_start(whole=whole), *held):
        print_stderr(f"notice: {notice}")
    if options.verbose:
        print_stderr(f"{len(ruleset.rules)} rules loaded")
        print_stderr(f"settings: {harmless(options.settings_file) or 'no file'}")
        for probe in captures.left_out:
            print_stderr(f"left out: {harmless(probe.path)}: {probe.foreign}")
    if STANDARD_INPUT in options.paths and sys.stdin is not None and is_terminal(sys.stdin):
        print_stderr("waiting for a capture on standard input, which is a terminal: write one "
                     "into it, as in tcpdump -w - | sensor replay -")


def run(
    pipeline: ReplayPipeline, sinks: list[Sink], files: list[FlowSink], options: ReplayOptions
) -> int:
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
    first = sinks[0]
    progress = open_progress(
        quiet=options.quiet,
        alerts_console=first.console if isinstance(first, ConsoleSink) else None,
        options=console_options(options),
    )
    only_sink = first if len(sinks) == 1 and not files else None
    watch = watcher(pipeline, progress, only_sink)
    try:
        pipeline.run(watch)
        progress.rest()
        watch()
    finally:
        progress.close()
    print_notices(pipeline)
    return interrupted


def print_notices(pipeline: ReplayPipeline) -> None:
    """Print the notices of the captures."""
    for capture in pipeline.captures:
        notices: list[str] = getattr(capture, "notices", [])
        while notices:
            print_stderr(f"notice: {notices.pop(0)}")


def watcher(
    pipeline: ReplayPipeline, progress: ProgressLine, only_sink: Sink | None
) -> Callable[[], None]:
    """A function to call after each batch: it draws progress, and stops the run when nobody reads
    its `only_sink` any more.
    """
    documents = pipeline.documents
    readers: list[Any] = [*pipeline.captures, *([documents] if documents is not None else [])]

    def snapshot() -> Snapshot:
        is_known = all(reader.bytes_total for reader in readers)
        return Snapshot(
            sum(reader.bytes_read for reader in readers),
            sum(reader.bytes_total for reader in readers) if is_known else None,
            pipeline.frames,
            sum(lane.table.counters()["flows_total"] for lane in pipeline.lanes),
            pipeline.alerts,
        )

    def watch() -> None:
        print_notices(pipeline)
        if only_sink is not None and only_sink.closed:
            pipeline.stop = True
        if progress.shown:
            progress.update(time.monotonic(), snapshot)

    return watch
