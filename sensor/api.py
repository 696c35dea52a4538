"""The library: alerts and flows of capture files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sensor.app.build import build_replay, event_files, load_rules
from sensor.app.outputs import RunOutputs
from sensor.base.escape import harmless
from sensor.capture.files.discover import discover
from sensor.config import Config
from sensor.ecs.event_batch import EventBatch
from sensor.ecs.flow_batch import FlowBatch
from sensor.errors import CaptureError, ConfigError
from sensor.memory.records import FLOW_LAYOUT
from sensor.model.alert import Alert
from sensor.model.columns import Document, Rows
from sensor.model.flow import FLOW_ENDED
from sensor.model.merged_rows import MergedRows
from sensor.rules.protocol_needs import needed_protocols

if TYPE_CHECKING:
    from sensor.app.build import ReplayPipeline
    from sensor.rules.state_store import RuleStore


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

    def take(self) -> list[Alert]:
        """The alerts since the last call."""
        alerts, self.alerts = self.alerts, []
        return alerts


class _Records:
    """Stands where rules are and keeps the final record of every flow."""

    def __init__(self) -> None:
        self.parts: list[NDArray[np.void]] = []

    def match(self, rows: Rows) -> list[Alert]:
        for part in rows.parts if isinstance(rows, MergedRows) else [rows]:
            if isinstance(part, FlowBatch):
                self.parts.append(part.records[part.records["action"] == FLOW_ENDED])
        return []

    def advance(self, now_ns: int) -> list[Alert]:
        return []

    def finish(self) -> list[Alert]:
        return []


class _Said:
    """A receiver of protocol events that keeps them until they are asked for."""

    def __init__(self) -> None:
        self.documents: list[Document] = []

    def write(self, flows: EventBatch) -> None:
        self.documents += flows.documents


AnyPath = str | os.PathLike[str]


def _checked(paths: Sequence[AnyPath], config: Config | None) -> tuple[list[str], Config]:
    """Paths and settings that are what they should be. Errors: ConfigError."""
    for path in paths:
        if not isinstance(path, str | os.PathLike):
            raise ConfigError(f"a path is a text or a Path, not {type(path).__name__}: give "
                              "several one by one, as in sensor.flows(*paths)")
    if config is not None and not isinstance(config, Config):
        raise ConfigError(f"config is a sensor.config.Config, not {type(config).__name__}")
    return [os.fspath(path) for path in paths], config or Config()


def _paths_of(name: str, given: AnyPath | Sequence[AnyPath]) -> list[str]:
    """One path, or several. Errors: ConfigError."""
    paths = [given] if isinstance(given, str | os.PathLike) else given
    if isinstance(paths, Sequence) and all(isinstance(path, str | os.PathLike) for path in paths):
        return [os.fspath(path) for path in paths]
    raise ConfigError(f"{name} is a path or a list of paths, not {given!r:.80}")


def replay(  # noqa: PLR0913  most are left out
    *paths: AnyPath,
    rules: AnyPath | Sequence[AnyPath] = (),
    exceptions: AnyPath | Sequence[AnyPath] = (),
    allow: AnyPath | Sequence[AnyPath] = (),
    config: Config | None = None,
    events: AnyPath | Sequence[AnyPath] = (),
    indicators: AnyPath | Sequence[AnyPath] = (),
    state: AnyPath | None = None,
    building_blocks: bool = False,
) -> Iterator[Alert]:
    """The alerts of capture files, as they become known.

    `events` are files of ECS documents, to be read in place of captures or, merged by time, with
    them (docs/events.md). `allow` are allow-lists, `indicators` files for indicator-match rules; in
    the folder `state` new-terms rules keep what they learn. `building_blocks` gives the alerts of
    building-block rules too.
    Errors: OperatorError for rules or settings, before anything is read; CaptureError at the end,
    when everything readable has been read, if a file was damaged or unreadable.
    """
    named, config = _checked(paths, config)
    rules, exceptions, allow, events, indicators = (
        _paths_of(name, given) for name, given in (
            ("rules", rules), ("exceptions", exceptions), ("allow", allow), ("events", events),
            ("indicators", indicators)))
    store = None
    if state:
        from sensor.rules.state_store import RuleStore  # noqa: PLC0415

        (folder,) = _paths_of("state", state)
        store = RuleStore(folder)
    captures = discover(named)
    ruleset = load_rules(
        rules, exceptions, config, allow=allow, any_event=bool(events),
        processes=captures.has_process_info, indicators=indicators, store=store,
        building_blocks=building_blocks,
    )  # fmt: skip
    kept = _Kept()
    documents = event_files(events, config, ruleset.rules)
    pipeline = build_replay(captures, ruleset, RunOutputs([kept]), config, documents=documents,
                            protocols=ruleset.protocols)
    return _alerts(pipeline, kept, store)


def _alerts(pipeline: ReplayPipeline, kept: _Kept, store: RuleStore | None) -> Iterator[Alert]:
    with closing(store) if store else nullcontext():
        for _ in pipeline.steps():
            yield from kept.take()
    yield from kept.take()
    _check_end(pipeline)


def flows(*paths: AnyPath, config: Config | None = None) -> FlowBatch:
    """The final record of every flow in capture files, as columns.

    Errors: as `replay`; what was readable is then in the error's `flows`.
    """
    named, config = _checked(paths, config)
    records = _Records()
    pipeline = build_replay(discover(named), records, RunOutputs(()), config,
                            protocols=needed_protocols(()))
    pipeline.run()
    empty = np.empty(0, FLOW_LAYOUT.dtype)
    batch = FlowBatch(np.concatenate([empty, *records.parts]), pipeline.stage.context)
    _check_end(pipeline, batch)
    return batch


def protocol_events(*paths: AnyPath, config: Config | None = None) -> Iterator[Document]:
    """The protocol events of captures as ECS documents, as they become known: logins, commands, ...

    Passwords are never in them. Errors: as `replay`.
    """
    named, config = _checked(paths, config)
    said = _Said()
    pipeline = build_replay(discover(named), _Records(), RunOutputs((), event_sink=said), config)
    return _said(pipeline, said)


def _said(pipeline: ReplayPipeline, said: _Said) -> Iterator[Document]:
    for _ in pipeline.steps():
        documents, said.documents = said.documents, []
        yield from documents
    yield from said.documents
    _check_end(pipeline)


def _check_end(pipeline: ReplayPipeline, batch: FlowBatch | None = None) -> None:
    """Pass on the Ctrl-C that ended the reading, and damage, with what was readable."""
    if pipeline.stop:
        raise KeyboardInterrupt
    damaged = [entry for entry in pipeline.inputs if entry.error]
    if damaged:
        first, *others = (str(entry.error) for entry in damaged)
        path = damaged[0].path
        reason = first.removeprefix(f"{path}: ").removeprefix(f"{harmless(path)}: ")
        error = CaptureError(path, "; ".join([reason, *others]))
        error.flows = batch
        raise error
