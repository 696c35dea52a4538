"""`sensor report`: what captures show, as one HTML file to hand over."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from sensor._version import __version__
from sensor.app.build import build_replay, load_rules, run_whole
from sensor.app.file_clashes import check_files, files_read
from sensor.app.ledger import full_ledger
from sensor.app.ledger import report as report_problems
from sensor.app.opened import SaidInRun
from sensor.app.options import ReplayOptions
from sensor.app.outputs import RunOutputs, Several, console_options
from sensor.base.escape import harmless
from sensor.capture.files.discover import Discovery, discover
from sensor.cli.evidence import ReplayEvidence, command_line
from sensor.cli.help import GroupedCommand
from sensor.cli.options import (
    BPF_OPTION,
    JOBS_OPTION,
    MASK_OPTION,
    NO_PATH,
    check_mask,
    judge_options,
    options_of,
    packet_selection,
    time_options,
)
from sensor.cli.output import DAMAGED, DONE
from sensor.cli.replay import watcher
from sensor.errors import ConfigError, reason_of
from sensor.evidence.manifest import SourceDigests
from sensor.model.status import Input
from sensor.protocols import TRANSCRIBED, AnalyzedProtocol
from sensor.report.collect import AlertsOfRun, FlowsOfRun
from sensor.report.facts import facts_of
from sensor.report.page import Examined, RuleNote, Times, render
from sensor.report.sessions import Sessions
from sensor.rules.protocol_needs import needed_protocols
from sensor.rules.ruleset import RuleSet
from sensor.terminal.progress import open_progress
from sensor.terminal.stderr import print_stderr
from sensor.terminal.summary import headline

OUTPUT = ("-o", "--output")
REPORTED = ("dns", "http", "tls")
"""Protocols that give names to addresses, and tell what servers asked for after a session."""
LEFT_OUT_NAMED = 100
"""Files that are no captures of which each is named."""


@dataclass(frozen=True, kw_only=True)
class ReportOptions(ReplayOptions):
    """The options of `sensor report`."""

    output: str
    case: str = ""
    examiner: str = ""
    time_zone: str = "UTC"


@click.command("report", cls=GroupedCommand)
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option(*OUTPUT, metavar="FILE", required=True,
              help="The HTML file to write; an earlier one gives way when the new one is whole.")
@click.option("--case", metavar="NAME", default="", help="What the report is about: its title.")
@click.option("--examiner", metavar="NAME", default="", help="Who examined the captures.")
@click.option("--time-zone", metavar="TZ", default="UTC", show_default=True,
              help="The zone of all times, as Europe/Berlin.")
@click.option("--evidence", metavar="DIR",
              help="Cut the packets of the flows that alert out too, as sensor evidence does.")
@MASK_OPTION
@JOBS_OPTION
@time_options
@BPF_OPTION
@judge_options
@click.pass_context
def report(context: click.Context, /, **given: Any) -> int:
    """Write a report on captures: who got in, what was done, which packets prove it.

    PATH is as in replay, but nothing that can be read only once. The file needs no network and no
    script to be read, and prints.

    \b
      sensor report captures/demo.pcap -o report.html
      sensor report /var/captures -o report.html --case "Plant 7" --examiner "R. Ito" \\
          --time-zone Asia/Tokyo --evidence evidence
    """
    options = options_of(ReportOptions, context, given)
    if not options.paths:
        raise click.UsageError(NO_PATH, context)
    zone = zone_of(options.time_zone)
    check_mask(options)
    captures = discover(options.paths)
    check_output(options, captures)
    check_readable_twice(captures)
    started_s = time.perf_counter()
    ruleset = load_rules(
        options.rules, options.exceptions, options.config, allow=options.allow,
        processes=captures.has_process_info, building_blocks=options.building_blocks,
        indicators=options.indicators, strict=options.strict_rules,
    )  # fmt: skip
    digests = SourceDigests(probe.path for probe in captures.probes)
    evidence = ReplayEvidence(captures, options, digests) if options.evidence else None
    protocols, unruled = protocols_of(ruleset)
    alerts, flows, sessions, heard = AlertsOfRun(), FlowsOfRun(), Sessions(), SaidInRun()
    sinks = [alerts, *([evidence.sink] if evidence is not None else ())]
    outputs = RunOutputs(sinks, flow_sink=flows, event_sink=Several([sessions, heard]))
    pipeline = build_replay(captures, ruleset, outputs, options.config, packet_selection(options),
                            protocols=protocols, unruled=unruled,
                            jobs=options.jobs)  # fmt: skip
    progress = open_progress(quiet=options.quiet, options=console_options(options))
    try:
        run_whole(pipeline, watcher(pipeline, progress, None))
    finally:
        progress.close()
    failed = report_problems(pipeline, ())
    if evidence is not None:
        failed |= not evidence.write(is_interrupted=False)
    if all(entry.error and not entry.frames for entry in pipeline.inputs):
        print_stderr(f"sensor: nothing could be read: {harmless(options.output)} is not written")
        return DAMAGED
    ledger = full_ledger(pipeline, ruleset, (), time.perf_counter() - started_s)
    examined = Examined(
        case=options.case, examiner=options.examiner, zone=zone, made_ns=time.time_ns(),
        version=__version__, command=shlex.join(command_line(())),
        inputs=inputs_of(pipeline.inputs, digests), left_out=left_out_of(captures),
        rules=len(ruleset.rules), alerting=alerting(ruleset), excepted=ruleset.excepted(),
        exceptions=(*options.exceptions, *options.allow), anomalies=ledger["anomalies"],
        ledger=headline(ledger, Times(zone).whole), evidence=options.evidence or "",
    )  # fmt: skip
    write_page(options.output, render(facts_of(alerts, flows, sessions, heard), examined))
    if not options.quiet:
        print_stderr(f"{harmless(options.output)}: {alerts.count} alerts, "
                     f"{len(sessions.kept)} Telnet sessions, {flows.columns.count} flows")
    return DAMAGED if failed else DONE


def protocols_of(ruleset: RuleSet) -> tuple[list[AnalyzedProtocol], set[str]]:
    """The protocols that a report reads: those of every run and of its rules, and its own; and the
    names of its own that no rule is about, which rules then do not see, as in a replay.
    """
    needed = needed_protocols(ruleset.rules, TRANSCRIBED)
    ruled = {one.name for one in needed if not one.always}
    return ([one for one in TRANSCRIBED if one in needed or one.name in REPORTED],
            set(REPORTED) - ruled)


def zone_of(name: str) -> tzinfo:
    """The time zone of a name. Errors: ConfigError."""
    if name == "UTC":
        return UTC  # known on machines without a database of zones, too
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"--time-zone {harmless(name)}: no such zone here; names are as in the"
                          " IANA database: UTC, Europe/Berlin, America/New_York") from None


def check_readable_twice(captures: Discovery) -> None:
    """Errors: ConfigError for what can be read but once: its SHA-256 would stay unknown."""
    for probe in captures.probes:
        if probe.size is None and probe.error is None:
            raise ConfigError(f"report {harmless(probe.path)}: it names files by their SHA-256, and"
                              " this can be read only once: write it to a file first")


def inputs_of(inputs: Sequence[Input], digests: SourceDigests) -> list[Mapping[str, Any]]:
    """The captures as the report lists them."""
    return [
        {"path": entry.path, "bytes": found.get("bytes"), "sha256": found.get("sha256"),
         "frames": entry.frames, "first_ns": entry.first_ns, "last_ns": entry.last_ns,
         "error": entry.error}
        for entry, found in zip(inputs, digests.entries(inputs), strict=True)
    ]


def left_out_of(captures: Discovery) -> list[str]:
    """What was not read, in words."""
    count = len(captures.left_out)
    if not count:
        return []
    files = f"{count} file{'s'[:count != 1]}"
    named = [f"{probe.path}: {probe.foreign}" for probe in captures.left_out[:LEFT_OUT_NAMED]]
    more = [f"and {count - len(named)} more"] if count > len(named) else []
    return [f"{files} in the named folders were left out: they are no captures.", *named, *more]


def alerting(ruleset: RuleSet) -> list[RuleNote]:
    """The rules that alerted, most alerts first."""
    ledger = ruleset.ledger()
    found = []
    for rule in ruleset.rules:
        counts = ledger.get(rule.text.id)
        if counts and (counts["alerts"] or counts["excepted"]):
            found.append(RuleNote(rule.text.name, rule.text.severity, counts["alerts"],
                                  counts["excepted"], rule.text.description, rule.text.note))
    return sorted(found, key=lambda one: -one.alerts)


def check_output(options: ReportOptions, captures: Discovery) -> None:
    """Errors: ConfigError for a page that cannot be written, or would be over what is read."""
    places = (options.output, part_of(options.output))
    check_files([(OUTPUT[0], place) for place in places], files_read(options, captures))
    check_writable(options.output)


def check_writable(path: str) -> None:
    """Look whether the page can be written, before hours of reading. Errors: ConfigError.

    Nothing is left behind: a run that is killed must not leave an empty page.
    """
    part = part_of(path)
    try:
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with open(part, "ab"):
            pass
        os.unlink(part)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{OUTPUT[0]} {harmless(path)}: {reason_of(error)}") from None


def write_page(path: str, page: str) -> None:
    """Write the file as a whole, or not at all. Errors: ConfigError."""
    part = part_of(path)
    try:
        with open(part, "w", encoding="utf-8") as file:
            file.write(page)
        os.replace(part, path)
    except (OSError, ValueError) as error:
        with contextlib.suppress(OSError, ValueError):
            os.unlink(part)
        raise ConfigError(f"{OUTPUT[0]} {harmless(path)}: {reason_of(error)}") from None


def part_of(path: str) -> str:
    """Where a page is until it is whole."""
    return f"{path}.part"
