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
from sensor.model.addresses import Networks
from sensor.model.alert import Alert
from sensor.model.flow import FlowContext
from sensor.model.tunnels import Tunnels

ROOT = Path(__file__).resolve().parent.parent
CAPTURES = ROOT / "captures"


@dataclass
class Collector:
    """A rule set that matches nothing and keeps every flow event, in order."""

    events: list[dict[str, Any]] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)

    def match(self, flows: Any) -> list[Alert]:
        assert isinstance(flows, FlowBatch)
        self.events += flows.to_dicts()
        self.rows += list(flows.records)
        return []

    def advance(self, now_ns: int) -> list[Alert]:
        return []

    def finish(self) -> list[Alert]:
        return []


@dataclass
class Run:
    """What a run gave: flow events as documents and as records, and the ledger."""

    events: list[dict[str, Any]]
    rows: list[Any]
    ledger: dict[str, Any]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The final records, one for each flow."""
        return [event for event in self.events if event["flow"]["final"]]

    def actions(self) -> list[str]:
        return [event["event"]["action"] for event in self.events]


SMALL = FlowLimits(flows_max=20_000, fragments_max=1_024)
"""Limits of a table for a few thousand frames: sanitizers look at all of its memory when it is made."""


def run_capture(
    source: Any, *, limits: FlowLimits | None = None, handover_events: int = 8192,
    decode: DecodeSettings | None = None, sliced: str = "auto", **options: Any
) -> Run:
    """Run a path, a list of paths or a Capture; `options` are FlowTable's."""
    capture = source
    if isinstance(source, str | Path):
        capture = FileCapture([str(source)])
    elif isinstance(source, list) and all(isinstance(path, str | Path) for path in source):
        capture = FileCapture([str(path) for path in source])
    collector = Collector()
    context = FlowContext(internal=Networks(INTERNAL_NETWORKS), hostname="tap", version="0",
                          tunnels=Tunnels())  # fmt: skip
    limits = limits or SMALL
    shared = {name: options[name] for name in ("key_vlan", "duplicates") if name in options}
    config = Config(flow=limits, decode=decode or DecodeSettings(), sliced=sliced,
                    **shared)
    decoder = Decoder(config, seed=options.get("seed", 0)).decode
    table = FlowTable(limits, **options)
    assert context.tunnels is not None
    context.tunnels.add(table.paths)
    stage = RuleStage(collector, RunOutputs(()), context)
    pipeline = Pipeline(capture, decoder, table, stage, handover_events=handover_events)
    pipeline.run()
    return Run(collector.events, collector.rows, pipeline.ledger())
