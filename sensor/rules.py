"""Rules: load them, say which can run, match batches of events, make alerts.

A rule that is written wrongly is an error (`RulesError`, all of them at once). A rule that is
right but that this sensor cannot run (a type that is not evaluated, a sequence, fields or events
that a tap never sees) stays in the set with the reason, and the set says so once (`notices`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sensor.alerts import Alert
from sensor.columns import Mask, Rows
from sensor.config import Config
from sensor.errors import OperatorError, QueryError
from sensor.escape import harmless
from sensor.exceptions_file import ExceptionItem, read_exceptions
from sensor.query import check, eql, kql
from sensor.query.ast import Query, Sample, Sequence
from sensor.query.external import external_lists, strictly_external
from sensor.query.masks import Predicate
from sensor.query.predicate import compile_query
from sensor.query.rows import values_at
from sensor.rule_alerts import AlertMaker
from sensor.rule_files import UNSUPPORTED_TYPES, RuleText, find_files, placed, read_file
from sensor.rule_limits import RateLimit, Suppressor

DOCUMENTS_AT_ONCE = 256
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
    hidden: int = 0
    """Matches of a building-block rule, which nobody asked to see."""
    closings: int = 0
    """Alerts that stand for a window's suppressed ones; not among `alerts`."""


@dataclass(slots=True)
class Rule:
    """A rule, whether it runs, and what became of its matches."""

    text: RuleText
    status: str = RUNS
    reason: str = ""
    predicate: Predicate | None = None
    external: tuple[str, ...] = ()
    """The networks that the rule's `not cidrmatch(destination.ip, ...)` excepts, as in force."""
    is_strict: bool = False
    """Whether `strict_external` extended that list."""
    exceptions: list[ExceptionItem] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)


class RuleSet:
    """The rules of one run, with their state."""

    def __init__(
        self, rules: list[Rule], config: Config, *, show_building_blocks: bool = False
    ) -> None:
        self.rules = rules
        self.show_building_blocks = show_building_blocks
        self.notices: list[str] = [_notice(rule) for rule in rules if rule.status != RUNS]
        self._running = [_Running(rule, config) for rule in rules if rule.predicate is not None]
        self._earlier: dict[str, dict[str, Any]] = {}
        """What rules counted that are not in this set any more, or were changed."""

    @classmethod
    def load(
        cls,
        paths: Iterable[str],
        *,
        exceptions: Iterable[str] = (),
        config: Config,
        known_fields: Mapping[str, str],
        show_building_blocks: bool = False,
    ) -> RuleSet:
        """The rules of files and folders, with the exceptions from files.

        `known_fields` gives the ECS type of each field that the sensor's events can have.
        Errors: RulesError, or ConfigError for the exceptions; each tells everything at once.
        """
        loaded, errors = _load(paths, config, known_fields)
        errors += _duplicates(loaded)
        if errors:
            raise RulesError(errors)
        items = read_exceptions(exceptions, known_fields.get)
        ruleset = cls(loaded, config, show_building_blocks=show_building_blocks)
        ruleset.notices += _assign(items, loaded)
        return ruleset

    def match(self, rows: Rows) -> list[Alert]:
        """The alerts for a batch, in the order of its rows, then of the rules."""
        found: list[tuple[int, int]] = []
        masks: dict[int, Mask] = {}
        for index, running in enumerate(self._running):
            selected = np.flatnonzero(running.predicate(rows)).tolist()
            if selected:
                running.counters.matches += len(selected)
                found += [(row, index) for row in running.unexcepted(rows, selected, masks)]
        found.sort()
        alerts: list[Alert] = []
        for row, index, document in _with_documents(rows, found):
            known_ns = rows.known_ns(row)
            alerts += self._close(known_ns)
            running = self._running[index]
            if running.rule.text.building_block and not self.show_building_blocks:
                running.counters.hidden += 1
            elif (alert := running.alert(document, known_ns)) is not None:
                alerts.append(alert)
        if rows.count:
            alerts += self._close(rows.known_ns(rows.count - 1))
        return alerts

    def finish(self) -> list[Alert]:
        """The closing alerts of the windows that are still open."""
        return self._close(None)

    def inherit(self, before: RuleSet) -> list[Alert]:
        """Go on where another set stood: a rule that is the same keeps its counts and its memory.

        Returns the closing alerts of the rules that are not the same any more. What those counted
        stays in the ledger.
        """
        known = {running.rule.text.id: running for running in before._running}
        for running in self._running:
            old = known.get(running.rule.text.id)
            if old is not None and old.rule.text == running.rule.text:
                running.take_over(old)
                del known[old.rule.text.id]
        before._running = list(known.values())
        closing = before.finish()
        self._earlier = before._earlier
        for old in known.values():
            self._earlier = _added(self._earlier, {old.rule.text.id: _counts(old.rule)})
        return closing

    def _close(self, now_ns: int | None) -> list[Alert]:
        ended = [(overflow.end_ns, index, overflow) for index, running in enumerate(self._running)
                 if (overflow := running.limit.close(now_ns)) is not None]
        alerts = []
        for _, index, overflow in sorted(ended, key=lambda item: item[:2]):
            running = self._running[index]
            running.counters.closings += 1
            alerts.append(running.maker.closing(overflow, running.limit.alerts_max))
        return alerts

    def ledger(self) -> dict[str, dict[str, Any]]:
        """The rules' part of the ledger: `alerts` counts every alert that left, closings too."""
        return _added({rule.text.id: _counts(rule) for rule in self.rules}, self._earlier)

    def describe(self) -> list[dict[str, Any]]:
        """One row of plain data per rule, for a table."""
        return [
            {"id": rule.text.id, "name": rule.text.name, "type": rule.text.type,
             "severity": rule.text.severity, "status": rule.status, "reason": rule.reason,
             "file": rule.text.path}
            for rule in self.rules
        ]

    def find(self, name: str) -> Rule | None:
        """The rule with an id, a name or a file stem."""
        return next((rule for rule in self.rules if name in _names(rule)), None)


def _counts(rule: Rule) -> dict[str, Any]:
    """One rule's line in the ledger."""
    counters = rule.counters
    return {
        "name": rule.text.name, "matches": counters.matches,
        "alerts": counters.alerts + counters.closings,
        "excepted": counters.excepted, "suppressed": counters.suppressed,
    }  # fmt: skip


def _added(
    rows: dict[str, dict[str, Any]], more: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Both together: the numbers of a rule that is in both are added up."""
    result = {**rows}
    for name, row in more.items():
        known = result.get(name)
        result[name] = row if known is None else {
            key: value if key == "name" else value + row[key] for key, value in known.items()}
    return result


class _Running:
    """A rule that runs, and what it remembers."""

    def __init__(self, rule: Rule, config: Config) -> None:
        assert rule.predicate is not None
        text, limits = rule.text, config.rule
        self.rule = rule
        self.counters = rule.counters
        self.predicate = rule.predicate
        self.maker = AlertMaker(text)
        self.limit = RateLimit(text.max_signals or limits.max_signals, limits.signal_window_ns)
        self._suppressor = None
        if text.suppression is not None:
            duration_ns = text.suppression.duration_ns or limits.signal_window_ns
            self._suppressor = Suppressor(duration_ns, limits.suppression_keys_max)

    def take_over(self, old: _Running) -> None:
        """Carry on with the counts, the window and the suppressions of the same rule."""
        self.limit, self._suppressor = old.limit, old._suppressor
        self.counters = self.rule.counters = old.counters

    def unexcepted(self, rows: Rows, selected: list[int], masks: dict[int, Mask]) -> list[int]:
        """The selected rows that no exception covers; masks of items are shared by the rules."""
        for item in self.rule.exceptions:
            if id(item) not in masks:
                masks[id(item)] = item.predicate(rows)
            mask = masks[id(item)]
            kept = [row for row in selected
                    if not mask[row] or rows.known_ns(row) >= item.expires_ns]
            self.counters.excepted += len(selected) - len(kept)
            selected = kept
        return selected

    def alert(self, document: dict[str, Any], known_ns: int) -> Alert | None:
        """The alert for a match, unless it is suppressed or over the limit."""
        suppressed: int | None = 0
        group = None
        if self._suppressor is not None:
            group = self._group(document)
            if group is not None:
                suppressed = self._suppressor.admit(group, known_ns)
        if suppressed is None or not self.limit.admit(known_ns):
            if suppressed is not None and group is not None and self._suppressor is not None:
                self._suppressor.retract(group, suppressed)
            self.counters.suppressed += 1
            return None
        self.counters.alerts += 1
        return self.maker.alert(document, known_ns, suppressed)

    def _group(self, document: dict[str, Any]) -> tuple[tuple[str, ...], ...] | None:
        """What suppression groups an event by; None if it stands for itself."""
        suppression = self.rule.text.suppression
        assert suppression is not None
        group = tuple(
            tuple(sorted(repr(value) for value in values_at(document, name)))
            for name in suppression.group_by
        )
        return None if suppression.missing_alerts and not all(group) else group


def _with_documents(
    rows: Rows, found: list[tuple[int, int]]
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """The matches with their documents, made many at a time: each making has its fixed cost."""
    for first in range(0, len(found), DOCUMENTS_AT_ONCE):
        part = found[first : first + DOCUMENTS_AT_ONCE]
        documents = rows.documents([row for row, _ in part])
        for (row, index), document in zip(part, documents, strict=True):
            yield row, index, document


# --- loading


def _load(
    paths: Iterable[str], config: Config, known_fields: Mapping[str, str]
) -> tuple[list[Rule], list[QueryError]]:
    files, errors = find_files(paths)
    rules = []
    for path in files:
        for text in read_file(path):
            if isinstance(text, QueryError):
                errors.append(text)
                continue
            rule, wrong = _compiled(text, config, known_fields)
            rules.append(rule)
            errors += wrong
    return rules, errors


def _compiled(
    text: RuleText, config: Config, known_fields: Mapping[str, str]
) -> tuple[Rule, list[QueryError]]:
    """The rule, ready to run if it can; and what is wrong with its query."""
    rule = Rule(text)
    if reason := _why_refused(text):
        return _refused(rule, reason), []
    try:
        query: Query = (eql if text.type == "eql" else kql).parse(text.query)
    except QueryError as error:
        return rule, [_placed(error, text)]
    findings = check.check(query, text.query, known_fields.get, known_fields.keys())
    if isinstance(query, Sequence | Sample):
        # A field that does not exist is a mistake here too; the rest cannot be judged yet.
        return (_refused(rule, _sequence_reason(text, findings.absent)),
                [_placed(error, text) for error in findings.errors])
    if findings.errors:
        return rule, [_placed(error, text) for error in findings.errors]
    absent = ", ".join(findings.absent)
    if not findings.possible:
        return _refused(rule, f"not on a tap: {absent}: the condition can never hold"), []
    if findings.absent:
        rule.status, rule.reason = DEGRADED, f"not on a tap: {absent}"
    lists = external_lists(query)
    if config.strict_external and lists:
        query, rule.is_strict = strictly_external(query), True
        lists = external_lists(query)
    rule.external = tuple(dict.fromkeys(cidr for cidrs in lists for cidr in cidrs))
    rule.predicate = compile_query(query, tuple(known_fields))
    return rule, []


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
    return ""


def _refused(rule: Rule, reason: str) -> Rule:
    rule.status, rule.reason = CANNOT_RUN, reason
    return rule


def _sequence_reason(text: RuleText, absent: tuple[str, ...]) -> str:
    if text.network_leg:
        return f"runs on network evidence only: {text.network_leg} covers its network leg"
    if absent:
        return f"not on a tap: {', '.join(absent)}"
    return "sequences are not evaluated yet"


def _placed(error: QueryError, text: RuleText) -> QueryError:
    return placed(error, text, Path(text.path).read_text("utf-8", "replace"))


def _duplicates(rules: list[Rule]) -> list[QueryError]:
    first: dict[str, RuleText] = {}
    errors = []
    for rule in rules:
        known = first.setdefault(rule.text.id, rule.text)
        if known is not rule.text and rule.text.id:
            errors.append(QueryError(
                f"rule id {rule.text.id} is already used by {harmless(known.path)}",
                path=rule.text.path,
            ))
    return errors


def _notice(rule: Rule) -> str:
    verb = "cannot run here" if rule.status == CANNOT_RUN else "runs degraded"
    return f"rule '{rule.text.name}' {verb}: {rule.reason}"


def _names(rule: Rule) -> set[str]:
    return {rule.text.id, rule.text.name, Path(rule.text.path).stem}


def _assign(items: list[ExceptionItem], rules: list[Rule]) -> list[str]:
    """Give each rule its exceptions; the notices about names that no rule has."""
    notices = []
    linked = {list_id for rule in rules for list_id in rule.text.exception_lists}
    for item in items:
        for rule in rules:
            if item.rules:
                applies = bool(_names(rule) & set(item.rules))
            else:
                # A list that rules name is theirs; one that none names is for all.
                applies = item.list_id not in linked or item.list_id in rule.text.exception_lists
            if applies:
                rule.exceptions.append(item)
        all_names = set().union(*(_names(rule) for rule in rules)) if rules else set()
        notices += [f"{item.place}: no rule is called '{name}'"
                    for name in item.rules if name not in all_names]
    return notices


# --- for people


def format_rule(rule: Rule) -> dict[str, Any]:
    """Everything that `rules show` tells of a rule, as plain data in the order to print it."""
    text = rule.text
    return {
        "name": text.name, "id": text.id, "version": text.version, "file": text.path,
        "status": rule.status, "reason": rule.reason, "severity": text.severity,
        "risk_score": text.risk_score, "type": text.type, "language": text.language,
        "query": text.query.strip(), "description": text.description,
        "tags": list(text.tags), "references": list(text.references),
        "threat": [_threat_line(entry) for entry in text.threat],
        "external_list": _external(rule), "note": text.note,
        "false_positives": list(text.false_positives),
        "exceptions": [f"{item.name}: {item.comment}" for item in rule.exceptions],
    }


def _external(rule: Rule) -> dict[str, Any] | None:
    """Which list of networks counts as not external, and why."""
    if not rule.external:
        return None
    setting = "strict_external" if rule.is_strict else "literal"
    return {"in_force": setting, "networks": list(rule.external)}


def _threat_line(entry: dict[str, Any]) -> str:
    """`Lateral Movement (TA0008): Remote Services (T1021)`."""
    tactic = entry.get("tactic")
    line = f"{tactic.get('name')} ({tactic.get('id')})" if isinstance(tactic, dict) else "?"
    techniques = [f"{technique.get('name')} ({technique.get('id')})"
                  for technique in entry.get("technique", []) if isinstance(technique, dict)]
    return f"{line}: {', '.join(techniques)}" if techniques else line


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One line of `rules check`; status is `error` for what `load` would refuse."""

    file: str
    name: str
    status: str
    reason: str


def check_paths(
    paths: Iterable[str], *, config: Config, known_fields: Mapping[str, str]
) -> list[CheckRow]:
    """What is in rule files: each rule with its status, and each error."""
    rules, errors = _load(paths, config, known_fields)
    errors += _duplicates(rules)
    wrong = {error.path for error in errors}
    rows = [CheckRow(rule.text.path, rule.text.name, rule.status, rule.reason)
            for rule in rules if rule.text.path not in wrong]
    rows += [CheckRow(error.path, "", "error", text)
             for text, error in {str(error): error for error in errors}.items()]
    return sorted(rows, key=lambda row: row.file)
