"""Runs a capture through the real stages and gives back what came out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sensor.app.outputs import RunOutputs
from sensor.capture.files.capture import FileCapture
from sensor.config import INTERNAL_NETWORKS, Config, DecodeSettings, FlowLimits
from sensor.decode import Decoder
from sensor.ecs.flow_batch import FlowBatch
from sensor.engine.pipeline import Pipeline
from sensor.engine.rule_stage import RuleStage
from sensor.flowtable.table import FlowTable
from sensor.flowtable.tunnel_paths import PathStore
from sensor.host.event_queue import Timeline
from sensor.model.addresses import Networks
from sensor.model.alert import Alert
from sensor.model.flow import FlowContext
from sensor.model.logins import Logins
from sensor.model.merged_rows import stretches
from sensor.model.tunnels import Tunnels
from sensor.protocols import PROTOCOLS
from sensor.protocols.secrets import Secrets
from sensor.query.document_rows import DocumentRows
from sensor.streams.documents import FlowParts
from sensor.streams.streams import Streams

ROOT = Path(__file__).resolve().parent.parent
CAPTURES = ROOT / "captures"


@dataclass
class Collector:
    """A rule set that matches nothing and keeps every flow event, in order."""

    has_documents: bool = True
    """False: of flow events only the records are kept, which takes a tenth of the time."""
    events: list[dict[str, Any]] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    """The actions of flow events and protocol events, as rules see them."""

    def match(self, rows: Any) -> list[Alert]:
        for part in stretches(rows):
            self._keep(part)
        return []

    def _keep(self, flows: Any) -> None:
        if isinstance(flows, FlowBatch):
            self.rows += list(flows.records)
            if not self.has_documents:
                return
        documents = flows.documents(range(len(flows.times_ns())))
        self.order += [document["event"]["action"] for document in documents]
        found = self.events if isinstance(flows, FlowBatch) else self.said
        found += documents

    def advance(self, now_ns: int) -> list[Alert]:
        return []

    def finish(self) -> list[Alert]:
        return []


@dataclass
class Run:
    """What a run gave: flow events as documents and as records, protocol events, the ledger."""

    events: list[dict[str, Any]]
    rows: list[Any]
    ledger: dict[str, Any]
    said: list[dict[str, Any]]
    order: list[str]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The final records, one for each flow."""
        return [event for event in self.events if event["flow"]["final"]]

    def actions(self) -> list[str]:
        return [event["event"]["action"] for event in self.events]


SECRETS = Secrets(b"the key of tests")
"""Hashes of passwords that are alike in every run."""
INTERNAL = Networks(INTERNAL_NETWORKS)
PATHS = 1_024
"""Room for paths through tunnels. All memory of a table is made for each run, and where the C
library has it at hand it is cleared first: that of a sensor takes longer than most runs do.
"""
SMALL = FlowLimits(flows_max=20_000, fragments_max=1_024)
"""Limits of a table for a few thousand frames: sanitizers look at all memory when it is made."""


def run_capture(
    source: Any, *, limits: FlowLimits | None = None, handover_events: int = 8192,
    decode: DecodeSettings | None = None, sliced: str = "auto", documents: bool = True,
    **options: Any,
) -> Run:
    """Run a path, a list of paths or a Capture; `options` are FlowTable's. Without `documents`
    there are records only.
    """
    capture = source
    if isinstance(source, str | Path):
        capture = FileCapture([str(source)])
    elif isinstance(source, list) and all(isinstance(path, str | Path) for path in source):
        capture = FileCapture([str(path) for path in source])
    collector = Collector(has_documents=documents)
    failures: list[str] = []
    context = FlowContext(internal=INTERNAL, hostname="tap", version="0",
                          tunnels=Tunnels(), logins=Logins())  # fmt: skip
    limits = limits or SMALL
    shared = {name: options[name] for name in ("key_vlan", "duplicates") if name in options}
    config = Config(flow=limits, decode=decode or DecodeSettings(), sliced=sliced,
                    **shared)
    decoder = Decoder(config, seed=options.get("seed", 0)).decode
    paths = PathStore(PATHS, 1, options.get("seed", 0))
    table = FlowTable(limits, follow=True, paths=paths, **options)
    assert context.tunnels is not None
    context.tunnels.add(table.paths)
    outputs = RunOutputs((), secrets=SECRETS)
    stage = RuleStage(collector, outputs, context, protocol_events=Timeline(DocumentRows))
    pipeline = Pipeline(capture, decoder, table, stage, handover_events=handover_events,
                        streams=Streams(PROTOCOLS, FlowParts(context), failures.append,
                                        SECRETS, context.logins))
    pipeline.run()
    assert not failures
    return Run(collector.events, collector.rows, pipeline.ledger(), collector.said,
               collector.order)
