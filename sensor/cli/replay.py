"""`sensor replay`: signals, progress, summary, exit code of a run over files."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from sensor.app.build import analyzed, build_replay, event_files, load_rules
from sensor.app.file_clashes import check_run
from sensor.app.ledger import full_ledger, report
from sensor.app.options import ReplayOptions
from sensor.app.outputs import (
    AnySink,
    RunOutputs,
    console_options,
    held_notices,
    open_files,
    open_secrets,
    open_servers,
    open_sinks,
    open_stats,
    write_stats,
)
from sensor.base.escape import harmless
from sensor.capture.files.discover import Discovery, discover
from sensor.capture.files.streams import STANDARD_INPUT
from sensor.cli.closing import ClosingSummary
from sensor.cli.help import GroupedCommand
from sensor.cli.interrupts import Interrupts, WaitNote, close_together
from sensor.cli.options import (
    BPF_OPTION,
    JOBS_OPTION,
    MASK_OPTION,
    NO_PATH,
    check_mask,
    check_ray,
    options_of,
    packet_selection,
    ray_options,
    run_options,
    time_options,
)
from sensor.cli.output import exit_code
from sensor.rules.ruleset import RuleSet
from sensor.rules.state_store import close_store, open_store
from sensor.sinks.base import FlowSink, Sink
from sensor.sinks.console import ConsoleSink
from sensor.terminal.console import is_terminal
from sensor.terminal.progress import ProgressLine, Snapshot, open_progress
from sensor.terminal.stderr import print_stderr

if TYPE_CHECKING:
    from sensor.app.build import ReplayPipeline
    from sensor.app.ray_cluster import RayUnpacker


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
@JOBS_OPTION
@ray_options
@click.option("--evidence", metavar="DIR",
              help="When all is read, cut the frames of the flows that alert out of the captures, "
                   "as sensor evidence does.")
@MASK_OPTION
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
    glob, s3://BUCKET/PREFIX/, or - for standard input. Several are read as one capture, merged by
    time. With --events or --follow no PATH is needed.

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
    check_ray(context, given, explain)
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
    check_mask(options)
    held = held_notices(options)
    captures = discover(options.paths)
    check_run(options, captures)
    store = open_store(options.state)
    ruleset = load_rules(
        options.rules, options.exceptions, options.config, allow=options.allow,
        any_event=bool(options.events), processes=captures.has_process_info,
        building_blocks=options.building_blocks,
        indicators=options.indicators, store=store, strict=options.strict_rules,
    )  # fmt: skip
    secrets = open_secrets(options)
    cluster = cluster_of(options, captures)
    evidence = None
    if options.evidence:
        from sensor.cli.evidence import ReplayEvidence  # noqa: PLC0415  few runs need it

        evidence = ReplayEvidence(captures, options)
    sinks = open_sinks(options)
    stats = open_stats(options.stats) if options.stats else None
    cutters = [evidence.sink] if evidence is not None else []
    outputs = RunOutputs([*sinks, *cutters], flow_events=options.flow_events, secrets=secrets)
    pipeline = build_replay(
        captures, ruleset, outputs, options.config, selection,
        event_files(options.events, options.config, ruleset.rules),
        protocols=analyzed(ruleset, options), jobs=options.jobs, unpack=cluster,
    )  # fmt: skip
    outputs.flow_sink, outputs.event_sink = opened = open_files(options)
    outputs.servers = servers = open_servers(options)
    summary = ClosingSummary(options, outputs, wanted=not options.quiet)
    files = [*(file for file in opened if file is not None), *servers]
    if not options.quiet:
        note_beginning(ruleset, captures, held, options)
    interrupts = Interrupts(pipeline)
    interrupted = run(pipeline, sinks, files, options, interrupts, cluster=cluster)
    all_sinks: list[AnySink] = [*sinks, *files]
    close_together(all_sinks, WaitNote(interrupts, all_sinks, quiet=options.quiet))
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
    if pipeline.frames or options.events or not failed:
        summary.print(ledger)
    return exit_code(interrupted, failed, pipeline.alerts, options.fail_on_alert)


def cluster_of(options: ReplayOptions, captures: Discovery) -> RayUnpacker | None:
    """The cluster that decompresses for this run, if it asks for one. Errors: ConfigError."""
    if options.ray is None:
        return None
    from sensor.app.ray_cluster import open_cluster  # noqa: PLC0415  few runs need it

    return open_cluster(options, captures.probes, print_stderr)


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
        names = ", ".join(protocol.name for protocol in analyzed(ruleset, options))
        print_stderr(f"analyzed: {names}")
        print_stderr(f"settings: {harmless(options.settings_file) or 'no file'}")
        for probe in captures.left_out:
            print_stderr(f"left out: {harmless(probe.path)}: {probe.foreign}")
    if STANDARD_INPUT in options.paths and sys.stdin is not None and is_terminal(sys.stdin):
        print_stderr("waiting for a capture on standard input, which is a terminal: write one "
                     "into it, as in tcpdump -w - | sensor replay -")


def run(
    pipeline: ReplayPipeline, sinks: list[Sink], files: list[FlowSink], options: ReplayOptions,
    interrupts: Interrupts, *, cluster: RayUnpacker | None = None,
) -> int:  # fmt: skip
    """Run the pipeline under Ctrl-C's rules; the number of the signal that ended it, or 0."""
    interrupts.listen()
    first = sinks[0]
    progress = open_progress(
        quiet=options.quiet,
        alerts_console=first.console if isinstance(first, ConsoleSink) else None,
        options=console_options(options),
    )
    only_sink = first if len(sinks) == 1 and not files else None
    watch = watcher(pipeline, progress, only_sink, cluster)
    gc.freeze()  # what there is now stays: it need not be looked at, not even when all is over
    try:
        pipeline.run(watch)
        progress.rest()
        watch()
    finally:
        progress.close()
    print_notices(pipeline)
    if cluster is not None:
        cluster.close()
        if not options.quiet:
            print_stderr(f"ray: {cluster.told()}")
    return interrupts.number


def print_notices(pipeline: ReplayPipeline) -> None:
    """Print the notices of the captures."""
    for capture in pipeline.captures:
        notices: list[str] = getattr(capture, "notices", [])
        while notices:
            print_stderr(f"notice: {notices.pop(0)}")


def watcher(
    pipeline: ReplayPipeline, progress: ProgressLine, only_sink: Sink | None,
    cluster: RayUnpacker | None = None,
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
            cluster.told() if cluster is not None else "",
        )

    def watch() -> None:
        print_notices(pipeline)
        if only_sink is not None and only_sink.closed:
            pipeline.stop = True
        if progress.shown:
            progress.update(time.monotonic(), snapshot)

    return watch
