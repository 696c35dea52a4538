"""Rules at work: match batches of events, make alerts, keep the books.

A rule that is right but that this sensor cannot run (a type that is not evaluated, fields or events
that a tap never sees) stays in the set with the reason, and the set says so once (`notices`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sensor.base.escape import harmless
from sensor.base.frozen import frozen
from sensor.config import Config
from sensor.errors import ConfigError
from sensor.model.alert import Alert
from sensor.model.columns import Mask, Rows
from sensor.query.document_rows import merge, values_at
from sensor.rules.alert_builder import AlertMaker, document_of
from sensor.rules.exceptions import ExceptionItem, read_exceptions
from sensor.rules.field_check import Resources
from sensor.rules.files import Suppression
from sensor.rules.kibana_json import is_json
from sensor.rules.loader import (
    CANNOT_RUN,
    RUNS,
    Rule,
    RulesError,
    Schema,
    load_rules,
    names_of,
    read_rules,
)
from sensor.rules.runners import Match, SingleRunner
from sensor.rules.suppression import RateLimit, Suppressor
from sensor.rules.types import described, duration_text

__all__ = ["CheckRow", "Rule", "RuleSet", "RulesError", "check_paths", "format_rule"]

DOCUMENTS_AT_ONCE = 256
TALLIES = ("evicted", "absorbed", "learned")
"""What runners count beside matches; in the ledger where it is not zero."""


class RuleSet:
    """The rules of one run, with their state."""

    def __init__(
        self, rules: list[Rule], config: Config, *, show_building_blocks: bool = False
    ) -> None:
        self.rules = rules
        self.show_building_blocks = show_building_blocks
        self.notices: list[str] = [_notice(rule) for rule in rules if rule.status != RUNS]
        self._running = [_Running(rule, config) for rule in rules if rule.runner is not None]
        self._due_ns: int | None = None
        """When the first window ends that held something back; None if none did."""
        self._earlier: dict[str, dict[str, Any]] = {}
        """What rules counted that are not in this set any more, or were changed."""

    @classmethod
    def load(  # noqa: PLR0913  most are left out
        cls,
        paths: Iterable[str],
        *,
        exceptions: Iterable[str] = (),
        config: Config,
        known_fields: Mapping[str, str],
        any_event: bool = False,
        show_building_blocks: bool = False,
        resources: Resources | None = None,
    ) -> RuleSet:
        """The rules of files and folders, with the exceptions from files.

        `known_fields` gives the ECS type of each field that the sensor's events can have;
        `any_event` says that other events come too, which can have any field.
        Errors: RulesError, or ConfigError for the exceptions; each tells everything at once.
        """
        schema = Schema(known_fields, any_event)
        loaded = load_rules(paths, config, schema, resources)
        items = read_exceptions(exceptions, schema.type_of)
        ruleset = cls(loaded, config, show_building_blocks=show_building_blocks)
        ruleset.notices += _assign(items, loaded)
        running = [rule.text for rule in loaded if rule.runner is not None]
        if any(text.special is not None for text in running):
            from sensor.rules.runner_factory import learning_notices  # noqa: PLC0415  as there

            ruleset.notices += learning_notices(
                running, config.rule, resources.store if resources else None)
        return ruleset

    def match(self, rows: Rows) -> list[Alert]:
        """The alerts for a batch, in the order of its rows, then of the rules."""
        found: list[Found] = []
        masks: dict[int, Mask] = {}
        for index, running in enumerate(self._running):
            found += [(match, index) for match in running.matches(rows, masks)]
        self._note_due()
        alerts = self._alerts(self._with_documents(rows, sorted(found, key=_order)))
        if rows.count:
            alerts += self._close(rows.known_ns(rows.count - 1))
        return alerts

    def advance(self, now_ns: int) -> list[Alert]:
        """The alerts that the time alone brings: no further event is known before `now_ns`."""
        found: list[Found] = []
        for index, running in enumerate(self._running):
            found += [(match, index) for match in running.advance(now_ns)]
        alerts = self._alerts((match, index, None) for match, index in sorted(found, key=_order))
        return alerts + self._close(now_ns)

    def _alerts(
        self, found: Iterable[tuple[Match, int, dict[str, Any] | None]]
    ) -> list[Alert]:
        alerts: list[Alert] = []
        for match, index, document in found:
            alerts += self._close(match.known_ns)
            running = self._running[index]
            if running.rule.text.building_block and not self.show_building_blocks:
                running.counters.hidden += 1
                continue
            if (alert := running.alert(match, document)) is not None:
                alerts.append(alert)
            elif (due_ns := running.limit.due_ns) is not None:
                self._due_ns = due_ns if self._due_ns is None else min(due_ns, self._due_ns)
        return alerts

    def _with_documents(
        self, rows: Rows, found: list[Found]
    ) -> Iterator[tuple[Match, int, dict[str, Any] | None]]:
        """The matches with the documents of single rows, which are made many at a time: each making
        has its fixed cost. Those of several events are left until it is known that they are needed;
        what the limit will hold back needs none.
        """
        for first in range(0, len(found), DOCUMENTS_AT_ONCE):
            part = [(match, index, match.events is None and self._running[index].looks_at(match))
                    for match, index in found[first : first + DOCUMENTS_AT_ONCE]]
            documents = iter(rows.documents([match.row for match, _, needed in part if needed]))
            for match, index, needed in part:
                document = next(documents) if needed else None
                if document is not None and match.fields:
                    merge(document, match.fields)
                yield match, index, document

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
        self._note_due()
        before._running = list(known.values())
        before._note_due()
        closing = before.finish()
        self._earlier = before._earlier
        for old in known.values():
            self._earlier = _added(self._earlier, {old.rule.text.id: _counts(old.rule)})
        return closing

    def _close(self, now_ns: int | None) -> list[Alert]:
        if self._due_ns is None or (now_ns is not None and now_ns < self._due_ns):
            return []
        ended = [(overflow.end_ns, index, overflow) for index, running in enumerate(self._running)
                 if (overflow := running.limit.close(now_ns)) is not None]
        alerts = []
        for _, index, overflow in sorted(ended, key=lambda item: item[:2]):
            running = self._running[index]
            running.counters.closings += 1
            alerts.append(running.maker.closing(overflow, running.limit.alerts_max))
        self._note_due()
        return alerts

    def _note_due(self) -> None:
        due = [running.limit.due_ns for running in self._running]
        self._due_ns = min((each for each in due if each is not None), default=None)

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

    def find(self, name: str) -> Rule:
        """The rule with an id, a name (whatever its capitals) or a file stem.

        Errors: ConfigError if there is none, or several.
        """
        wanted = name.casefold()
        found = [rule for rule in self.rules if rule.text.id == name] or [
            rule for rule in self.rules if wanted in map(str.casefold, names_of(rule))]
        if len(found) == 1:
            return found[0]
        reason = f"several rules are {name!r}" if found else f"no rule {name!r}"
        raise ConfigError(f"{reason}; there are: "
                          + ", ".join(sorted(map(_short_name, found or self.rules))))


def tallies_of(rule: Rule) -> dict[str, int]:
    """What is counted of a rule beside its matches and alerts, where it is not zero."""
    counts = {name: getattr(rule.runner, name, 0) for name in TALLIES}
    counts["evicted"] += rule.counters.groups_evicted
    return {name: count for name, count in counts.items() if count}


def _counts(rule: Rule) -> dict[str, Any]:
    """One rule's line in the ledger."""
    counters = rule.counters
    return {
        "name": rule.text.name, "matches": counters.matches,
        "alerts": counters.alerts + counters.closings,
        "excepted": counters.excepted, "suppressed": counters.suppressed,
        **tallies_of(rule),
    }


def _added(
    rows: dict[str, dict[str, Any]], more: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Both together: the numbers of a rule that is in both are added up."""
    result = {**rows}
    for name, row in more.items():
        known = result.get(name)
        result[name] = row if known is None else {**row, **{
            key: value if key == "name" else value + row.get(key, 0)
            for key, value in known.items()}}
    return result


class _Running:
    """A rule that runs, and what it remembers."""

    def __init__(self, rule: Rule, config: Config) -> None:
        assert rule.runner is not None
        text, limits = rule.text, config.rule
        self.rule = rule
        self.counters = rule.counters
        self.runner = rule.runner
        self.maker = AlertMaker(text)
        self.limit = RateLimit(text.max_signals or limits.max_signals, limits.signal_window_ns)
        self._suppressor = None
        if text.suppression is not None:
            duration_ns = text.suppression.duration_ns or limits.signal_window_ns
            self._suppressor = Suppressor(duration_ns, limits.suppression_keys_max)

    def take_over(self, old: _Running) -> None:
        """Carry on with the counts, the window and everything remembered of the same rule."""
        self.limit, self._suppressor = old.limit, old._suppressor
        self.counters = self.rule.counters = old.counters
        self.runner.take_over(old.runner)

    def matches(self, rows: Rows, masks: dict[int, Mask]) -> list[Match]:
        """What a batch completes; masks of exception items are shared by the rules.

        What the limit would certainly hold back is counted here and left out.
        """
        def unexcepted(selected: list[int]) -> list[int]:
            return self._unexcepted(rows, selected, masks)

        held = 0
        if self._suppressor is None and isinstance(self.runner, SingleRunner):
            times_ns, selected = self.runner.selected(rows, unexcepted)
            held = self.limit.hold(times_ns)
            self.counters.limited += held
            self.counters.suppressed += held
            found = list(map(Match, times_ns[held:].tolist(), selected[held:]))
        else:
            found = self.runner.matches(rows, unexcepted)
        self.counters.matches += held + len(found)
        return found

    def advance(self, now_ns: int) -> list[Match]:
        """What the time alone completes."""
        found = self.runner.advance(now_ns)
        self.counters.matches += len(found)
        return found

    def _unexcepted(self, rows: Rows, selected: list[int], masks: dict[int, Mask]) -> list[int]:
        for item in self.rule.exceptions:
            if id(item) not in masks:
                masks[id(item)] = item.predicate(rows)
            mask = masks[id(item)]
            kept = [row for row in selected
                    if not mask[row] or rows.known_ns(row) >= item.expires_ns]
            self.counters.matches += len(selected) - len(kept)
            self.counters.excepted += len(selected) - len(kept)
            selected = kept
        return selected

    def looks_at(self, match: Match) -> bool:
        """Whether a match may need its document: not if the limit will certainly hold it back."""
        return self._suppressor is not None or not self.limit.is_full(match.known_ns)

    def alert(self, match: Match, document: dict[str, Any] | None) -> Alert | None:
        """The alert for a match, unless it is suppressed or over the limit.

        `document` is what it becomes, if that has been rendered already.
        """
        known_ns = match.known_ns
        suppressed: int | None = 0
        group = None
        if self._suppressor is not None:
            document = document_of(match) if document is None else document
            group = self._group(document)
            if group is not None:
                suppressed = self._suppressor.admit(group, known_ns)
                self.counters.groups_evicted = self._suppressor.evicted
        if suppressed is None or not self.limit.admit(known_ns):
            if suppressed is not None:
                self.counters.limited += 1
                if group is not None and self._suppressor is not None:
                    self._suppressor.retract(group, suppressed)
            self.counters.suppressed += 1
            return None
        self.counters.alerts += 1
        document = document_of(match) if document is None else document
        return self.maker.alert(match, document, suppressed)

    def _group(self, document: dict[str, Any]) -> tuple[tuple[str, ...], ...] | None:
        """What suppression groups an event by; None if it stands for itself."""
        suppression = self.rule.text.suppression
        assert suppression is not None
        group = tuple(
            tuple(sorted(repr(value) for value in values_at(document, name)))
            for name in suppression.group_by
        )
        return None if suppression.missing_alerts and not all(group) else group


Found = tuple[Match, int]
"""A match and the index of its rule."""


def _order(found: Found) -> tuple[int, int, int]:
    match, index = found
    return match.known_ns, match.row, index


# --- words and names


def _short_name(rule: Rule) -> str:
    """What a rule can be asked for by: its file's stem, or its name where a file has several."""
    path = Path(rule.text.path)
    return harmless(rule.text.name if is_json(path.name) else path.stem)


def _notice(rule: Rule) -> str:
    verb = "cannot run here" if rule.status == CANNOT_RUN else "runs degraded"
    return f"rule '{rule.text.name}' {verb}: {rule.reason}"


def _assign(items: list[ExceptionItem], rules: list[Rule]) -> list[str]:
    """Give each rule its exceptions; the notices about names that no rule has."""
    notices = []
    linked = {list_id for rule in rules for list_id in rule.text.exception_lists}
    for item in items:
        for rule in rules:
            if item.rules:
                applies = bool(names_of(rule) & set(item.rules))
            else:
                # A list that rules name is theirs; one that none names is for all.
                applies = item.list_id not in linked or item.list_id in rule.text.exception_lists
            if applies:
                rule.exceptions.append(item)
        all_names = set().union(*(names_of(rule) for rule in rules)) if rules else set()
        notices += [f"{item.place}: no rule is called '{name}'"
                    for name in item.rules if name not in all_names]
    given = {item.list_id for item in items}
    notices += [
        f"rule '{rule.text.name}': no exception of its list '{name}' is loaded: --exceptions FILE"
        for rule in rules if rule.runner is not None
        for name in rule.text.exception_lists if name not in given
    ]
    return notices


# --- for people


def format_rule(rule: Rule) -> dict[str, Any]:
    """Everything that `rules show` tells of a rule, as plain data in the order to print it."""
    text = rule.text
    return {
        "name": text.name, "id": text.id, "version": text.version, "file": text.path,
        "status": rule.status, "reason": rule.reason, "severity": text.severity,
        "risk_score": text.risk_score, "type": text.type, "language": text.language,
        "query": text.query.strip(),
        "needs": described(text.special, text.lookback_ns) if text.special else "",
        "suppression": _suppression(text.suppression),
        "description": text.description,
        "tags": list(text.tags), "references": list(text.references),
        "threat": [_threat_line(entry) for entry in text.threat],
        "external_list": _external(rule), "note": text.note,
        "false_positives": list(text.false_positives),
        "exceptions": [f"{item.name}: {item.comment}" for item in rule.exceptions],
    }


def _suppression(suppression: Suppression | None) -> str:
    if suppression is None:
        return ""
    span = duration_text(suppression.duration_ns) if suppression.duration_ns else "a window"
    words = f"one alert for each {' and '.join(suppression.group_by) or 'rule'} within {span}"
    return words + ("; events that lack one alert by themselves"
                    if suppression.missing_alerts else "")


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
                  for technique in entry.get("technique") or [] if isinstance(technique, dict)]
    return f"{line}: {', '.join(techniques)}" if techniques else line


@frozen
class CheckRow:
    """One line of `rules check`; status is `error` for what `load` would refuse."""

    file: str
    name: str
    status: str
    reason: str


def check_paths(
    paths: Iterable[str], *, config: Config, known_fields: Mapping[str, str],
    any_event: bool = False, resources: Resources | None = None,
) -> list[CheckRow]:
    """What is in rule files: each rule with its status, and each error."""
    rules, errors = read_rules(paths, config, Schema(known_fields, any_event), resources)
    wrong = {error.path for error in errors}
    rows = [CheckRow(rule.text.path, rule.text.name, rule.status, rule.reason)
            for rule in rules if rule.text.path not in wrong]
    rows += [CheckRow(error.path, "", "error", text)
             for text, error in {str(error): error for error in errors}.items()]
    return sorted(rows, key=lambda row: row.file)
