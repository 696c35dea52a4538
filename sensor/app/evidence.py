"""From a request to a folder of evidence: one pass over the captures, then the manifest."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sensor.app.build import decoder_of, flow_context, flow_tables
from sensor.base.escape import harmless
from sensor.capture.files.capture import FileCapture
from sensor.capture.files.discover import Discovery
from sensor.capture.files.selection import FileSelection, frame_filter_of
from sensor.capture.files.streams import STANDARD_INPUT
from sensor.config import Config
from sensor.errors import ConfigError
from sensor.evidence.cutter import Cutter
from sensor.evidence.folder import EvidenceFolder
from sensor.evidence.manifest import SourceDigests, flow_entry, manifest_of
from sensor.evidence.request import Request
from sensor.evidence.wanted import FLOWS_MAX, WantedFlow, WantedFlows
from sensor.model.columns import Document


@dataclass(frozen=True, slots=True)
class Recorded:
    """Captures, and how the run that named their flows read them."""

    captures: Discovery
    config: Config
    selection: FileSelection


@dataclass(frozen=True, slots=True)
class Evidence:
    """What came of a pass, for people; all of it stands in the manifest too."""

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
    capture = FileCapture(
        captures, thread=False, frame_filter=frame_filter_of(recorded.selection))
    context = flow_context(config)
    wanted = WantedFlows(request, key_vlan=config.key_vlan)
    table = flow_tables(config, context, follow=False, note=True)[0]
    cutter = Cutter(capture, decoder_of(config).decode, table, wanted, folder.add,
                    key_vlan=config.key_vlan)
    digests = SourceDigests(probe.path for probe in captures.probes)
    try:
        cutter.run(None if on_batch is None else lambda: on_batch(cutter))
        flows, names = _write(wanted, folder)
        sources = digests.entries(capture.inputs)
        unknown = wanted.unknown()
        if flows:
            folder.finish(names, manifest_of(command, sources, flows, unknown))
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
    wanted: WantedFlows, folder: EvidenceFolder
) -> tuple[list[Document], dict[WantedFlow, str]]:
    """Write the file of each flow; the entries of the manifest, and the names of the files."""
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
        digest = folder.write(flow, alerts)
        entries.append(flow_entry(folder.files[flow], name, folder.size_of(flow), digest, alerts))
    return entries, names


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
