"""`sensor live`: interfaces as they are watched, from the first right given up to the last word."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import click

from sensor import _version
from sensor._version import __version__
from sensor.app.build import analyzed, build_live, load_rules
from sensor.app.file_clashes import check_run
from sensor.app.options import LiveOptions
from sensor.app.outputs import (
    RunOutputs,
    console_options,
    held_notices,
    open_files,
    open_secrets,
    open_servers,
    open_sinks,
)
from sensor.base.escape import harmless
from sensor.capture.bpf import hides
from sensor.capture.interfaces import Interfaces
from sensor.capture.live.open import PortOptions, check_ports, check_present, open_ports
from sensor.capture.live.privileges import drop_privileges
from sensor.cli.closing import ClosingSummary
from sensor.cli.help import GroupedCommand
from sensor.cli.interrupts import close_together
from sensor.cli.options import BPF_OPTION, HOST_SOCKET, options_of, ring_option, run_options
from sensor.cli.output import ALERTED, DAMAGED, DONE, INTERRUPTED, TERMINATED
from sensor.errors import CaptureError
from sensor.evidence.live import LiveEvidence
from sensor.host.launch import open_host
from sensor.model.status import Status
from sensor.monitoring.host_watch import HostWatch
from sensor.monitoring.live_run import LiveRecords, LiveRun, Operator, SignalRequests
from sensor.monitoring.metrics import Metrics
from sensor.monitoring.monitor import (
    SECOND_S,
    STATUS_LINE_S,
    TICK_S,
    Heartbeat,
    LedgerTask,
    Monitor,
    News,
    StatusTask,
    Task,
    ledger_of_run,
)
from sensor.monitoring.reload import Reloader, ReloadTask, Slices
from sensor.monitoring.reporter import Reporter
from sensor.monitoring.screen import Screen
from sensor.monitoring.state_watch import StateWatch
from sensor.monitoring.stats_file import StatsFile
from sensor.monitoring.systemd import ServiceManager
from sensor.rules.state_store import RuleStore, close_store, open_store
from sensor.sinks.base import Sink
from sensor.sinks.console import ConsoleSink
from sensor.sinks.delivery.background import background, background_flows
from sensor.terminal.console import is_terminal
from sensor.terminal.status_line import status_text
from sensor.terminal.status_view import StatusView, open_status_view
from sensor.terminal.stderr import print_stderr


@click.command(cls=GroupedCommand)
@click.option("--interface", "-i", "names", metavar="IFACE", multiple=True,
              help="A span or tap port, or the host's own interface. Repeatable.")
@click.option("--wait-for-interface", is_flag=True,
              help="Start although an interface does not exist yet, and wait for it.")
@BPF_OPTION
@ring_option("Memory that the kernel writes frames into, for each worker.  [default: 64]")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N",
              help="Threads that share the frames, each flow whole to one of them.")
@click.option("--timestamps", type=click.Choice(["kernel", "hardware"]), default="kernel",
              show_default=True, help="Whose clock dates the frames.")
@click.option("--promiscuous/--no-promiscuous", default=True, show_default=True,
              help="Whether to take frames that are addressed to others.")
@click.option("--backend", type=click.Choice(["auto", "af_packet", "scapy"]), default="auto",
              show_default=True, help="How to capture: a ring of Linux, or scapy (anywhere; slow).")
@click.option("--user", metavar="NAME", help="Become this user once the interfaces are open.")
@click.option("--host", metavar="[SOCKET]", is_flag=False, flag_value=HOST_SOCKET, default=None,
              help="Also tell of this machine's own processes, and whose its connections are: from "
                   f"the helper at SOCKET ({HOST_SOCKET}) or, without one, by a child process.")
@click.option("--journald", is_flag=True, help="Alerts to the journal of systemd.")
@click.option("--spool", metavar="DIR",
              help="Keep on disk what a server does not take, and send it later.")
@click.option("--evidence", metavar="DIR",
              help="Write the frames of flows that alert there, from before the alert on, a flow "
                   "into a pcapng file.")
@click.option("--metrics", metavar="ADDRESS:PORT", help="Serve Prometheus metrics there.")
@click.option("--stats-interval", type=click.FloatRange(min=1), default=60.0, show_default=True,
              metavar="SECONDS", help="How often --stats is written anew.")
@click.option("--duration", type=click.FloatRange(min=0.1), metavar="SECONDS",
              help="End by itself after this time.")
@run_options
@click.pass_context
def live(context: click.Context, /, **given: Any) -> int:
    """Watch interfaces and tell at once what the rules find.

    It runs until Ctrl-C or SIGTERM; then everything captured so far comes out. SIGHUP loads rules
    and exceptions anew, and opens files anew; SIGUSR1 prints the ledger. `sensor doctor` tells
    whether this machine can capture.

    \b
      sudo sensor live -i eth0 --user nobody
      sensor live -i tap0 -i tap1 --json --quiet
      sensor live -i eth0 --syslog tls://logs.example.net --spool /var/lib/sensor
    """
    options = options_of(LiveOptions, context, given)
    held_notices(options)  # an ending that says no format is refused before anything begins
    check_run(options)
    return run_live(options)


def run_live(options: LiveOptions) -> int:
    """Watch interfaces until a signal ends it; returns the exit code.

    Errors: OperatorError before anything is captured.
    """
    ports = PortOptions(
        options.backend, options.bpf or "", options.promiscuous, options.timestamps,
        options.workers, options.config.capture,
    )  # fmt: skip
    names = check_ports(options.names, ports)
    if not options.wait_for_interface and sys.platform != "win32":  # there names are scapy's
        check_present(names)
    requests = SignalRequests()
    requests.listen()
    secrets = open_secrets(options)
    store = open_store(options.state, needed=False)
    reloader = reloader_of(options, store)
    rules = reloader.load()
    # The port may need a right that is given up.
    metrics = Metrics(options.metrics, version=__version__) if options.metrics else None
    interfaces = Interfaces()
    for name in names:
        interfaces.index(name)
    try:
        helper = open_host(options.host)
        captures = open_ports(names, ports, interfaces)
        drop_privileges(options.user)
        check_readable(options.user)
    except (CaptureError, OSError) as error:
        print_stderr(f"sensor: {error.strerror if isinstance(error, OSError) else error}")
        return DAMAGED
    # Only now threads may start: a capability belongs to a thread, not to the process.
    sinks, view = open_live_sinks(options)
    evidence = LiveEvidence(options.evidence, options.config.evidence) if options.evidence else None
    sinks += [evidence] if evidence is not None else []
    outputs = RunOutputs([*sinks, *([view] if view.shown else ())],
                         flow_events=options.flow_events, secrets=secrets)  # fmt: skip
    files = open_record_sinks(options, outputs)
    summary = ClosingSummary(options, outputs, wanted=ends_with_summary(options))
    pipeline = build_live(captures, interfaces, rules, outputs, options.config, helper=helper,
                          evidence=evidence, protocols=analyzed(rules, options))
    run = LiveRun(pipeline, captures, rules, sinks, files, evidence)
    session = LiveSession(run, Operator(Screen(view), sinks, options.quiet), requests, options)
    if metrics is not None:
        metrics.start(session.reporter.snapshot)
    note_beginning(run, session.operator, options)
    host = HostWatch(run.pipeline, session.operator)
    host.start()
    tasks = [*session.tasks(reloader), Task(0.0, host.after_batch)]
    if store is not None:
        tasks.append(Task(STATUS_LINE_S, StateWatch(store, session.operator)))
    monitor = Monitor(tasks)
    try:
        session.run(monitor)
    finally:
        host.close()
    if metrics is not None:
        metrics.close()
    code = session.finish(summary, is_kept=close_store(store))
    return ALERTED if code == DONE and options.fail_on_alert and run.pipeline.alerts else code


def ends_with_summary(options: LiveOptions) -> bool:
    """Whether somebody looks on at the end; the log of a service gets one line."""
    return not options.quiet and is_terminal(sys.stderr)


def reloader_of(options: LiveOptions, store: RuleStore | None) -> Reloader:
    """Loads the rules that the options name, now and when a signal asks for it."""
    slices = Slices()
    return Reloader(lambda: load_rules(
        options.rules, options.exceptions, options.config, allow=options.allow,
        building_blocks=options.building_blocks, processes=bool(options.host),
        indicators=options.indicators, store=store, strict=options.strict_rules, pause=slices,
    ), slices)  # fmt: skip


def check_readable(user: str | None) -> None:
    """Look whether Python can still import what it has not needed so far.

    Errors: PermissionError where the user that the sensor has become may not read it.
    """
    for path in (os.__file__, _version.__file__):
        try:
            with open(path, "rb"):
                pass
        except PermissionError:
            reason = (f"user {harmless(user or '')} may not read {harmless(path)}:"
                      " install the sensor where every user can, in /opt for example")
            raise PermissionError(errno.EACCES, reason) from None


def open_live_sinks(options: LiveOptions) -> tuple[list[Sink], StatusView]:
    """The sinks, each in a thread of its own, and the view beside them. Errors: ConfigError."""
    plain = open_sinks(options, live=True)
    first = plain[0]
    view = open_status_view(
        quiet=options.quiet,
        alerts_console=first.console if isinstance(first, ConsoleSink) else None,
        options=console_options(options),
    )
    limits = options.config.sink
    return [background(sink, limits, options.spool) for sink in plain], view


def open_record_sinks(options: LiveOptions, outputs: RunOutputs) -> list[LiveRecords]:
    """What gets flow records and protocol events, each in a thread, as outputs of the run.

    Errors: ConfigError.
    """
    outputs.flow_sink, outputs.event_sink = opened = [
        background_flows(file, options.config.sink) if file is not None else None
        for file in open_files(options, live=True)]
    outputs.servers = servers = open_servers(options, live=True)
    return [*(file for file in opened if file is not None), *servers]


def note_beginning(run: LiveRun, operator: Operator, options: LiveOptions) -> None:
    """Say what the operator should know before the first frame."""
    for text in run.rules.notices_at_start(whole=options.verbose or bool(options.rules)):
        operator.note("rules", text)
    if options.verbose:
        operator.note("rules", f"rules loaded: {len(run.rules.rules)}")
        names = ", ".join(protocol.name for protocol in analyzed(run.rules, options))
        operator.note("start", f"analyzed: {names}")
        operator.note("start", f"settings: {harmless(options.settings_file) or 'no file'}")
    if options.bpf and (hidden := hides(options.bpf)):
        operator.note("filter", hidden, warning=True)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        operator.note("start", "every capability was given up, but root's files are still this"
                      " process's own: --user NAME, or the unit of systemd, gives that up too")


class LiveSession:
    """A live run under its signals, from its first frame to its exit code."""

    def __init__(
        self, run: LiveRun, operator: Operator, requests: SignalRequests, options: LiveOptions
    ) -> None:
        self.operator = operator
        self.reporter = Reporter(run)
        self._run = run
        self._requests = requests
        self._options = options
        self._service = ServiceManager.from_environment()
        self._news = News(run, operator)
        self._stats = StatsFile(options.stats) if options.stats else None

    def tasks(self, reloader: Reloader) -> list[Task]:
        """The periodic tasks of the run, in their order."""
        run, operator, requests = self._run, self.operator, self._requests
        status = StatusTask(run, self.reporter, operator, self._news, self._service)
        tasks = [
            Task(TICK_S, Heartbeat(self._service)),
            Task(TICK_S, LedgerTask(run, self.reporter, operator, requests)),
            Task(TICK_S, ReloadTask(
                reloader, run, operator, requests, self._service,
                lambda rules: analyzed(rules, self._options))),
            Task(TICK_S, self._stop_if_nobody_reads),
            Task(SECOND_S, status.each_second),
            Task(STATUS_LINE_S, status.each_minute, first_s=STATUS_LINE_S),
        ]
        if self._options.duration:
            tasks.append(Task(float("inf"), run.stop, first_s=self._options.duration))
        if (stats := self._stats) is not None:
            tasks.append(Task(self._options.stats_interval,
                              lambda: stats.write(ledger_of_run(run, self.reporter))))
        return tasks

    def _stop_if_nobody_reads(self) -> None:
        """Stop where standard output was all there was to write to, and its reader is gone."""
        run = self._run
        others = (run.files, self._stats, self._options.metrics)
        if len(run.sinks) == 1 and not any(others) and run.sinks[0].closed:
            run.stop()

    def run(self, after_batch: Callable[[], None]) -> None:
        """Run the pipeline until a signal or the end of `--duration`; its sinks are closed then.

        The first SIGINT or SIGTERM lets no more frames in and everything that was captured come
        out; the second stops at once.
        """
        run, requests = self._run, self._requests

        def end(number: int, frame: FrameType | None) -> None:
            if requests.stopped_by:
                os._exit(INTERRUPTED if number == signal.SIGINT else TERMINATED)
            requests.stopped_by = number
            run.stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        try:
            run.pipeline.run(after_batch)
        finally:
            self._service.stopping()
            status = self.reporter.snapshot()
            self._news.report(status)  # while sinks can still pass it on
            if waiting := sum(sink.waiting for sink in status.sinks):
                text = f"delivering what waits ({waiting:,}); a second signal ends at once"
                self.operator.note("stop", text)
            close_together(run.all_sinks())
            for capture in run.captures:
                capture.close()

    def finish(self, summary: ClosingSummary, *, is_kept: bool) -> int:
        """Tell how it went; returns the exit code. `is_kept`: whether what rules learned is."""
        status = self.reporter.snapshot()
        self._news.report(status, last=True)
        ledger = ledger_of_run(self._run, self.reporter)
        if self._stats is not None and (problem := self._stats.finish(ledger)):
            self.operator.screen.print_line(f"sensor: {problem}")

        def last_words() -> None:
            if ends_with_summary(self._options):
                summary.print(ledger)
            elif not self.operator.quiet:
                print_stderr(f"sensor: {status_text(status, None)}")

        printed = self.operator.screen.end_with(last_words)
        code = self._exit_code(status)
        if not is_kept and code == DONE:
            code = DAMAGED
        if not printed or any(getattr(sink, "stuck", False) for sink in self._run.all_sinks()):
            # A thread hangs in a write that nobody takes: Python would wait for it for ever.
            os._exit(code)
        return code

    def _exit_code(self, status: Status) -> int:
        if self._requests.stopped_by == signal.SIGINT:
            return INTERRUPTED
        unwritten = self._stats is not None and self._stats.error
        if unwritten or any(sink.dropped for sink in status.sinks):
            return DAMAGED
        return DONE
