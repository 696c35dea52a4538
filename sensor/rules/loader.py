"""From rule files to rules that run: each is compiled, or says why it cannot run here.

A rule that is written wrongly is an error (`RulesError`, all of them at once).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sensor.base.escape import harmless
from sensor.base.frozen import frozen
from sensor.config import Config
from sensor.errors import OperatorError, QueryError
from sensor.query import validate as check
from sensor.query.ast import Query, Sample, Sequence
from sensor.query.document_rows import ecs_type_of
from sensor.query.eql import parser as eql
from sensor.query.external_networks import external_lists, strictly_external
from sensor.query.kql import parser as kql
from sensor.query.predicate import Shared, compile_query
from sensor.rules.exceptions import ExceptionItem
from sensor.rules.field_check import (
    CannotRun,
    Resources,
    fields_of,
    suppression_fields,
)
from sensor.rules.files import (
    UNSUPPORTED_TYPES,
    RuleText,
    find_files,
    line_of,
    placed,
    read_file,
    why_no_rule,
)
from sensor.rules.runners import OrderRunner, Runner, SingleRunner

PROCESS_ID = "process.pid"
"""A field that the sensor's own events have where it learns of processes."""
CATEGORY = "event.category"
RUNS, DEGRADED, CANNOT_RUN = "runs", "degraded", "cannot_run"


class RulesError(OperatorError):
    """Everything that is wrong with the rules, in the order of the files."""

    def __init__(self, errors: list[QueryError]) -> None:
        # A condition may be met twice, plain and negated: its mistake is one all the same.
        self.errors = tuple({str(error): error for error in errors}.values())
        super().__init__("\n".join(str(error) for error in self.errors))


@dataclass(slots=True)
class Counters:
    """What became of a rule's matches: matches = alerts + excepted + suppressed + hidden."""

    matches: int = 0
    alerts: int = 0
    excepted: int = 0
    suppressed: int = 0
    """Held back by suppression or by the limit."""
    limited: int = 0
    """Those among them that the limit held back."""
    hidden: int = 0
    """Matches of a building-block rule, which nobody asked to see."""
    closings: int = 0
    """Alerts that stand for a window's suppressed ones; not among `alerts`."""
    groups_evicted: int = 0
    """Groups that suppression had to forget."""


@dataclass(slots=True)
class Rule:
    """A rule, whether it runs, and what became of its matches."""

    text: RuleText
    status: str = RUNS
    reason: str = ""
    runner: Runner | None = None
    """What runs it, with its memory; None if it cannot run."""
    external: tuple[str, ...] = ()
    """The networks that the rule's `not cidrmatch(destination.ip, ...)` excepts, as in force."""
    is_strict: bool = False
    """Whether `strict_external` extended that list."""
    exceptions: list[ExceptionItem] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)


@frozen
class Schema:
    """What the events of a run can have."""

    known_fields: Mapping[str, str]
    """The ECS types of the fields of the sensor's own events."""
    any_event: bool = False
    """Whether events of other kinds come too: then every field is possible."""
    shared: Shared = field(default_factory=Shared, compare=False)
    """What several rules ask of the same events."""

    def type_of(self, name: str) -> str | None:
        """The ECS type of a field; None if no event has it."""
        known = self.known_fields.get(name)
        return ecs_type_of(name) if known is None and self.any_event else known

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the sensor's own events."""
        return tuple(self.known_fields)

    @property
    def categories(self) -> Collection[str] | None:
        """The event categories that occur; None: any."""
        if self.any_event:
            return None
        return ("network", "process") if PROCESS_ID in self.known_fields else ("network",)


def load_rules(
    paths: Iterable[str], config: Config, schema: Schema, resources: Resources | None = None
) -> list[Rule]:
    """The rules of files and folders. Errors: RulesError tells everything at once."""
    rules, errors = read_rules(paths, config, schema, resources)
    if errors:
        raise RulesError(errors)
    return rules


def read_rules(
    paths: Iterable[str], config: Config, schema: Schema, resources: Resources | None = None
) -> tuple[list[Rule], list[QueryError]]:
    """The rules of files and folders, and everything that is wrong with them."""
    paths = list(paths)
    files, errors = find_files(paths)
    rules = []
    telling = set()
    for path in files:
        for text in read_file(path):
            telling.add(path)
            if isinstance(text, QueryError):
                errors.append(text)
                continue
            rule, wrong = _compiled(text, config, schema)
            if text.special is not None and rule.runner is not None and not wrong:
                wrong = _specialise(rule, config, schema, resources or Resources())
            if rule.runner is not None and not wrong:
                wrong = _check_suppression(rule, schema)
            rules.append(rule)
            errors += wrong
    return rules, errors + _without_rules(paths, files, telling) + _duplicates(rules)


def _without_rules(
    paths: list[str], files: list[Path], telling: set[Path]
) -> list[QueryError]:
    """Files and folders that were named for nothing: whoever names one takes it for rules.

    In a folder other files may lie beside rules.
    """
    errors = []
    for path in map(Path, dict.fromkeys(paths)):
        if path.is_dir():
            below = [file for file in files if file.is_relative_to(path)]
            if below and not telling.intersection(below):
                errors.append(QueryError(f"no rule in its files ({below[0].name}: "
                                         f"{why_no_rule(below[0])})", path=str(path)))
        elif path in files and path not in telling:
            errors.append(QueryError(why_no_rule(path), path=str(path)))
    return errors


def _compiled(
    text: RuleText, config: Config, schema: Schema
) -> tuple[Rule, list[QueryError]]:
    """The rule, ready to run if it can; and what is wrong with its query."""
    rule = Rule(text)
    if reason := _why_refused(text):
        return _refused(rule, reason), []
    try:
        query: Query = (eql if text.type == "eql" else kql).parse(text.query)
    except QueryError as error:
        return rule, [_placed(error, text)]
    findings = check.check(query, text.query, schema.type_of, schema.fields, schema.categories)
    if findings.errors:
        return rule, [_placed(error, text) for error in findings.errors]
    absent = ", ".join(findings.absent)
    if not findings.possible:
        if text.network_leg:
            return _refused(rule, f"runs on network evidence only: {text.network_leg} covers its "
                                  "network leg"), []
        return _refused(rule, f"not on a tap: {absent}: the condition can never hold"), []
    remarks = [f"not on a tap: {absent}"] if absent else []
    remarks += findings.doubtful
    if remarks:
        rule.status, rule.reason = DEGRADED, "; ".join(remarks)
    lists = external_lists(query)
    if config.strict_external and lists:
        query, rule.is_strict = strictly_external(query), True
        lists = external_lists(query)
    rule.external = tuple(dict.fromkeys(cidr for cidrs in lists for cidr in cidrs))
    rule.runner = _runner(query, text, config, schema)
    return rule, []


def _specialise(
    rule: Rule, config: Config, schema: Schema, resources: Resources
) -> list[QueryError]:
    """Give a rule that does more with its events than alert on each the runner for that."""
    text = rule.text
    assert text.special is not None and isinstance(rule.runner, SingleRunner)
    from sensor.rules.runner_factory import build  # noqa: PLC0415  few rules need what it imports

    fields = fields_of(text.special, schema.type_of)
    if fields.unknown:
        return [QueryError(f"unknown field '{name}'", path=text.path, line=line_of(text, name))
                for name in fields.unknown]
    try:
        if fields.is_hopeless:
            raise CannotRun(f"not on a tap: {', '.join(fields.absent)}")
        rule.runner, remark = build(text, rule.runner.predicate, config.rule, resources)
    except CannotRun as reason:
        rule.runner = None
        _refused(rule, str(reason))
    except QueryError as error:
        return [error]
    else:
        remarks = [rule.reason, remark]
        if fields.absent:
            remarks.append(f"not on a tap: {', '.join(fields.absent)}")
        if schema.any_event:
            remarks += (doubt for name in fields.names
                        if (doubt := check.doubt(name, schema.fields)) not in remarks)
        rule.reason = "; ".join(filter(None, remarks))
        rule.status = DEGRADED if rule.reason else rule.status
    return []


def _check_suppression(rule: Rule, schema: Schema) -> list[QueryError]:
    """Hold what alerts are grouped by against the fields that there are."""
    text = rule.text
    unknown, absent = suppression_fields(text, schema.type_of)
    remarks = [f"alert_suppression: not on a tap: {', '.join(absent)}"] if absent else []
    if schema.any_event and text.suppression is not None:
        remarks += filter(None, (check.doubt(name, schema.fields)
                                 for name in text.suppression.group_by))
    if remarks:
        rule.status = DEGRADED
        rule.reason = "; ".join(filter(None, [rule.reason, *remarks]))
    return [QueryError(f"alert_suppression: unknown field '{name}'", path=text.path,
                       line=line_of(text, name)) for name in unknown]


def _runner(query: Query, text: RuleText, config: Config, schema: Schema) -> Runner:
    if isinstance(query, Sequence):
        from sensor.query.stateful.sequence import Tracker  # noqa: PLC0415  as in _specialise

        return OrderRunner(
            Tracker(query, text.lookback_ns, config.rule, schema.fields))
    if isinstance(query, Sample):
        from sensor.query.stateful.sample import Sampler  # noqa: PLC0415  as in _specialise

        return OrderRunner(
            Sampler(query, text.lookback_ns, config.rule, schema.fields))
    return SingleRunner(compile_query(query, schema.fields, schema.shared))


def _why_refused(text: RuleText) -> str:
    """Why a rule cannot run here, whatever its query says; empty if it may."""
    if text.type in UNSUPPORTED_TYPES:
        return f"type {text.type}: {UNSUPPORTED_TYPES[text.type]}"
    if text.language == "lucene":
        return "language lucene: only kuery and eql are evaluated"
    if text.disabled:
        return "disabled in its export"
    if text.has_filters:
        return "its filters ([[rule.filters]]) are not evaluated"
    if text.type == "eql" and text.category_field not in ("", CATEGORY):
        return f"its event_category_override ({text.category_field}) is not evaluated"
    return ""


def _refused(rule: Rule, reason: str) -> Rule:
    rule.status, rule.reason = CANNOT_RUN, reason
    return rule


def _placed(error: QueryError, text: RuleText) -> QueryError:
    return placed(error, text, Path(text.path).read_text("utf-8", "replace"))


def _duplicates(rules: list[Rule]) -> list[QueryError]:
    first: dict[str, RuleText] = {}
    errors = []
    for rule in rules:
        known = first.setdefault(rule.text.id, rule.text)
        if known is not rule.text and rule.text.id:
            place = f"{known.path}:{line_of(known, known.id)}".removesuffix(":0")
            errors.append(QueryError(
                f"rule id {rule.text.id} is already used by {harmless(place)}",
                path=rule.text.path, line=line_of(rule.text, rule.text.id),
            ))
    return errors


def names_of(rule: Rule) -> set[str]:
    """What a rule may be called by: its id, its name, the stem of its file."""
    return {rule.text.id, rule.text.name, Path(rule.text.path).stem}
