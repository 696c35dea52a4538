"""From a request to a folder of evidence: one pass over the captures, then the manifest."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sensor.app.build import build_replay, decoder_of, flow_context, flow_tables, run_whole
from sensor.app.outputs import RunOutputs
from sensor.base.escape import harmless
from sensor.capture.files.capture import FileCapture
from sensor.capture.files.discover import Discovery, discover
from sensor.capture.files.selection import FileSelection, frame_filter_of
from sensor.capture.files.streams import STANDARD_INPUT
from sensor.config import Config
from sensor.errors import ConfigError
from sensor.evidence.cutter import Cutter
from sensor.evidence.folder import EvidenceFolder
from sensor.evidence.manifest import SourceDigests, digest_of, flow_entry, manifest_of
from sensor.evidence.masking import mask_file
from sensor.evidence.request import Request
from sensor.evidence.wanted import FLOWS_MAX, WantedFlow, WantedFlows
from sensor.model.columns import Document
from sensor.protocols import TELNET_PORTS, TRANSCRIBED
from sensor.protocols.secrets import Secrets, TypedLines
from sensor.rules.protocol_needs import needed_protocols
from sensor.rules.ruleset import RuleSet

MASK_NOTE = "What was typed in secret in Telnet sessions is overwritten with *"


@dataclass(frozen=True, slots=True)
class Recorded:
    """Captures, how the run that named their flows read them, and whether passwords may stay."""

    captures: Discovery
    config: Config
    selection: FileSelection
    mask: bool = False
    digests: SourceDigests | None = None
    """Of the captures, where somebody else needs them too; None: they are computed meanwhile."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The result of a pass, for people; all of it stands in the manifest too."""

    flows: Sequence[Document]
    unknown: Sequence[str]
    """Names that were asked for and that no flow has."""
    problems: Sequence[str]
    """Damaged inputs, and what there was no room for."""


def check_inputs(captures: Discovery, paths: Sequence[str], place: str, option: str) -> None:
    """Errors: ConfigError for what can be read but once, and for a folder of evidence that is read
    itself: what is replaced there might be a capture, and a second run would find more of them.
    """
    folder = Path(os.path.realpath(place))
    for path in (*paths, *(probe.path for probe in captures.probes)):
        given = Path(os.path.realpath(path))
        if folder in given.parents or (given.is_dir() and folder.is_relative_to(given)):
            raise ConfigError(f"{option} {harmless(place)}: captures are read from there"
                              f" ({harmless(path)}): give a folder elsewhere")
    if not captures.probes:
        raise ConfigError("evidence: it is cut out of captures: name a file or a directory")
    for probe in captures.probes:
        if probe.size is None and probe.error is None:
            what = "standard input" if probe.path == STANDARD_INPUT else "a pipe"
            raise ConfigError(f"evidence: captures are read once more to cut the frames out, which"
                              f" {what} cannot be: write it to a file first")


def cut_evidence(
    recorded: Recorded, request: Request, folder: EvidenceFolder, command: Sequence[str],
    on_batch: Callable[[Cutter], None] | None = None,
) -> Evidence:
    """Cut the frames of the flows that are asked for out of captures, into a folder.

    Where no flow is found, the folder stays as it was. Errors: OSError of the folder, which then is
    as it was, too.
    """
    captures, config = recorded.captures, recorded.config
    capture = FileCapture(captures, thread=False, frame_filter=frame_filter_of(recorded.selection))
    context = flow_context(config)
    wanted = WantedFlows(request, key_vlan=config.key_vlan)
    table = flow_tables(config, context, follow=False, note=True)[0]
    cutter = Cutter(capture, decoder_of(config).decode, table, wanted, folder.add,
                    key_vlan=config.key_vlan)
    digests = recorded.digests or SourceDigests(probe.path for probe in captures.probes)
    try:
        cutter.run(None if on_batch is None else lambda: on_batch(cutter))
        flows, names = _write(wanted, folder, config if recorded.mask else None)
        sources = digests.entries(capture.inputs)
        unknown = wanted.unknown()
        if flows:
            folder.finish(names, manifest_of(command, sources, flows, unknown,
                                                      is_masked=recorded.mask))
        else:
            folder.discard()
    except BaseException:
        folder.discard()
        raise
    return Evidence(flows, unknown, [
        *(entry.error for entry in capture.inputs if entry.error),
        *_limits(wanted, cutter.queue.given_up),
    ])


def _write(
    wanted: WantedFlows, folder: EvidenceFolder, mask: Config | None
) -> tuple[list[Document], dict[WantedFlow, str]]:
    """Write the file of each flow; the entries of the manifest, and the names of the files.

    `mask` are the settings by which passwords are looked for, to overwrite them.
    """
    entries: list[Document] = []
    names: dict[WantedFlow, str] = {}
    taken: set[str] = set()
    for flow in wanted.flows:
        name, copies = f"{flow.id}.pcapng", 1
        while name in taken:  # flows that are alike in all that names them
            copies += 1
            name = f"{flow.id}-{copies}.pcapng"
        taken.add(name)
        names[flow] = name
        alerts = wanted.alerts_of(flow)
        digest = folder.write(flow, alerts, MASK_NOTE if mask is not None else "")
        entry = flow_entry(folder.files[flow], name, folder.size_of(flow), digest, alerts)
        if mask is not None:
            entry |= _mask(folder.written(flow), flow, mask)
        entries.append(entry)
    return entries, names


def _mask(path: Path, flow: WantedFlow, config: Config) -> dict[str, Any]:
    """Overwrite the passwords of a Telnet session in its file: its new SHA-256, and how much.

    What was typed is learned from the file itself: it is a capture. On Telnet's ports nothing that
    was typed may stay unless it is known to be harmless.
    """
    # A table for one flow; each file has its own.
    config = replace(config, flow=replace(config.flow, flows_max=1_024, fragments_max=4_096))
    typed = TypedLines()
    session = build_replay(
        discover([str(path)]), RuleSet([], config), RunOutputs((), secrets=Secrets(typed=typed)),
        config, protocols=needed_protocols((), TRANSCRIBED))
    run_whole(session)
    assert flow.record is not None, "every flow has ended"
    ports = {int(flow.record[f"{end}_port"][0]) for end in ("orig", "resp")}
    if not (typed.shown or typed.hidden) and ports.isdisjoint(TELNET_PORTS):
        return {"masked": None}
    hidden = typed.hidden - {""}
    masked = mask_file(path, lambda: decoder_of(config).decode, flow.record,
                       typed.shown - hidden, hidden)
    return {"sha256": digest_of(path)["sha256"], "masked": asdict(masked)}


def _limits(wanted: WantedFlows, given_up: int) -> list[str]:
    """The limits that were met, in words."""
    found = []
    if wanted.left_out:
        found.append(f"evidence: {wanted.left_out} flows were left out: at most {FLOWS_MAX:,} have"
                     " a file; choose some by --flow or --rule")
    if given_up:
        found.append(f"evidence: {given_up} fragments were left out, as their first ones came too"
                     " late")
    return found
