"""The terms that documents must hold for the rules of a set to be able to match them."""

from __future__ import annotations

from collections.abc import Iterable

from sensor.query.required_terms import NO_CLAUSES, Clauses, required_terms
from sensor.rules.rule import Rule
from sensor.rules.types import NewTermsText


def clauses_of(rules: Iterable[Rule]) -> list[Clauses]:
    """For each rule that runs, the clauses of its query; none: any document may matter."""
    return [_clauses(rule) for rule in rules if rule.runner is not None]


def _clauses(rule: Rule) -> Clauses:
    if rule.query is None or isinstance(rule.text.special, NewTermsText):
        return NO_CLAUSES  # it learns from the time that it was given any document
    return required_terms(rule.query)
