"""`sensor live`: wiring, signals, privileges, the end. Part of the command line."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from sensor import _version
from sensor._version import __version__
from sensor.api import build_live, load_rules
from sensor.app.outputs import Outlets, open_sinks, settle
from sensor.base.escape import harmless
from sensor.capture.bpf import hides
from sensor.capture.interfaces import Interfaces
from sensor.capture.live.open import PortOptions, check_ports, open_ports
from sensor.capture.live.privileges import drop_privileges
from sensor.cli.host_events import host_events, open_host
from sensor.cli.output import ALERTED, DAMAGED, DONE, INTERRUPTED, TERMINATED
from sensor.config import Config
from sensor.errors import CaptureError
from sensor.model.status import Status
from sensor.monitoring.metrics import Metrics
from sensor.monitoring.monitor import Asked, Reloader, Surroundings, Watch
from sensor.monitoring.reporter import Reporter
from sensor.monitoring.screen import Screen
from sensor.monitoring.stats_file import StatsFile
from sensor.monitoring.systemd import ServiceManager
from sensor.rules.state_store import RuleStore, close_store, open_store
from sensor.sinks.base import Sink
from sensor.sinks.console import ConsoleSink
from sensor.sinks.delivery.background import background, background_flows
from sensor.sinks.flow_files import open_flows
from sensor.terminal.console import ConsoleOptions, is_terminal
from sensor.terminal.status_line import status_text
from sensor.terminal.status_view import StatusView, open_status_view
from sensor.terminal.stderr import say
from sensor.terminal.talkers import Talkers


def run_live(names: tuple[str, ...], config: Config, options: dict[str, Any]) -> int:
    """Watch interfaces until a signal ends it; returns the exit code.

    Errors: OperatorError before anything is captured.
    """
    ports = PortOptions(
        options["backend"], options["bpf"] or "", options["promiscuous"], options["timestamps"],
        options["workers"], config.capture,
    )  # fmt: skip
    names = check_ports(names, ports)
    asked = Asked()
    listen(asked)
    store = open_store(options["state"])
    reloader = reloader_of(config, options, store)
    ruleset = reloader.load()
    interfaces = Interfaces()
    for name in names:
        interfaces.index(name)
    reporters: list[Reporter] = []
    metrics = open_metrics(options["metrics"], lambda: reporters[0].snapshot())  # noqa: PLW0108
    try:
        host = open_host(options["host"])
        captures = open_ports(names, ports, interfaces)
        drop_privileges(options["user"])
        check_readable(options["user"])
    except (CaptureError, OSError) as error:
        say(f"sensor: {error.strerror if isinstance(error, OSError) else error}")
        return DAMAGED
    # Only now threads may start: a capability belongs to a thread, not to the process.
    console = ConsoleOptions(options["color"], options["local_time"])
    sinks, view = open_live_sinks(config, options, console)
    flow_sink = (
        background_flows(open_flows(options["flows"], live=True), config.sink)
        if options["flows"] else None
    )  # fmt: skip
    talkers = Talkers()
    everyone = [*sinks, talkers, *([view] if view.shown else ())]
    pipeline = build_live(captures, interfaces, ruleset, everyone, config, host)
    pipeline.outlet.flow_writer = flow_sink
    pipeline.outlet.flow_events = options["flow_events"]
    around = Surroundings(
        pipeline, captures, ruleset, sinks, flow_sink, ServiceManager.from_environment(),
        Screen(view), reloader, StatsFile(options["stats"]) if options["stats"] else None,
        options["stats_interval"], options["duration"] or 0.0, options["quiet"], metrics, asked,
    )  # fmt: skip
    reporter = Reporter(pipeline, captures, around.outlets(), lambda: around.ruleset)
    reporters.append(reporter)
    if metrics is not None:
        metrics.start()
    tell_beginning(around, options)
    watch = Watch(around, reporter)
    with host_events(pipeline, around.note) as watched:
        run(around, watch, reporter, watched(watch))
    if metrics is not None:
        metrics.close()
    code = finish(around, reporter, watch, talkers, console, is_kept=close_store(store))
    return ALERTED if code == DONE and options["fail_on_alert"] and pipeline.alerts else code


def reloader_of(config: Config, options: dict[str, Any], store: RuleStore | None) -> Reloader:
    """What loads the rules that the options name, now and when a signal asks for it."""
    return Reloader(lambda: load_rules(
        options["rules"], options["exceptions"], config,
        building_blocks=options["building_blocks"], processes=bool(options["host"]),
        indicators=options["indicators"], store=store,
    ))  # fmt: skip


def open_metrics(address: str | None, snapshot: Callable[[], Status]) -> Metrics | None:
    """Take the address that metrics are to be served at, if any. Errors: ConfigError."""
    return Metrics(address, snapshot, version=__version__) if address else None


def tell_beginning(around: Surroundings, options: dict[str, Any]) -> None:
    """What the operator should know before the first frame."""
    for text in around.ruleset.notices:
        around.note("rules", text)
    if options["verbose"]:
        around.note("rules", f"rules loaded: {len(around.ruleset.rules)}")
    if options["bpf"] and (hidden := hides(options["bpf"])):
        around.note("filter", hidden, warning=True)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        around.note("start", "every capability was given up, but root's files are still this"
                    " process's own: --user NAME, or the unit of systemd, gives that up too")


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


def open_live_sinks(
    config: Config, options: dict[str, Any], console: ConsoleOptions
) -> tuple[list[Sink], StatusView]:
    """The sinks, each in a thread of its own, and the view beside them. Errors: ConfigError."""
    plain = open_sinks(config, options, console, live=True)
    first = plain[0]
    view = open_status_view(
        quiet=options["quiet"],
        alerts_console=first.console if isinstance(first, ConsoleSink) else None,
        options=console,
    )
    return [background(sink, config.sink, options["spool"]) for sink in plain], view


def listen(asked: Asked) -> None:
    """Take note of SIGHUP and SIGUSR1 from now on: unheard, they would end the process."""

    def reload(number: int, frame: FrameType | None) -> None:
        asked.reload = True

    def ledger(number: int, frame: FrameType | None) -> None:
        asked.ledger = True

    for name, handler in (("SIGHUP", reload), ("SIGUSR1", ledger)):
        if hasattr(signal, name):  # Windows has neither
            signal.signal(getattr(signal, name), handler)


def run(
    around: Surroundings, watch: Watch, reporter: Reporter, after_batch: Callable[[], None]
) -> None:
    """Run the pipeline until a signal or the end of `--duration`; its sinks stay open.

    The first SIGINT or SIGTERM lets no more frames in and everything that was captured come out;
    the second stops at once.
    """
    asked = around.asked

    def end(number: int, frame: FrameType | None) -> None:
        if asked.stopped_by:
            os._exit(INTERRUPTED if number == signal.SIGINT else TERMINATED)
        asked.stopped_by = number
        around.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    around.pipeline.on_batch = after_batch
    settle()
    try:
        around.pipeline.run()
    finally:
        around.service.stopping()
        status = reporter.snapshot()
        watch.tell_news(status)  # while sinks can still pass it on
        if waiting := sum(sink.waiting for sink in status.sinks):
            text = f"delivering what waits ({waiting:,}); a second signal ends at once"
            around.note("stop", text)
        close_together(around.outlets())
        for capture in around.captures:
            capture.close()


def close_together(outlets: Sequence[Outlets]) -> None:
    """Close all of them at once: each may take its time to deliver what waits."""
    threads = [threading.Thread(target=outlet.close, daemon=True) for outlet in outlets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def finish(
    around: Surroundings, reporter: Reporter, watch: Watch, talkers: Talkers,
    console: ConsoleOptions, *, is_kept: bool,
) -> int:  # fmt: skip
    """Tell how it went; returns the exit code. `is_kept`: whether what rules learned is."""
    status = reporter.snapshot()
    watch.tell_news(status, last=True)
    ledger = watch.ledger()
    if around.stats is not None and (problem := around.stats.finish(ledger)):
        around.screen.say(f"sensor: {problem}")

    def last_words() -> None:
        if not around.quiet and is_terminal(sys.stderr):
            from sensor.terminal.summary import render_summary  # noqa: PLC0415

            render_summary(ledger, talkers, console)
        elif not around.quiet:
            say(f"sensor: {status_text(status, None)}")

    printed = around.screen.end_with(last_words)
    code = how_it_ended(around, status)
    if not is_kept and code == DONE:
        code = DAMAGED
    if not printed or any(getattr(outlet, "stuck", False) for outlet in around.outlets()):
        # A thread hangs in a write that nobody takes: Python would wait for it for ever.
        os._exit(code)
    return code


def how_it_ended(around: Surroundings, status: Status) -> int:
    """The exit code."""
    if around.asked.stopped_by == signal.SIGINT:
        return INTERRUPTED
    unsaid = around.stats is not None and around.stats.error
    if unsaid or any(sink.dropped for sink in status.sinks):
        return DAMAGED
    return DONE
