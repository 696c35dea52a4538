"""A rule at work: what it remembers, which of its matches become alerts, and its counters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sensor.config import Config
from sensor.model.alert import Alert
from sensor.model.columns import Document, Mask, Rows
from sensor.query.document_rows import values_at
from sensor.query.stateful.steps import Unexcepted, all_rows
from sensor.rules.alert_builder import AlertBuilder, document_of
from sensor.rules.rule import Rule
from sensor.rules.runners import Match, SingleRunner
from sensor.rules.suppression import RateLimit, Suppressor

RUNNER_COUNTS = ("evicted", "absorbed", "learned")
"""Counts of runners beside matches; in the ledger where it is not zero."""
LedgerRow = dict[str, Any]
"""The name of a rule, and counts."""


@dataclass(slots=True)
class Counters:
    """The fates of a rule's matches: matches = alerts + excepted + suppressed + hidden."""

    matches: int = 0
    alerts: int = 0
    excepted: int = 0
    excepted_by: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Those by the exception, or entry of an allow-list, with its comment."""
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


class RunningRule:
    """A rule that runs, and what it remembers."""

    def __init__(self, rule: Rule, config: Config) -> None:
        assert rule.runner is not None
        text, limits = rule.text, config.rule
        self.rule = rule
        self.counters = Counters()
        self.runner = rule.runner
        self.builder = AlertBuilder(text)
        self.limit = RateLimit(text.max_signals or limits.max_signals, limits.signal_window_ns)
        self._suppressor = None
        if text.suppression is not None:
            duration_ns = text.suppression.duration_ns or limits.signal_window_ns
            self._suppressor = Suppressor(duration_ns, limits.suppression_keys_max)

    def take_over(self, old: RunningRule) -> None:
        """Carry on with the counts, the window and everything remembered of the same rule."""
        self.limit, self._suppressor = old.limit, old._suppressor
        self.counters = old.counters
        self.runner.take_over(old.runner)

    def matches(self, rows: Rows, masks: dict[int, Mask]) -> list[Match]:
        """The matches that a batch completes; masks of exception items are shared by the rules.

        What the limit would certainly hold back is counted here and left out.
        """
        unexcepted: Unexcepted = all_rows
        if self.rule.exceptions:
            unexcepted = partial(self.unexcepted, rows, masks=masks)
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
        """The matches that time alone completes."""
        found = self.runner.advance(now_ns)
        self.counters.matches += len(found)
        return found

    def unexcepted(self, rows: Rows, selected: list[int], masks: dict[int, Mask]) -> list[int]:
        """Those of some rows that no exception takes."""
        for item in self.rule.exceptions:
            if id(item) not in masks:
                masks[id(item)] = item.mask(rows)
            mask = masks[id(item)]
            if taken := [row for row in selected if mask[row]]:
                self.counters.matches += len(taken)
                self.counters.excepted += len(taken)
                self.counters.excepted_by.update(item.takers(rows, taken))
                selected = [row for row in selected if not mask[row]]
        return selected

    def looks_at(self, match: Match) -> bool:
        """True if a match may need its document: not if the limit will certainly hold it back."""
        return self._suppressor is not None or not self.limit.is_full(match.known_ns)

    def alert(self, match: Match, document: Document | None) -> Alert | None:
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
        return self.builder.alert(match, document, suppressed)

    def _group(self, document: Document) -> tuple[tuple[str, ...], ...] | None:
        """The group of an event, for suppression; None if it stands for itself."""
        suppression = self.rule.text.suppression
        assert suppression is not None
        group = tuple(
            tuple(sorted(repr(value) for value in values_at(document, name)))
            for name in suppression.group_by
        )
        return None if suppression.missing_alerts and not all(group) else group

    def runner_counts(self) -> dict[str, int]:
        """The counts beside matches and alerts, where it is not zero."""
        counts = {name: getattr(self.runner, name, 0) for name in RUNNER_COUNTS}
        counts["evicted"] += self.counters.groups_evicted
        return {name: count for name, count in counts.items() if count}

    def ledger(self) -> LedgerRow:
        """The rule's line in the ledger."""
        return ledger_row(self.rule, self.counters) | self.runner_counts()


def ledger_row(rule: Rule, counters: Counters) -> LedgerRow:
    """The fates of a rule's matches; `alerts` are all that left, closings too."""
    return {
        "name": rule.text.name, "matches": counters.matches,
        "alerts": counters.alerts + counters.closings,
        "excepted": counters.excepted, "suppressed": counters.suppressed,
    }
