"""`sensor rules explain`: why a rule did or did not fire.

The events are collected first; then those of the chosen flows are held against the rule part by
part, and the rule itself runs over all of them, to see what became of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import click
import numpy as np

from sensor.app.build import build_replay, event_files, load_rules, run_whole
from sensor.app.options import ReplayOptions
from sensor.app.outputs import RunOutputs
from sensor.base.escape import harmless
from sensor.capture.files.discover import Discovery, discover
from sensor.cli.options import NO_PATH, options_of, packet_selection, rule_options
from sensor.cli.output import DAMAGED, DONE
from sensor.config import Config
from sensor.ecs.alert_text import endpoints
from sensor.ecs.flow_batch import FlowBatch
from sensor.ecs.schema import known_fields
from sensor.errors import ConfigError, QueryError
from sensor.model.alert import Alert
from sensor.model.columns import CodedColumn, Rows
from sensor.model.merged_rows import RowsPart, stretches
from sensor.query import ecs_names
from sensor.query import validate as check
from sensor.query.ast import And, FieldTest, Node, Query, Text, any_of
from sensor.query.document_rows import values_at
from sensor.query.explain import Explainer, Line
from sensor.query.kql import parser as kql
from sensor.query.predicate import compile_query
from sensor.query.satisfiable import Evidence
from sensor.query.values import is_network
from sensor.rules.protocol_needs import needed_protocols
from sensor.rules.rule import Rule
from sensor.rules.ruleset import RuleSet
from sensor.rules.running_rule import RunningRule
from sensor.rules.types import NewTermsText, ThreatText
from sensor.terminal.stderr import print_stderr

FLOWS_MAX = 20
"""Flows that are shown."""
CANDIDATES_MAX = 500
"""Flows of which it is found out what became of each event, to choose the shown ones."""
ALERT = "ALERT"
_RUNNER_FATES = {
    "learned": "it is learned: nothing is new yet (rule.new_terms_learning_s)",
    "absorbed": "it belongs to the alert before",
}
VALUES_MAX = 8
"""Values of one field that are shown."""


@dataclass
class _Collected:
    """Stands where rules are and keeps everything that they are given."""

    batches: list[RowsPart] = field(default_factory=list)

    def match(self, rows: Any) -> list[Alert]:
        """Keep a batch."""
        for part in stretches(rows):
            self.batches.append(
                FlowBatch(part.records.copy(), part.context) if isinstance(part, FlowBatch)
                else part)
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
    """True if the rule was complete with one of its events, or an exception took one."""
    places: list[tuple[int, int]] = field(default_factory=list)
    """Batch and row of each event."""


@click.command("explain")
@click.argument("name", metavar="ID")
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--flow", metavar="TEXT", default="",
              help="Which: a community id, flow id, address, address:port, or a KQL query. "
                   "[default: the 20 flows that come nearest]")
@click.option("--events", metavar="FILE", multiple=True, help="As in replay.")
@click.option("--rules", metavar="PATH", multiple=True, help="Instead of the shipped.")
@click.option("--exceptions", metavar="FILE", multiple=True, help="As in replay.")
@click.option("--allow", metavar="FILE", multiple=True, help="As in replay.")
@click.option("--indicators", metavar="FILE", multiple=True, help="As in replay.")
@rule_options
@click.pass_context
def explain_rule(context: click.Context, /, name: str, flow: str, **given: Any) -> int:
    """Why a rule did or did not fire: its query, part by part, against the events of flows.

    ID is the rule's id, name or file name. Each event of a flow is shown by itself, with what
    became of it: a rule may want only one of them.

    \b
      sensor rules explain accepted_default_telnet_port_connection captures/demo.pcap
      sensor rules explain my_rule --rules mine/ --flow 192.0.2.7:443 today.pcapng
    """
    options = options_of(ReplayOptions, context, given)
    if not options.paths and not options.events:
        raise click.UsageError(NO_PATH, context)
    return print_explanation(name, options, flow)


def print_explanation(name: str, options: ReplayOptions, flow: str) -> int:
    """Print what a rule makes of the flows of captures that `flow` names; the exit code.

    Errors: OperatorError if there is no such rule.
    """
    config = options.config
    captures = discover(options.paths)
    ruleset = _rules_of(options, captures)
    rule = ruleset.find(name)
    if rule.query is None:  # in a language of its own, or none
        click.echo(harmless(f"{rule.text.name}: {_standing(rule)}"))
        return DONE
    selection = selection_of(flow) if flow else None
    if selection is not None:
        _check_selection(selection, flow, options)
    explainer = Explainer(rule.query, tuple(known_fields()))
    collected = _Collected()
    # Nothing may be passed over: documents that cannot match are what the question is about.
    pipeline = build_replay(
        captures, collected, RunOutputs(()), config, packet_selection(options),
        event_files(options.events, config, None), protocols=needed_protocols([rule]),
    )  # fmt: skip
    run_whole(pipeline)
    batches = collected.batches
    flows = _nearest(batches, explainer, selection, _met(ruleset.running_rule(rule), batches))
    click.echo(harmless(f"{rule.text.name}: {_standing(rule)}"))
    again = _rules_of(options, captures).find(name)  # without what the first has learned
    _print_flows(flows, batches, explainer, _Trial(again, config, explainer))
    damaged = [str(entry.error) for entry in pipeline.inputs if entry.error]
    for error in damaged:
        print_stderr(f"sensor: {error}")
    return DAMAGED if damaged else DONE


def _rules_of(options: ReplayOptions, captures: Discovery) -> RuleSet:
    return load_rules(
        options.rules, options.exceptions, options.config, allow=options.allow,
        any_event=bool(options.events), processes=captures.has_process_info,
        indicators=options.indicators,
        strict=options.strict_rules,
    )  # fmt: skip


def _check_selection(selection: Query, text: str, options: ReplayOptions) -> None:
    """Errors: ConfigError for a field that no event has."""
    known = known_fields(processes=True)
    found = check.check(selection, text, Evidence(
        lambda name: known.get(name, "keyword")
        if options.events or ecs_names.exists(name) else known.get(name), tuple(known), None))
    if wrong := [*map(str, found.errors), *found.doubtful]:
        raise ConfigError(f"--flow: {wrong[0]}")


def _standing(rule: Rule) -> str:
    if rule.runner is None:
        return f"cannot run here: {rule.reason}"
    return f"runs degraded: {rule.reason}" if rule.reason else "runs"


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
    batches: list[RowsPart], explainer: Explainer, selection: Node | None, met: list[set[int]]
) -> list[_Flow]:
    """The flows that were asked for: those first with which the rule was complete, then those that
    come nearest to what it wants.
    """
    wanted = compile_query(selection, tuple(known_fields())) if selection is not None else None
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


def _met(running: RunningRule | None, batches: list[RowsPart]) -> list[set[int]]:
    """Of each batch, the rows that complete the rule and those that exceptions take."""
    met = []
    for rows in batches:
        taken: set[int] = set()

        def unexcepted(
            selected: list[int], rows: RowsPart = rows, taken: set[int] = taken
        ) -> list[int]:
            kept = running.unexcepted(rows, selected, {}) if running else selected
            taken.update(set(selected) - set(kept))
            return kept

        if running is not None:
            taken.update(match.row for match in running.runner.matches(rows, unexcepted))
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
        self._running = self.rules.running_rule(rule)

    def fates(
        self, batches: list[RowsPart], places: set[tuple[int, int]]
    ) -> dict[tuple[int, int], str]:
        """The fates of the events at some places."""
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
        running = self._running
        if running is None:
            return ""
        before, runner_before = replace(running.counters), running.runner_counts()
        self.rules.match(rows)
        counters, runner_counts = running.counters, running.runner_counts()
        if counters.alerts > before.alerts:
            return ALERT
        if counters.excepted > before.excepted:
            items = [item.name_of(rows, 0) for item in self.rule.exceptions if item.mask(rows)[0]]
            return f"no alert: excepted by {', '.join(items)}"
        if counters.limited > before.limited:
            limit = self.rule.text.max_signals or "max_signals"
            return f"no alert: over the limit ({limit}); it counts in the closing alert"
        if counters.suppressed > before.suppressed:
            return "no alert: suppressed (alert_suppression)"
        more = (name for name in _RUNNER_FATES
                if runner_counts.get(name, 0) > runner_before.get(name, 0))
        fate = "".join(f"no alert: {_RUNNER_FATES[name]}" for name in more)
        return fate or self._standing(running, rows)

    def _standing(self, running: RunningRule, rows: Rows) -> str:
        """The fate of an event that was selected, of a runner that waits for more."""
        words = running.runner.standing(rows, 0) if self._selects(rows) else ""
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
    """The order of flows: alerts, then what was kept from being one, then the rest."""
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
    name = _one(document, "network.community_id") or _one(document, "event.id")
    words = (name, _one(document, "network.transport"), endpoints(document))
    return " ".join(filter(None, words))


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
