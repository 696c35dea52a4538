"""Rules at work: match batches of events, make alerts, count.

A rule that is right but that this sensor cannot run (a type that is not evaluated, fields or events
that a tap never sees) stays in the set with the reason, and the set says so once (`notices`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from sensor.base.escape import harmless
from sensor.config import Config
from sensor.errors import ConfigError
from sensor.model.alert import Alert
from sensor.model.columns import Document, Mask, Rows
from sensor.protocols import AnalyzedProtocol
from sensor.query.document_rows import merge
from sensor.rules.allow_lists import read_allow_lists
from sensor.rules.exceptions import expired_notices, read_exceptions
from sensor.rules.kibana_json import is_json
from sensor.rules.loader import assign_exceptions, load_rules
from sensor.rules.protocol_needs import needed_protocols
from sensor.rules.rule import CANNOT_RUN, DEGRADED, RUNS, Resources, Rule, RulesError, Schema
from sensor.rules.runners import Match
from sensor.rules.running_rule import Counters, LedgerRow, RunningRule, ledger_row

DOCUMENTS_AT_ONCE = 256
NAMES_MAX = 40
"""Names of rules that are listed where there is none of a name."""
NEAR_MAX = 3
RESEMBLES = 0.75
"""The likeness (difflib) of a name that is asked for and one that may be meant."""
NAME_MAX = 100
"""Characters of a name that are compared."""
RULE_ENDINGS = (".toml", ".ndjson", ".json")
LEFT_OUT = "rule left out: "
"""The beginning of a notice of a wrong rule."""
Ledger = dict[str, LedgerRow]
Found = tuple[Match, int]
"""A match and the index of its rule."""


class RuleSet:
    """The rules of one run, with their state."""

    def __init__(
        self, rules: list[Rule], config: Config, *, show_building_blocks: bool = False
    ) -> None:
        self.rules = rules
        self.show_building_blocks = show_building_blocks
        self._standing = _notices(rules)
        self.notices = list(self._standing)
        self.running = [RunningRule(rule, config) for rule in rules if rule.runner is not None]
        """The rules that run, with what they remember and count."""
        self._due_ns: int | None = None
        """The end of the first window that held something back; None if none did."""
        self._earlier: Ledger = {}
        """The counts of rules that are not in this set any more, or were changed."""
        self._earlier_excepted: Counter[tuple[str, str]] = Counter()

    @cached_property
    def protocols(self) -> tuple[AnalyzedProtocol, ...]:
        """The protocols that are to be analyzed for these rules."""
        return needed_protocols(self.rules)

    @classmethod
    def load(  # noqa: PLR0913  most are left out
        cls,
        paths: Iterable[str],
        *,
        exceptions: Iterable[str] = (),
        allow: Iterable[str] = (),
        config: Config,
        known_fields: Mapping[str, str],
        any_event: bool = False,
        show_building_blocks: bool = False,
        resources: Resources | None = None,
        strict: bool = True,
    ) -> RuleSet:
        """The rules of files and folders, with the exceptions from files, those of allow-lists too.

        `known_fields` gives the ECS type of each field that the sensor's events can have;
        `any_event` says that other events come too, which can have any field. Unless `strict`,
        the wrong rules of a folder are left out, with a notice each.
        Errors: RulesError, or ConfigError for the exceptions; each has everything at once.
        """
        schema = Schema(known_fields, any_event)
        loaded, errors = load_rules(paths, config, schema, resources, strict=strict)
        items = read_exceptions(exceptions, schema.type_of, schema.fields)
        items += read_allow_lists(allow)
        ruleset = cls(loaded, config, show_building_blocks=show_building_blocks)
        ruleset.notices[:0] = [f"{LEFT_OUT}{error}" for error in RulesError(errors).errors]
        ruleset.notices += assign_exceptions(items, loaded)
        ruleset.notices += expired_notices(items, time.time_ns())
        running = [rule.text for rule in loaded if rule.runner is not None]
        if any(text.special is not None for text in running):
            from sensor.rules.runner_factory import learning_notices  # noqa: PLC0415  as in loader

            ruleset.notices += learning_notices(
                running, config.rule, resources.store if resources else None)
        return ruleset

    def match(self, rows: Rows) -> list[Alert]:
        """The alerts for a batch, in the order of its rows; of one row the worst rule first."""
        found: list[Found] = []
        masks: dict[int, Mask] = {}
        for index, running in enumerate(self.running):
            found += [(match, index) for match in running.matches(rows, masks)]
        self._note_due()
        alerts = self._alerts(self._with_documents(rows, sorted(found, key=self._order)))
        if rows.count:
            alerts += self._close(rows.known_ns(rows.count - 1))
        return alerts

    def advance(self, now_ns: int) -> list[Alert]:
        """The alerts that the time alone brings: no further event is known before `now_ns`."""
        found: list[Found] = []
        for index, running in enumerate(self.running):
            found += [(match, index) for match in running.advance(now_ns)]
        alerts = self._alerts((match, index, None)
                              for match, index in sorted(found, key=self._order))
        return alerts + self._close(now_ns)

    def _order(self, found: Found) -> tuple[int, int, float, int]:
        match, index = found
        return match.known_ns, match.row, -self.running[index].rule.text.risk_score, index

    def _alerts(self, found: Iterable[tuple[Match, int, Document | None]]) -> list[Alert]:
        alerts: list[Alert] = []
        for match, index, document in found:
            alerts += self._close(match.known_ns)
            running = self.running[index]
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
    ) -> Iterator[tuple[Match, int, Document | None]]:
        """The matches with the documents of single rows, which are made many at a time: each making
        has its fixed cost. Those of several events are left until it is known that they are needed;
        what the limit will hold back needs none.
        """
        for first in range(0, len(found), DOCUMENTS_AT_ONCE):
            part = [(match, index, match.events is None and self.running[index].looks_at(match))
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
        known = {running.rule.text.id: running for running in before.running}
        for running in self.running:
            old = known.get(running.rule.text.id)
            if old is not None and old.rule.text == running.rule.text:
                running.take_over(old)
                del known[old.rule.text.id]
        self._note_due()
        before.running = list(known.values())
        before._note_due()
        closing = before.finish()
        self._earlier = _added(before._earlier, {name: old.ledger() for name, old in known.items()})
        self._earlier_excepted = sum((old.counters.excepted_by for old in known.values()),
                                     before._earlier_excepted)
        return closing

    def _close(self, now_ns: int | None) -> list[Alert]:
        if self._due_ns is None or (now_ns is not None and now_ns < self._due_ns):
            return []
        ended = [(overflow.end_ns, index, overflow) for index, running in enumerate(self.running)
                 if (overflow := running.limit.close(now_ns)) is not None]
        alerts = []
        for _, index, overflow in sorted(ended, key=lambda item: item[:2]):
            running = self.running[index]
            running.counters.closings += 1
            alerts.append(running.builder.closing(overflow, running.limit.alerts_max))
        self._note_due()
        return alerts

    def _note_due(self) -> None:
        due = [running.limit.due_ns for running in self.running]
        self._due_ns = min((each for each in due if each is not None), default=None)

    def ledger(self) -> Ledger:
        """The rules' part of the ledger: `alerts` counts every alert that left, closings too."""
        rows = {rule.text.id: ledger_row(rule, Counters()) for rule in self.rules}
        rows |= {running.rule.text.id: running.ledger() for running in self.running}
        return _added(rows, self._earlier)

    def excepted(self) -> dict[str, LedgerRow]:
        """The exceptions' part of the ledger: matches by exception, or entry of an allow-list."""
        counts = sum((running.counters.excepted_by for running in self.running),
                     self._earlier_excepted)
        return {name: {"comment": comment, "matches": count}
                for (name, comment), count in counts.most_common()}

    def notices_at_start(self, *, whole: bool) -> list[str]:
        """The notices, unless `whole` without those that rules do not run here as they are."""
        standing = () if whole else self._standing
        return [notice for notice in self.notices if notice not in standing]

    def describe(self) -> list[dict[str, str]]:
        """One row of plain data per rule, for a table."""
        return [
            {"id": rule.text.id, "name": rule.text.name, "type": rule.text.type,
             "severity": rule.text.severity, "status": rule.status, "reason": rule.reason,
             "file": rule.text.path}
            for rule in self.rules
        ]

    def find(self, name: str) -> Rule:
        """The rule with an id, a name (whatever its capitals), a file or a file stem.

        Errors: ConfigError if there is none, or several.
        """
        wanted = name.casefold()
        found = [rule for rule in self.rules if rule.text.id == name] or [
            rule for rule in self.rules if wanted in map(str.casefold, rule.names)] or [
            rule for rule in self.rules if Path(rule.text.path).absolute() == Path(name).absolute()]
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigError(f"several rules are {name!r}; there are: {_listed(found)}")
        raise ConfigError(f"no rule {name!r}; {_instead(name, self.rules)}")

    def running_rule(self, rule: Rule) -> RunningRule | None:
        """A rule at work; None if it cannot run."""
        return next((running for running in self.running if running.rule is rule), None)


def _listed(rules: Iterable[Rule]) -> str:
    """The names of rules, in order, as far as a line bears them."""
    names = sorted(map(_short_name, rules))
    more = f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else ""
    return ", ".join(names[:NAMES_MAX]) + more


def _instead(name: str, rules: list[Rule]) -> str:
    """What may be meant by the name of no rule: rules of names like it, else a file, else any."""
    path = Path(name)
    is_rule_file = path.suffix.lower() in RULE_ENDINGS
    by_name = {known.casefold(): rule for rule in rules for known in rule.names}
    word = (path.stem if is_rule_file else name).casefold()[:NAME_MAX]
    near = get_close_matches(word, sorted(by_name), NEAR_MAX, RESEMBLES)
    if path.is_file():
        return ("it is a file: its rules are loaded with --rules, and asked for by their ids"
                if is_rule_file else "it is a file, and a rule's id is wanted in front of it")
    if near:
        names = dict.fromkeys(_short_name(by_name[known]) for known in near)
        return f"did you mean {' or '.join(map(repr, names))}?"
    return f"there are: {_listed(rules)}" if rules else "there are none"


def _short_name(rule: Rule) -> str:
    """The name to ask for a rule by: its file's stem, or its name where a file has several."""
    path = Path(rule.text.path)
    return harmless(rule.text.name if is_json(path.name) else path.stem)


NOTICES_MAX = 20
"""Rules of which each has a notice of its own; of more there is one for each kind of reason."""


def _notices(rules: list[Rule]) -> list[str]:
    """Notices about rules that do not run as they are."""
    others = [rule for rule in rules if rule.status != RUNS]
    if len(others) <= NOTICES_MAX:
        return [_notice(rule) for rule in others]
    counts = Counter((rule.status, _kind_of_reason(rule.reason)) for rule in others)
    return [f"{count} rule{'s'[:count != 1]} {_VERBS[status][count != 1]}: {kind}"
            for (status, kind), count in counts.most_common()
            ] + ["`sensor rules check` has the reason of each"]


_VERBS = {CANNOT_RUN: ("cannot run here", "cannot run here"),
          DEGRADED: ("runs degraded", "run degraded")}


def _kind_of_reason(reason: str) -> str:
    """The reason without what only one rule says."""
    if reason.endswith("the condition can never hold"):
        return "they ask for what no event here has"
    for start, kind in (("its filter", "a filter is not evaluated"),
                        ("not on a tap: ", "they ask for what is not on a tap"),
                        ("alert_suppression: not on a tap", "they group by what is not on a tap")):
        if reason.startswith(start):
            return kind
    if reason.startswith("no event is known"):
        return "they ask for names that look misspelt"
    return reason


def _notice(rule: Rule) -> str:
    verb = "cannot run here" if rule.status == CANNOT_RUN else "runs degraded"
    return f"rule '{rule.text.name}' {verb}: {rule.reason}"


def _added(rows: Ledger, more: Ledger) -> Ledger:
    """Both together: the numbers of a rule that is in both are added up."""
    result = {**rows}
    for name, row in more.items():
        known = result.get(name)
        result[name] = row if known is None else {**row, **{
            key: value if key == "name" else value + row.get(key, 0)
            for key, value in known.items()}}
    return result
