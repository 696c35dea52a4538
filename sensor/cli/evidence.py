"""`sensor evidence`: the packets that prove an alert, as pcapng files with a manifest."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import click
import orjson

from sensor.app.build import build_replay, load_rules, run_whole
from sensor.app.evidence import Evidence, Recorded, check_inputs, cut_evidence
from sensor.app.options import ReplayOptions
from sensor.app.outputs import RunOutputs, console_options
from sensor.base.escape import harmless
from sensor.capture.files.discover import Discovery, discover
from sensor.cli.group import OwnOption
from sensor.cli.help import GroupedCommand
from sensor.cli.options import (
    BPF_OPTION,
    MASK_OPTION,
    NO_PATH,
    judge_options,
    options_of,
    packet_selection,
    time_options,
)
from sensor.cli.output import DAMAGED, DONE, exit_code
from sensor.ecs.alert_text import endpoints
from sensor.errors import ConfigError, reason_of
from sensor.evidence.cutter import Cutter
from sensor.evidence.event_ids import EventIds
from sensor.evidence.folder import MANIFEST, EvidenceFolder
from sensor.evidence.manifest import SourceDigests
from sensor.evidence.request import ID, AlertedFlows, Request, is_name, note_of
from sensor.model.columns import Document
from sensor.terminal.progress import Snapshot, open_progress
from sensor.terminal.stderr import print_stderr

OUTPUT = ("-o", "--output")
REPLAY = ("--evidence",)


@dataclass(frozen=True, kw_only=True)
class EvidenceOptions(ReplayOptions):
    """The options of `sensor evidence`."""

    output: str
    alert_file: str | None = None
    flow: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()


@click.command(cls=GroupedCommand)
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option(*OUTPUT, metavar="DIR", required=True,
              help="The folder to write to: new, empty, or with evidence of an earlier run, which "
                   "is replaced.")
@click.option("--alerts", "alert_file", metavar="FILE", cls=OwnOption,
              help="The flows of these alerts (NDJSON, as replay --json writes them), instead of "
                   "running the rules.")
@click.option("--flow", metavar="ID", multiple=True,
              help="This flow, whatever the rules say of it: flow.id, network.community_id or "
                   "event.id of a document. Repeatable.")
@click.option("--rule", metavar="ID", multiple=True,
              help="Only what this rule says: its id, name or file name. Repeatable.")
@MASK_OPTION
@time_options
@BPF_OPTION
@judge_options
@click.pass_context
def evidence(context: click.Context, /, **given: Any) -> int:
    """Cut out of captures every frame of the flows that alert, each flow into a file.

    PATH is as in replay, but nothing that can be read only once. The files are pcapng, named by the
    ids of the flows; manifest.json says where each frame comes from, why it is there, and the
    SHA-256 of everything. The same captures give the same octets.

    \b
      sensor evidence today.pcapng -o evidence
      sensor evidence /var/captures --rule accepted_default_telnet_port_connection -o evidence
      sensor evidence today.pcapng --alerts alerts.ndjson -o evidence
      sensor evidence today.pcapng --flow 1:wCb3OG7yAFWelaUydu0D+125CLM= -o evidence
    """
    options = options_of(EvidenceOptions, context, given)
    if not options.paths:
        raise click.UsageError(NO_PATH, context)
    if options.flow and (options.alert_file or options.rule):
        raise click.UsageError("--flow names flows, --alerts and --rule those of alerts: give one "
                               "of them.", context)  # fmt: skip
    for name in options.flow:
        if not is_name(name):
            raise ConfigError(f"--flow {harmless(name)}: neither an id (32 hexadecimal digits: "
                              "flow.id or event.id of a document) nor a Community ID (1:...=)")
    captures = discover(options.paths)
    check_inputs(captures, options.paths, options.output, OUTPUT[0])
    request = Request()
    request.add_names(options.flow)
    if options.alert_file:
        request = read_alerts(options.alert_file, options.rule)
    with ended_at_once():
        return run_evidence(captures, options, request)


def run_evidence(captures: Discovery, options: EvidenceOptions, request: Request) -> int:
    """Cut the evidence of a request, or of what alerts if that names no flow; the exit code."""
    folder = EvidenceFolder(options.output, OUTPUT[0])
    try:
        if not request.flows:
            request = alerted_flows(captures, options)
    except BaseException:
        folder.discard()
        raise
    recorded = Recorded(captures, options.config, packet_selection(options), options.evidence_mask)
    found = write_evidence(recorded, options, request, folder, command_line(OUTPUT))
    if found is not None and (named := flows_of_events(captures, options, found.unknown)):
        request = Request({named.get(name, name): notes for name, notes in request.flows.items()})
        folder = EvidenceFolder(options.output, OUTPUT[0])
        found = write_evidence(recorded, options, request, folder, command_line(OUTPUT))
    if found is None:
        return DAMAGED
    failed = print_evidence(found, request, options.output, quiet=options.quiet, show=click.echo)
    return DAMAGED if failed else DONE


def read_alerts(path: str, rules: Sequence[str]) -> Request:
    """The flows of a file of alerts, or of those of some rules. Errors: ConfigError."""
    place = f"--alerts {harmless(path)}"
    request = Request()
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    document = _alert(line, f"{place}:{number}")
                    note = note_of(document)
                    if not rules or note.rule_id in rules or note.rule_name in rules:
                        request.add_alert(document)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{place}: {reason_of(error)}") from None
    if not request.flows:
        of_rules = " of these rules" if rules else ""
        raise ConfigError(f"{place}: no alert{of_rules} in it that names a flow (flow.id or"
                          " network.community_id)")
    return request


def _alert(line: bytes, place: str) -> Document:
    """An alert of a line. Errors: ConfigError."""
    try:
        document = orjson.loads(line)
    except ValueError as error:
        raise ConfigError(f"{place}: no JSON: {reason_of(error)}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{place}: no JSON object, as alerts are")
    return document


def alerted_flows(captures: Discovery, options: EvidenceOptions) -> Request:
    """The flows that the rules raise alerts about. Errors: OperatorError."""
    ruleset = load_rules(
        options.rules, options.exceptions, options.config, allow=options.allow,
        processes=captures.has_process_info, building_blocks=options.building_blocks,
        indicators=options.indicators, strict=options.strict_rules,
    )  # fmt: skip
    alerted = AlertedFlows(ruleset.find(name).text.id for name in options.rule)
    pipeline = build_replay(captures, ruleset, RunOutputs([alerted]), options.config,
                            packet_selection(options), protocols=ruleset.protocols)
    run_whole(pipeline)
    return alerted.request


def flows_of_events(
    captures: Discovery, options: EvidenceOptions, names: Sequence[str]
) -> dict[str, str]:
    """The flows of the events that have these ids, by the ids; the captures are read for that."""
    finder = EventIds(name for name in names if ID.fullmatch(name))
    if not options.flow or not any(map(ID.fullmatch, names)):
        return {}
    pipeline = build_replay(captures, finder, RunOutputs(()), options.config,
                            packet_selection(options))
    run_whole(pipeline)
    return finder.flows


class ReplayEvidence:
    """The evidence that a replay leaves: it notes the alerts, and is written when all was read.

    Errors: ConfigError if the captures can be read but once, or the folder cannot be used.
    """

    def __init__(
        self, captures: Discovery, options: ReplayOptions, digests: SourceDigests | None = None
    ) -> None:
        """`digests` are those of the captures, where the run needs them too."""
        assert options.evidence
        if options.follow:
            raise ConfigError("--evidence: captures are read once more to cut the frames out, which"
                              " is not possible with --follow")
        self.sink = AlertedFlows()
        """A sink of the run."""
        self._options = options
        self._place = options.evidence
        self._recorded = Recorded(captures, options.config, packet_selection(options),
                                  options.evidence_mask, digests=digests)
        check_inputs(captures, options.paths, self._place, REPLAY[0])
        self._folder = EvidenceFolder(self._place, REPLAY[0])

    def write(self, is_interrupted: bool) -> bool:
        """Cut the evidence of what alerted; False, and a message, if anything went wrong."""
        if is_interrupted:
            self._folder.discard()
            print_stderr(f"notice: interrupted: nothing was written to {self._folder.name}")
            return True
        request, quiet = self.sink.request, self._options.quiet
        with ended_at_once():
            found = write_evidence(self._recorded, self._options, request, self._folder,
                                   command_line(REPLAY))
        if found is not None and self._options.events:  # whose alerts may be about other flows
            found = replace(found, unknown=())
        return found is not None and not print_evidence(
            found, request, self._place, quiet=quiet,
            show=(lambda line: None) if quiet else print_stderr)


@contextmanager
def ended_at_once() -> Iterator[None]:
    """Within it Ctrl-C and SIGTERM end the run: half of the evidence would prove nothing."""
    ended = signal.SIGINT

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal ended
        ended = signal.Signals(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    try:
        yield
    except KeyboardInterrupt:
        raise click.exceptions.Exit(exit_code(ended, False, 0, False)) from None


def write_evidence(
    recorded: Recorded, options: ReplayOptions, request: Request, folder: EvidenceFolder,
    command: Sequence[str],
) -> Evidence | None:
    """Cut the evidence, with a progress line; None, and a message, if it cannot be written."""
    progress = open_progress(quiet=options.quiet, options=console_options(options))

    def watch(cutter: Cutter) -> None:
        if progress.shown:
            progress.update(time.monotonic(), lambda: Snapshot(
                cutter.capture.bytes_read, cutter.capture.bytes_total or None, cutter.packets,
                len(folder.files), 0))

    try:
        return cut_evidence(recorded, request, folder, command, watch)
    except OSError as error:
        print_stderr(f"sensor: {folder.name}: {reason_of(error)}: nothing was written")
        return None
    finally:
        progress.close()


def print_evidence(
    found: Evidence, request: Request, place: str, *, quiet: bool, show: Callable[[str], None]
) -> bool:
    """Print what was written, `show` a line for each file, and what went wrong; True if anything
    did.
    """
    folder = harmless(place.rstrip("/"))
    for flow in found.flows:
        show(f"{folder}/{evidence_line(flow)}")
    if not quiet:
        if request.unnamed:
            print_stderr(f"notice: {request.unnamed} alerts are about no one flow: there are no "
                         "frames for them")
        if others := sum("masked" in flow and flow["masked"] is None for flow in found.flows):
            print_stderr(f"notice: {others} flows are no Telnet sessions: they are as they were,"
                         " not masked")
        print_stderr(summary_of(found, folder))
    for name in found.unknown:
        print_stderr(f"sensor: no flow of these captures is {name}")
    for problem in found.problems:
        print_stderr(f"sensor: {problem}")
    return bool(found.unknown or found.problems)


def summary_of(found: Evidence, folder: str) -> str:
    """What was written, in a line."""
    if not found.flows:
        return f"no flow to cut out: nothing was written to {folder}"
    frames = sum(int(str(flow["packets"])) for flow in found.flows)
    flows = "1 flow" if len(found.flows) == 1 else f"{len(found.flows):,} flows"
    return f"{flows}, {frames:,} frame{'s'[:frames != 1]}: {folder}/{MANIFEST}"


def evidence_line(flow: Document) -> str:
    """A file of evidence for people."""
    alerts = flow["alerts"]
    assert isinstance(alerts, list)
    rules = ", ".join(dict.fromkeys(alert["rule_name"] for alert in alerts))
    noun = "frame" if flow["packets"] == 1 else "frames"
    return f"{flow['file']}: {flow['packets']} {noun}, {endpoints(flow)}" + (
        f", {rules}" if rules else "")


def command_line(output: Sequence[str]) -> list[str]:
    """The words of the command, without where its evidence goes: that makes no difference to it."""
    words, kept = iter(sys.argv[1:]), ["sensor"]
    for word in words:
        if word in output:
            next(words, None)
        elif not any(word.startswith(f"{name}=" if name.startswith("--") else name)
                     for name in output):
            kept.append(word)
    return kept
