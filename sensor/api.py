"""Puts the parts together: what the command line and the library functions share."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensor._version import __version__
from sensor.base.escape import harmless
from sensor.capture.base import PortCapture
from sensor.capture.files.capture import FileCapture
from sensor.capture.files.discover import Discovery, discover
from sensor.capture.files.follow import Folder
from sensor.capture.files.selection import FileSelection, frame_filter_of
from sensor.capture.files.streams import STANDARD_INPUT
from sensor.capture.interfaces import Interfaces
from sensor.config import Config
from sensor.decode import Decoder
from sensor.ecs import schema
from sensor.ecs.flow_batch import FlowBatch
from sensor.engine.pipeline import AnyPipeline, Outlet, Pipeline
from sensor.engine.protocols import SinkPart
from sensor.engine.workers import WorkersPipeline
from sensor.errors import CaptureError, ConfigError
from sensor.flowtable.constants import PATHS_MAX
from sensor.flowtable.table import FlowTable
from sensor.flowtable.tunnel_paths import PathStore
from sensor.host.event_queue import Timeline
from sensor.host.process_events import Observer
from sensor.host.recorded_processes import RecordedProcesses
from sensor.model.addresses import Networks
from sensor.model.alert import Alert
from sensor.model.flow import FlowContext
from sensor.model.frames import FrameBatch
from sensor.model.packets import PacketBatch
from sensor.model.processes import KNOWN_FIELDS as PROCESS_KNOWN_FIELDS
from sensor.model.processes import Processes
from sensor.model.tunnels import TUNNEL_FIELDS, Tunnels
from sensor.query.document_rows import DocumentRows
from sensor.rules.field_check import Resources
from sensor.rules.ruleset import RuleSet

if TYPE_CHECKING:  # what not every run needs is imported where it is used: it takes time
    from sensor.engine.documents import DocumentsPipeline
    from sensor.rules.indicators import IndicatorFile
    from sensor.rules.state_store import RuleStore

EVERYTHING = FileSelection()
KNOWN_FIELDS = (
    {member.name: member.type for member in schema.FIELDS}
    | {member.name: member.type for member in TUNNEL_FIELDS}
    | {member.name: member.type for member in schema.ALERT_FIELDS}
)
"""The type of every field that a rule may test here."""


def shipped_rules() -> str:
    """The folder of the rules that come with the sensor."""
    installed = Path(__file__).parent / "shipped_rules"
    return str(installed if installed.is_dir() else Path(__file__).parent.parent / "rules")


def load_rules(  # noqa: PLR0913  most are left out
    paths: Sequence[str] = (),
    exceptions: Sequence[str] = (),
    config: Config | None = None,
    *,
    building_blocks: bool = False,
    any_event: bool = False,
    processes: bool = False,
    indicators: Sequence[str] = (),
    store: RuleStore | None = None,
) -> RuleSet:
    """The rules of files and folders; the shipped ones if none is named.

    `any_event` says that documents will be read too, which can have any field; `processes`, that
    this run can learn of processes, so that rules may ask for them. `indicators` are files for
    indicator-match rules, `store` keeps what new-terms rules learn.
    Errors: OperatorError tells everything that is wrong at once.
    """
    files: list[IndicatorFile] = []
    if indicators:
        from sensor.rules.indicators import read_indicators  # noqa: PLC0415

        files = read_indicators(_listed(indicators))
    return RuleSet.load(
        _listed(paths) or [shipped_rules()],
        exceptions=_listed(exceptions),
        config=config or Config(),
        known_fields=KNOWN_FIELDS | (PROCESS_KNOWN_FIELDS if processes else {}),
        any_event=any_event,
        show_building_blocks=building_blocks,
        resources=Resources(store, tuple(files)),
    )


def _listed(paths: str | Sequence[str]) -> Sequence[str]:
    """One path is a list of one."""
    return [paths] if isinstance(paths, str) else paths


def flow_context(
    config: Config, *, live: bool = False, processes: Processes | None = None
) -> FlowContext:
    """What all flow documents of a run have in common. Errors: ConfigError for a bad network."""
    try:
        internal = Networks(config.internal)
    except ValueError as error:
        raise ConfigError(f"--internal: {error}") from None
    return FlowContext(
        internal=internal, hostname=socket.gethostname(), version=__version__, live=live,
        processes=processes, tunnels=Tunnels(),
    )  # fmt: skip


def build_replay(
    paths: Iterable[str] | Discovery, rules: Any, sinks: Sequence[SinkPart], config: Config,
    selection: FileSelection = EVERYTHING,
) -> Pipeline:
    """The main path over recorded captures. Errors: ConfigError."""
    captures = paths if isinstance(paths, Discovery) else discover(paths)
    if not captures.probes and not selection.follow:
        raise ConfigError("no capture is named: give a file, a directory or - for standard input")
    folder = Folder(selection.follow) if selection.follow else None
    capture = FileCapture(
        captures, thread=False, frame_filter=frame_filter_of(selection), folder=folder)
    context = flow_context(config, processes=capture.processes)
    outlet = Outlet(rules, sinks, context)
    told = RecordedProcesses(
        capture.processes, Timeline(DocumentRows), Observer(context.hostname, context.version)
    )
    outlet.host = told
    decoder = told.watching(decoder_of(config).decode)
    return Pipeline(capture, decoder, flow_tables(config, context)[0], outlet)


def build_mixed(
    captures: Discovery, events: Sequence[str], rules: RuleSet, sinks: Sequence[SinkPart],
    config: Config, selection: FileSelection = EVERYTHING,
) -> Pipeline | DocumentsPipeline:
    """The main path over captures, over files of ECS documents, or over both, merged by time."""
    if not events:
        return build_replay(captures, rules, sinks, config, selection)
    if STANDARD_INPUT in events and captures.has_standard_input:
        raise ConfigError("standard input (-) cannot be a capture and --events at once")
    from sensor.engine.documents import DocumentsPipeline, DocumentStream  # noqa: PLC0415
    from sensor.events.files import EventFiles  # noqa: PLC0415
    from sensor.rules.prefilter import needs_of_rules  # noqa: PLC0415

    documents = EventFiles(dict.fromkeys(events), needs_of_rules(rules.rules), config.events)
    if not captures.probes and not selection.follow:
        return DocumentsPipeline(documents, Outlet(rules, sinks, flow_context(config)))
    pipeline = build_replay(captures, rules, sinks, config, selection)
    pipeline.between = DocumentStream(documents, pipeline.outlet)
    pipeline.documents = documents
    return pipeline


def build_live(
    captures: Sequence[PortCapture],
    interfaces: Interfaces,
    rules: Any,
    sinks: Sequence[SinkPart],
    config: Config,
    helper: socket.socket | None = None,
) -> AnyPipeline:
    """The main path over live captures: one, or one for each worker.

    `helper` is a connection to the helper for host events, which has not said hello yet.
    Errors: OSError or ValueError if it says something else.
    """
    processes = Processes(recycle=True) if helper is not None else None
    context = flow_context(config, live=True, processes=processes)
    context.interfaces.extend(interfaces.names)  # all are known: threads need not add any
    outlet = Outlet(rules, sinks, context)
    outlet.clock = time.time_ns
    decoders: list[Callable[[FrameBatch, PacketBatch], None]]
    decoders = [decoder_of(config).decode for _ in captures]
    if helper is not None and processes is not None:
        from sensor.host.client import HostClient  # noqa: PLC0415

        host = HostClient(helper, processes, Timeline(DocumentRows),
                          Observer(context.hostname, context.version), outlet.clock)  # fmt: skip
        outlet.host = host
        decoders = [host.watching(decode) for decode in decoders]
    # The limit is the run's: workers share it, as they share the flows.
    flows_max = max(1, config.flow.flows_max // len(captures))
    config = replace(config, flow=replace(config.flow, flows_max=flows_max))
    tables = flow_tables(config, context, len(captures))
    pipeline: AnyPipeline
    if len(captures) == 1:
        pipeline = one = Pipeline(captures[0], decoders[0], tables[0], outlet)
        one.handover_events = 0
    else:
        pipeline = several = WorkersPipeline(captures, decoders, tables, outlet)
        several.ask = lambda worker: captures[worker].ask()
    for lane in pipeline.lanes:
        lane.clock = outlet.clock
    return pipeline


def decoder_of(config: Config) -> Decoder:
    """A decoder as the configuration wants it, with a hash of its own."""
    return Decoder(config, seed=_seed())


def flow_tables(config: Config, context: FlowContext, count: int = 1) -> list[FlowTable]:
    """Empty flow tables as the configuration wants them, each with a hash of its own.

    They share the numbers of paths through tunnels among themselves.
    """
    tables = []
    places = PATHS_MAX // count
    for index in range(count):
        paths = PathStore(places, 1 + index * places, _seed())
        if context.tunnels is not None:
            context.tunnels.add(paths)
        tables.append(FlowTable(
            config.flow,
            accept_on_data=config.accept_on == "data",
            key_vlan=config.key_vlan,
            duplicates=config.duplicates,
            seed=_seed(),
            paths=paths,
        ))  # fmt: skip
    return tables


def _seed() -> int:
    """64 bits that nobody can foresee; `secrets` does no more, and takes 3 ms to import."""
    return int.from_bytes(os.urandom(8), "little")


@dataclass(slots=True)
class _Kept:
    """A sink that keeps alerts until they are asked for."""

    alerts: list[Alert] = field(default_factory=list)
    delivered: int = 0
    dropped: int = 0
    waiting: int = 0

    def emit(self, alert: Alert) -> None:
        self.delivered += 1
        self.alerts.append(alert)

    def accounted(self) -> int:
        return self.delivered


class _Records:
    """Stands where rules are and keeps the final record of every flow."""

    def __init__(self) -> None:
        self.batches: list[FlowBatch] = []

    def match(self, flows: FlowBatch) -> list[Alert]:
        from sensor.model.flow import FLOW_ENDED  # noqa: PLC0415

        records = flows.records[flows.records["action"] == FLOW_ENDED]
        self.batches.append(FlowBatch(records, flows.context))
        return []

    def advance(self, now_ns: int) -> list[Alert]:
        return []

    def finish(self) -> list[Alert]:
        return []


def replay(
    *paths: str,
    rules: Sequence[str] = (),
    exceptions: Sequence[str] = (),
    config: Config | None = None,
    events: str | Sequence[str] = (),
    indicators: Sequence[str] = (),
    state: str | None = None,
) -> Iterator[Alert]:
    """The alerts of capture files, as they become known.

    `events` are files of ECS documents, to be read in place of captures or, merged by time, with
    them (docs/events.md). `indicators` are files for indicator-match rules; in the folder `state`
    new-terms rules keep what they learn.
    Errors: OperatorError for rules or settings, before anything is read; CaptureError at the end,
    when everything readable has been read, if a file was damaged or unreadable.
    """
    config = config or Config()
    events = _listed(events)
    store = None
    if state:
        from sensor.rules.state_store import RuleStore  # noqa: PLC0415

        store = RuleStore(state)
    captures = discover(paths)
    ruleset = load_rules(
        rules, exceptions, config, any_event=bool(events), processes=captures.has_process_info,
        indicators=indicators, store=store,
    )  # fmt: skip
    kept = _Kept()
    pipeline = build_mixed(captures, events, ruleset, [kept], config)
    return _alerts(pipeline, kept, store)


def _alerts(
    pipeline: Pipeline | DocumentsPipeline, kept: _Kept, store: RuleStore | None
) -> Iterator[Alert]:
    with closing(store) if store else nullcontext():
        for _ in pipeline.steps():
            yield from kept.alerts
            kept.alerts.clear()
    _raise_interrupt(pipeline)
    _raise_damage(pipeline)


def _raise_interrupt(pipeline: Pipeline | DocumentsPipeline) -> None:
    """Pass on the Ctrl-C that ended the reading."""
    if pipeline.stop:
        raise KeyboardInterrupt


def flows(*paths: str, config: Config | None = None) -> FlowBatch:
    """The final record of every flow in capture files, as columns.

    Errors: as `replay`; what was readable is then in the error's `flows`.
    """
    import numpy as np  # noqa: PLC0415

    records = _Records()
    pipeline = build_replay(paths, records, [], config or Config())
    pipeline.outlet.host = None  # only flows are asked for
    pipeline.run()
    _raise_interrupt(pipeline)
    parts = [batch.records for batch in records.batches]
    batch = FlowBatch(
        np.concatenate(parts) if parts else pipeline.lanes[0].table.take(), pipeline.outlet.context
    )
    _raise_damage(pipeline, batch)
    return batch


def _raise_damage(
    pipeline: Pipeline | DocumentsPipeline, batch: FlowBatch | None = None
) -> None:
    damaged = [entry for entry in pipeline.inputs if entry.error]
    if damaged:
        first, *others = (str(entry.error) for entry in damaged)
        path = damaged[0].path
        reason = first.removeprefix(f"{path}: ").removeprefix(f"{harmless(path)}: ")
        error = CaptureError(path, "; ".join([reason, *others]))
        error.flows = batch
        raise error
