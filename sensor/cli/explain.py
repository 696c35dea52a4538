"""`sensor rules explain`: why a rule did or did not fire. Part of the command line.

The events are collected first; then those of the chosen flows are held against the rule part by
part, and the rule itself runs over all of them, to see what became of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import click
import numpy as np

from sensor.api import EVERYTHING, KNOWN_FIELDS, build_replay, flow_context, load_rules
from sensor.app.outputs import settle
from sensor.base.escape import harmless
from sensor.capture.files.discover import Discovery, discover
from sensor.capture.files.selection import FileSelection
from sensor.cli.output import DAMAGED, DONE
from sensor.config import Config
from sensor.ecs.flow_batch import FlowBatch
from sensor.engine.documents import DocumentsPipeline, DocumentStream
from sensor.engine.pipeline import Outlet, Pipeline
from sensor.engine.protocols import RowsPart
from sensor.errors import ConfigError, QueryError
from sensor.events.files import EventFiles
from sensor.model.alert import Alert
from sensor.model.columns import CodedColumn, Rows
from sensor.model.processes import KNOWN_FIELDS as PROCESS_KNOWN_FIELDS
from sensor.query import ecs_names
from sensor.query import validate as check
from sensor.query.ast import And, FieldTest, Node, Query, Text, any_of
from sensor.query.document_rows import values_at
from sensor.query.eql import parser as eql
from sensor.query.explain import Explainer, Line
from sensor.query.external_networks import strictly_external
from sensor.query.kql import parser as kql
from sensor.query.predicate import compile_query
from sensor.query.required_terms import NONE
from sensor.query.values import is_network
from sensor.rules.files import UNSUPPORTED_TYPES
from sensor.rules.loader import Rule
from sensor.rules.ruleset import RuleSet, tallies_of
from sensor.rules.runners import OrderRunner
from sensor.rules.stateful_runners import ThresholdRunner
from sensor.rules.types import NewTermsText, ThreatText
from sensor.terminal.stderr import say

FLOWS_MAX = 20
"""Flows that are shown."""
CANDIDATES_MAX = 500
"""Flows of which it is found out what became of each event, to choose the shown ones."""
ALERT = "ALERT"
_TALLIED = {
    "learned": "it is learned: nothing is new yet (rule.new_terms_learning_s)",
    "absorbed": "it belongs to the alert before",
}
VALUES_MAX = 8
"""Values of one field that are shown."""


@dataclass
class Wanted:
    """What the command line asks for."""

    rule: str
    paths: tuple[str, ...]
    events: tuple[str, ...] = ()
    flow: str = ""
    rules: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()
    part: FileSelection = EVERYTHING


@dataclass
class _Collected:
    """Stands where rules are and keeps everything that they are given."""

    batches: list[RowsPart] = field(default_factory=list)

    def match(self, rows: Any) -> list[Alert]:
        """Keep a batch."""
        if isinstance(rows, FlowBatch):
            rows = FlowBatch(rows.records.copy(), rows.context)
        self.batches.append(rows)
        return []

    def advance(self, now_ns: int) -> list[Alert]:
        """Nothing."""
        return []

    def finish(self) -> list[Alert]:
        """Nothing."""
        return []


@dataclass
class _Flow:
    """The events of a flow, or one event that belongs to none."""

    nearness: float = 0.0
    is_met: bool = False
    """Whether the rule was complete with one of its events, or an exception took one."""
    places: list[tuple[int, int]] = field(default_factory=list)
    """Batch and row of each event."""


def print_explanation(wanted: Wanted, config: Config) -> int:
    """Print what a rule makes of the flows of captures; the exit code.

    Errors: OperatorError if there is no such rule.
    """
    captures = discover(wanted.paths)
    ruleset = _rules_of(wanted, config, captures)
    rule = ruleset.find(wanted.rule)
    query = _query_of(rule)
    if query is None:  # in a language of its own, or none
        click.echo(harmless(f"{rule.text.name}: {_standing(rule)}"))
        return DONE
    selection = selection_of(wanted.flow) if wanted.flow else None
    if selection is not None:
        _check_selection(selection, wanted)
    explainer = Explainer(query, tuple(KNOWN_FIELDS))
    collected = _Collected()
    pipeline = _pipeline(wanted, captures, collected, config)
    settle()
    pipeline.run()
    if pipeline.stop:
        raise KeyboardInterrupt
    batches = collected.batches
    flows = _nearest(batches, explainer, selection, _met(rule, batches))
    click.echo(harmless(f"{rule.text.name}: {_standing(rule)}"))
    again = _rules_of(wanted, config, captures).find(wanted.rule)  # it has learned nothing
    _print_flows(flows, batches, explainer, _Trial(again, config, explainer))
    damaged = [str(entry.error) for entry in pipeline.inputs if entry.error]
    for error in damaged:
        say(f"sensor: {error}")
    return DAMAGED if damaged else DONE


def _rules_of(wanted: Wanted, config: Config, captures: Discovery) -> RuleSet:
    return load_rules(
        wanted.rules, wanted.exceptions, config, any_event=bool(wanted.events),
        processes=captures.has_process_info, indicators=wanted.indicators,
    )  # fmt: skip


def _check_selection(selection: Query, wanted: Wanted) -> None:
    """Errors: ConfigError for a field that no event has."""
    known = KNOWN_FIELDS | PROCESS_KNOWN_FIELDS
    found = check.check(selection, wanted.flow, lambda name: known.get(name, "keyword")
                        if wanted.events or ecs_names.exists(name) else known.get(name),
                        tuple(known), None)
    if wrong := [*map(str, found.errors), *found.doubtful]:
        raise ConfigError(f"--flow: {wrong[0]}")


def _query_of(rule: Rule) -> Query | None:
    """What the rule asks for; None if that is in no language that is evaluated."""
    if rule.text.type in UNSUPPORTED_TYPES or rule.text.language == "lucene":
        return None
    query: Query = (eql if rule.text.type == "eql" else kql).parse(rule.text.query)
    return strictly_external(query) if rule.is_strict else query


def _standing(rule: Rule) -> str:
    if rule.runner is None:
        return f"cannot run here: {rule.reason}"
    return f"runs degraded: {rule.reason}" if rule.reason else "runs"


def _pipeline(
    wanted: Wanted, captures: Discovery, collected: _Collected, config: Config
) -> Pipeline | DocumentsPipeline:
    if not wanted.events:
        return build_replay(captures, collected, [], config, wanted.part)
    # Nothing may be passed over: what cannot match is what the question is about.
    documents = EventFiles(dict.fromkeys(wanted.events), [NONE], config.events)
    if not captures.probes:
        return DocumentsPipeline(documents, Outlet(collected, (), flow_context(config)))
    pipeline = build_replay(captures, collected, [], config, wanted.part)
    pipeline.between = DocumentStream(documents, pipeline.outlet)
    pipeline.documents = documents
    return pipeline


def selection_of(text: str) -> Node:
    """The query for the events that a text means: an id, an address with or without a port, or
    any other query in KQL. Errors: ConfigError.
    """
    if text.startswith("1:") or (text.isalnum() and not text.isdigit()):
        names = ("network.community_id", "flow.id", "event.id")
        return any_of([FieldTest(Text(name), Text(text)) for name in names])
    address, port = _endpoint(text)
    try:
        if not address:
            return kql.parse(text)
        tests: list[Node] = []
        for side in ("source", "destination"):
            test: Node = FieldTest(Text(f"{side}.ip"), Text(address))
            if port:
                test = And((test, FieldTest(Text(f"{side}.port"), Text(port))))
            tests.append(test)
        return any_of(tests)
    except QueryError as error:
        raise ConfigError(f"--flow: {error}") from None


def _endpoint(text: str) -> tuple[str, str]:
    """The address (or network) and port that a text names; empty if it is something else."""
    if is_network(text):
        return text, ""
    address, _, port = text.rpartition(":")
    address = address.removeprefix("[").removesuffix("]")
    return (address, port) if port.isdigit() and is_network(address) else ("", "")


def _nearest(
    batches: list[RowsPart], explainer: Explainer, selection: Node | None,
    met: list[set[int]],
) -> list[_Flow]:
    """The flows that were asked for: those first with which the rule was complete, then those that
    come nearest to what it wants.
    """
    wanted = compile_query(selection, tuple(KNOWN_FIELDS)) if selection is not None else None
    flows: dict[Any, _Flow] = {}
    for index, rows in enumerate(batches):
        scores = explainer.nearness(rows).tolist()
        chosen = range(rows.count) if wanted is None else np.flatnonzero(wanted(rows)).tolist()
        ids = _flow_ids(rows)
        for row in chosen:
            flow = flows.setdefault(ids[row] or (index, row), _Flow())
            flow.nearness = max(flow.nearness, scores[row])
            flow.is_met |= row in met[index]
            flow.places.append((index, row))
    return sorted(flows.values(), key=lambda flow: (not flow.is_met, -flow.nearness))


def _met(rule: Rule, batches: list[RowsPart]) -> list[set[int]]:
    """Of each batch, the rows that complete the rule and those that exceptions take."""
    met = []
    for rows in batches:
        taken: set[int] = set()

        def unexcepted(
            selected: list[int], rows: RowsPart = rows, taken: set[int] = taken
        ) -> list[int]:
            kept = selected
            for item in rule.exceptions:
                mask = item.predicate(rows)
                kept = [row for row in kept
                        if not mask[row] or rows.known_ns(row) >= item.expires_ns]
            taken.update(set(selected) - set(kept))
            return kept

        if rule.runner is not None:
            taken.update(match.row for match in rule.runner.matches(rows, unexcepted))
        met.append(taken)
    return met


def _flow_ids(rows: Rows) -> list[str]:
    column = rows.column("flow.id")
    if not isinstance(column, CodedColumn):
        return [""] * rows.count
    names = [str(values[0]) if values else "" for values in column.table]
    return [names[code] for code in column.codes.tolist()]


class _Trial:
    """The rule runs over everything, and what becomes of some events is noted."""

    def __init__(self, rule: Rule, config: Config, explainer: Explainer) -> None:
        self.rule = rule
        self._explainer = explainer
        self.rules = RuleSet([rule], config, show_building_blocks=True)

    def fates(
        self, batches: list[RowsPart], places: set[tuple[int, int]]
    ) -> dict[tuple[int, int], str]:
        """What became of the events at some places."""
        # Where batches are cut makes no difference to rules: those events go in alone.
        fates = {}
        for index, rows in enumerate(batches):
            first = 0
            for row in sorted(row for place, row in places if place == index):
                if row > first:
                    self.rules.match(rows.part(first, row))
                fates[index, row] = self._fate(rows.part(row, row + 1))
                first = row + 1
            if first < rows.count:
                self.rules.match(rows.part(first, rows.count))
        return fates

    def _fate(self, rows: Rows) -> str:
        counters, text = self.rule.counters, self.rule.text
        if self.rule.runner is None:
            return ""
        names = ("alerts", "excepted", "limited", "suppressed")
        before = [getattr(counters, name) for name in names]
        tallies = tallies_of(self.rule)
        self.rules.match(rows)
        alerts, excepted, limited, suppressed = (
            getattr(counters, name) - earlier for name, earlier in zip(names, before, strict=True))
        if alerts:
            return ALERT
        if excepted:
            items = [item.name or item.place for item in self.rule.exceptions
                     if item.predicate(rows)[0] and rows.known_ns(0) < item.expires_ns]
            return f"no alert: excepted by {', '.join(items)}"
        if limited:
            limit = text.max_signals or "max_signals"
            return f"no alert: over the limit ({limit}); it counts in the closing alert"
        if suppressed:
            return "no alert: suppressed (alert_suppression)"
        more = (name for name in _TALLIED
                if tallies_of(self.rule).get(name, 0) > tallies.get(name, 0))
        fate = "".join(f"no alert: {_TALLIED[name]}" for name in more)
        return fate or self._counted(rows)

    def _counted(self, rows: Rows) -> str:
        """What a runner that waits for more events tells of the one that was selected."""
        runner = self.rule.runner
        if not isinstance(runner, OrderRunner | ThresholdRunner) or not self._selects(rows):
            return ""
        words = runner.standing(rows, 0)
        return f"no alert: {words}" if words else ""

    def _selects(self, rows: Rows) -> bool:
        # A step that must be missing, and until, take no event.
        trees = zip(self._explainer.titles, self._explainer.lines(rows, 0), strict=True)
        return any(lines[0].holds for title, lines in trees
                   if not title.startswith("until") and "must be missing" not in title)


def _print_flows(
    flows: list[_Flow], batches: list[RowsPart], explainer: Explainer, trial: _Trial
) -> None:
    # Those that are met may be many, of which the first need not be those that alerted.
    chosen = [flow for flow in flows[:CANDIDATES_MAX] if flow.is_met] + [
        flow for flow in flows[:FLOWS_MAX] if not flow.is_met]
    fates = trial.fates(batches, {place for flow in chosen for place in flow.places})
    chosen.sort(key=lambda flow: min(_rank(fates[place]) for place in flow.places))
    shown = chosen[:FLOWS_MAX]
    if not shown:
        click.echo("no such event")
    for flow in shown:
        for number, (index, row) in enumerate(flow.places):
            rows = batches[index]
            (document,) = rows.documents([row])
            if number == 0:
                click.echo(f"\n{harmless(_heading(document))}")
            trees = explainer.lines(rows.part(row, row + 1), 0)
            fate = fates[index, row] or _why_not(trees, trial.rule)
            click.echo(harmless(f"  {_one(document, '@timestamp')} "
                                f"{_one(document, 'event.action')}: {fate}"))
            for title, lines in zip(explainer.titles, trees, strict=True):
                for text in _lines(title, lines):
                    click.echo(harmless(text))
    if len(flows) > len(shown):
        click.echo(f"\n{len(flows) - len(shown)} more, further off: choose with --flow")


def _rank(fate: str) -> int:
    """What is told first: alerts, then what was kept from being one, then the rest."""
    held_back = ("no alert: excepted", "no alert: suppressed", "no alert: over the limit")
    return 0 if fate == ALERT else 1 if fate.startswith(held_back) else 2


def _why_not(trees: list[list[Line]], rule: Rule) -> str:
    if not any(lines[0].holds for lines in trees):
        return "no alert: the query does not select it"
    if rule.runner is None:
        return "no alert: the rule cannot run here"
    match rule.text.special:
        case NewTermsText():
            return "no alert: wanted, but nothing in it is new"
        case ThreatText():
            return "no alert: wanted, but it meets no indicator"
    return "no alert: wanted, but the rule asks for more than was there by then"


def _heading(document: dict[str, Any]) -> str:
    parts = [_one(document, "network.community_id") or _one(document, "event.id"),
             _one(document, "network.transport"),
             _endpoint_text(document, "source"), "->", _endpoint_text(document, "destination")]
    return " ".join(filter(None, parts)).removesuffix("->").strip()


def _endpoint_text(document: dict[str, Any], side: str) -> str:
    address, port = _one(document, f"{side}.ip"), _one(document, f"{side}.port")
    address = f"[{address}]" if ":" in address and port else address
    return ":".join(filter(None, (address, port)))


def _one(document: dict[str, Any], name: str) -> str:
    values = values_at(document, name)
    return str(values[0]) if values else ""


def _lines(title: str, lines: Sequence[Line]) -> Iterator[str]:
    depth = 0
    if title:
        yield f"    {_mark(lines[0].holds)} {title}"
        depth = 1
    for line in lines:
        text = f"    {_mark(line.holds)} {'  ' * (line.depth + depth)}{line.text}"
        for name, values in line.values:
            more = ", ..." if len(values) > VALUES_MAX else ""
            has = ", ".join(map(str, values[:VALUES_MAX])) + more if values else "nothing"
            text += f"  [{name}: {has}]" if len(line.values) > 1 else f"  [has {has}]"
        yield f"{text} (one of them: {line.member})" if line.member else text


def _mark(holds: bool) -> str:
    return "yes" if holds else "NO "
