"""What documents must hold for the rules of a set to be able to match them."""

from __future__ import annotations

from collections.abc import Iterable

from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.query.required_terms import NONE, Clauses, needs_of
from sensor.rules.loader import Rule
from sensor.rules.types import NewTermsText


def needs_of_rules(rules: Iterable[Rule]) -> list[Clauses]:
    """For each rule that runs, the clauses of its query; none means that any document may matter.
    """
    return [_needs(rule) for rule in rules if rule.runner is not None]


def _needs(rule: Rule) -> Clauses:
    if isinstance(rule.text.special, NewTermsText):
        return NONE  # it learns from the time that it was given any document
    return needs_of((eql if rule.text.type == "eql" else kql).parse(rule.text.query))
