"""From a configuration to the parts of a run: rules, decoders, flow tables, pipelines."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sensor import _version
from sensor._version import __version__
from sensor.app.options import RunOptions
from sensor.app.outputs import RunOutputs
from sensor.capture.base import PortCapture
from sensor.capture.files.capture import FileCapture
from sensor.capture.files.discover import Discovery
from sensor.capture.files.follow import Folder
from sensor.capture.files.selection import FileSelection, frame_filter_of
from sensor.capture.files.streams import STANDARD_INPUT
from sensor.capture.files.unpack_ahead import Unpack
from sensor.capture.interfaces import Interfaces
from sensor.config import Config
from sensor.decode import Decoder
from sensor.ecs.schema import known_fields
from sensor.engine.pipe_time import PipeTime
from sensor.engine.pipeline import FULL_BATCHES, AnyPipeline, Pipeline
from sensor.engine.protocols import Decode, RulesPart
from sensor.engine.rule_stage import RuleStage
from sensor.engine.workers import WorkersPipeline
from sensor.errors import ConfigError
from sensor.flowtable.constants import PATHS_MAX
from sensor.flowtable.table import FlowTable
from sensor.flowtable.tunnel_paths import PathStore
from sensor.host.event_queue import Timeline
from sensor.host.process_events import Observer
from sensor.host.recorded_processes import RecordedProcesses
from sensor.model.addresses import Networks
from sensor.model.flow import FlowContext
from sensor.model.logins import Logins
from sensor.model.processes import Processes
from sensor.model.tunnels import Tunnels
from sensor.protocols import PROTOCOLS, AnalyzedProtocol
from sensor.query.document_rows import DocumentRows
from sensor.query.required_terms import NO_CLAUSES
from sensor.rules.rule import Resources
from sensor.rules.ruleset import RuleSet
from sensor.streams.documents import FlowParts
from sensor.streams.streams import Streams
from sensor.terminal.stderr import print_stderr

if TYPE_CHECKING:  # what not every run needs is imported where it is used: it takes time
    from sensor.engine.documents import DocumentsPipeline
    from sensor.events.files import EventFiles
    from sensor.evidence.live import LiveEvidence
    from sensor.rules.indicators import IndicatorFile
    from sensor.rules.rule import Rule
    from sensor.rules.state_store import RuleStore

    ReplayPipeline = Pipeline | DocumentsPipeline

EVERYTHING = FileSelection()


def shipped_rules() -> str:
    """The folder of the rules that come with the sensor."""
    package = Path(_version.__file__).parent
    installed = package / "shipped_rules"
    return str(installed if installed.is_dir() else package.parent / "rules")


def load_rules(  # noqa: PLR0913  most are left out
    paths: Sequence[str] = (),
    exceptions: Sequence[str] = (),
    config: Config | None = None,
    *,
    allow: Sequence[str] = (),
    building_blocks: bool = False,
    any_event: bool = False,
    processes: bool = False,
    indicators: Sequence[str] = (),
    store: RuleStore | None = None,
    strict: bool = True,
    pause: Callable[[], None] | None = None,
) -> RuleSet:
    """The rules of files and folders; the shipped ones if none is named.

    `any_event` says that documents will be read too, which can have any field; `processes`, that
    this run can learn of processes, so that rules may ask for them. `allow` are allow-lists,
    `indicators` files for indicator-match rules, `store` keeps what new-terms rules learn. Unless
    `strict`, wrong rules of a folder are left out, with notices. `pause` is called after each rule.
    Errors: OperatorError tells everything that is wrong at once.
    """
    files: list[IndicatorFile] = []
    if indicators:
        from sensor.rules.indicators import read_indicators  # noqa: PLC0415

        files = read_indicators(listed(indicators))
    return RuleSet.load(
        listed(paths) or [shipped_rules()],
        exceptions=listed(exceptions),
        allow=listed(allow),
        config=config or Config(),
        known_fields=known_fields(processes=processes),
        any_event=any_event,
        show_building_blocks=building_blocks,
        resources=Resources(store, tuple(files), pause),
        strict=strict,
    )


def listed(paths: str | Sequence[str]) -> Sequence[str]:
    """One path is a list of one."""
    return [paths] if isinstance(paths, str) else paths


def flow_context(
    config: Config, *, live: bool = False, processes: Processes | None = None
) -> FlowContext:
    """The values that all flow documents of a run share. Errors: ConfigError for a bad network."""
    try:
        internal = Networks(config.internal)
    except ValueError as error:
        raise ConfigError(f"--internal: {error}") from None
    return FlowContext(
        internal=internal, hostname=socket.gethostname(), version=__version__, live=live,
        processes=processes, tunnels=Tunnels(), logins=Logins(),
    )  # fmt: skip


def build_replay(  # noqa: PLR0913  most are left out
    captures: Discovery,
    rules: RulesPart,
    outputs: RunOutputs,
    config: Config,
    selection: FileSelection = EVERYTHING,
    documents: EventFiles | None = None,
    *,
    protocols: Sequence[AnalyzedProtocol] = PROTOCOLS,
    unruled: Collection[str] = (),
    jobs: int = 1,
    unpack: Unpack | None = None,
) -> ReplayPipeline:
    """The main path over captures, over files of ECS documents, or over both, merged by time.

    `protocols` are those whose connections are analyzed; the events of the `unruled` ones pass by
    the rules. `jobs` is how many compressed captures are decompressed at once; with `unpack` others
    decompress. Errors: ConfigError.
    """
    if documents is not None and not captures.probes and not selection.follow:
        from sensor.engine.documents import DocumentsPipeline  # noqa: PLC0415  few runs need it

        return DocumentsPipeline(documents, RuleStage(rules, outputs, flow_context(config)))
    if not captures.probes and not selection.follow:
        raise ConfigError("no capture is named: give a file, a directory or - for standard input")
    if captures.has_standard_input and documents is not None and any(
            entry.path == STANDARD_INPUT for entry in documents.inputs):
        raise ConfigError("standard input (-) cannot be a capture and --events at once")
    folder = Folder(selection.follow) if selection.follow else None
    capture = FileCapture(
        captures, thread=False, frame_filter=frame_filter_of(selection), folder=folder, jobs=jobs,
        unpack=unpack)  # fmt: skip
    context = flow_context(config, processes=capture.processes)
    host = RecordedProcesses(
        capture.processes, Timeline(DocumentRows), Observer(context.hostname, context.version)
    )
    stage = RuleStage(rules, outputs, context, host=host, protocol_events=Timeline(DocumentRows),
                      unruled=frozenset(f"network_traffic.{name}" for name in unruled))
    merger = None
    if documents is not None:
        from sensor.engine.documents import DocumentsMerger  # noqa: PLC0415  few runs need it

        merger = DocumentsMerger(documents, stage)
    is_pipe = captures.has_pipe and folder is None
    return Pipeline(
        capture, host.watching(decoder_of(config).decode), flow_tables(config, context)[0], stage,
        merger=merger, prompt=captures.has_standard_input or is_pipe or folder is not None,
        pipe_time=PipeTime(time.time_ns, time.monotonic_ns) if is_pipe else None,
        streams=Streams(protocols, FlowParts(context), print_stderr, outputs.secrets,
                        context.logins),
    )  # fmt: skip


def analyzed(ruleset: RuleSet, options: RunOptions) -> Sequence[AnalyzedProtocol]:
    """The protocols that a run analyzes: all where a file or a server takes what they tell, else
    those that every run needs and those that its rules are about.
    """
    takes_all = options.protocol_events or options.elasticsearch or options.kafka
    return PROTOCOLS if takes_all else ruleset.protocols


def run_whole(pipeline: ReplayPipeline, on_batch: Callable[[], None] | None = None) -> None:
    """Run it to its end. Errors: KeyboardInterrupt if something stopped it before."""
    pipeline.run(on_batch)
    if pipeline.stop:
        raise KeyboardInterrupt


def event_files(
    paths: Iterable[str], config: Config, rules: Sequence[Rule] | None
) -> EventFiles | None:
    """Files of ECS documents, of which is parsed what the rules may want; None if none is named.

    Without rules all is parsed.
    """
    paths = list(dict.fromkeys(paths))
    if not paths:
        return None
    from sensor.events.files import EventFiles  # noqa: PLC0415  few runs need them
    from sensor.rules.prefilter import clauses_of  # noqa: PLC0415

    return EventFiles(paths, [NO_CLAUSES] if rules is None else clauses_of(rules), config.events)


def build_live(  # noqa: PLR0913  the last ones may be left out
    captures: Sequence[PortCapture],
    interfaces: Interfaces,
    rules: RulesPart,
    outputs: RunOutputs,
    config: Config,
    *,
    helper: socket.socket | None = None,
    evidence: LiveEvidence | None = None,
    protocols: Sequence[AnalyzedProtocol] = PROTOCOLS,
) -> AnyPipeline:
    """The main path over live captures: one, or one for each worker.

    `helper` is a connection to the helper for host events, which has not said hello yet. `evidence`
    keeps frames; it is also one of the sinks. `protocols` are those whose connections are analyzed.
    Errors: OSError or ValueError if it says something else.
    """
    processes = Processes(recycle=True) if helper is not None else None
    context = flow_context(config, live=True, processes=processes)
    context.interfaces.extend(interfaces.names)  # all are known: threads need not add any
    decoders: list[Decode] = [decoder_of(config).decode for _ in captures]
    host = None
    if helper is not None and processes is not None:
        from sensor.host.client import HostClient  # noqa: PLC0415

        host = HostClient(helper, processes, Timeline(DocumentRows),
                          Observer(context.hostname, context.version), time.time_ns)  # fmt: skip
        decoders = [host.watching(decode) for decode in decoders]
    stage = RuleStage(rules, outputs, context, host=host, clock=time.time_ns,
                      protocol_events=Timeline(DocumentRows))
    streams = [Streams(protocols, FlowParts(context, time.time_ns), print_stderr, outputs.secrets,
                       context.logins)
               for _ in captures]
    # The limit is the run's: workers share it, as they share the flows.
    flows_max = max(1, config.flow.flows_max // len(captures))
    config = replace(config, flow=replace(config.flow, flows_max=flows_max))
    tables = flow_tables(config, context, len(captures), note=evidence is not None)
    keepers = None
    if evidence is not None:
        ports = (port for protocol in protocols for port in protocol.tcp_ports)
        keepers = evidence.keepers(len(captures), ports, key_vlan=config.key_vlan)
    if len(captures) == 1:
        return Pipeline(captures[0], decoders[0], tables[0], stage, handover_events=0,
                        full_batches=FULL_BATCHES, streams=streams[0],
                        evidence=keepers[0] if keepers is not None else None)  # fmt: skip
    return WorkersPipeline(captures, decoders, tables, stage,
                           lambda worker: captures[worker].request_time(),
                           streams=streams, evidence=keepers)  # fmt: skip


def decoder_of(config: Config) -> Decoder:
    """A decoder as the configuration wants it, with a hash of its own."""
    return Decoder(config, seed=_seed())


def flow_tables(
    config: Config, context: FlowContext, count: int = 1, *, follow: bool = True, note: bool = False
) -> list[FlowTable]:
    """Empty flow tables as the configuration wants them, each with a hash of its own.

    They share the numbers of paths through tunnels among themselves. `follow` and `note` as in
    FlowTable.
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
            follow=follow,
            note=note,
        ))  # fmt: skip
    return tables


def _seed() -> int:
    """64 bits that nobody can foresee; `secrets` does no more, and takes 3 ms to import."""
    return int.from_bytes(os.urandom(8), "little")
