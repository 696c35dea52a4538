"""The fields that rules name outside of their queries, held against those that events have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sensor.query import ecs_names
from sensor.query.satisfiable import Evidence
from sensor.rules.files import RuleText
from sensor.rules.types import NewTermsText, Special, ThreatText, ThresholdText

AGENT = "agent."


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that a rule names outside of its query."""

    names: tuple[str, ...]
    unknown: tuple[str, ...]
    """Nobody has them: mistakes."""
    absent: tuple[str, ...]
    """The events of this sensor never have them."""
    satisfiable: bool
    """True if the rule can match without them."""


def fields_of(special: Special, evidence: Evidence) -> Fields:
    """Hold a rule's fields against those that events have."""
    match special:
        case ThresholdText(fields, _, cardinality_field):
            names = [*fields, *([cardinality_field] if cardinality_field else [])]
        case NewTermsText(fields):
            names = list(fields)
        case ThreatText(mapping):
            names = [entry.field for group in mapping for entry in group]
    lacking = dict.fromkeys(name for name in names if not evidence.occurs(name))
    unknown = _unknown(lacking, evidence)
    absent = tuple(name for name in lacking if name not in unknown)
    satisfiable = not absent
    if isinstance(special, ThreatText):
        satisfiable = any(
            all(entry.field not in lacking or entry.negate for entry in group)
            for group in special.mapping
        )
    return Fields(tuple(dict.fromkeys(names)), unknown, absent, satisfiable)


def without_agent(special: Special, evidence: Evidence) -> Special:
    """A new-terms rule without the fields of the agent, unless its events have these or it names no
    other field.

    A history is that of one sensor, which is one agent: what is new with its id is new without.
    """
    if not isinstance(special, NewTermsText):
        return special
    kept = tuple(name for name in special.fields
                 if not name.startswith(AGENT) or evidence.occurs(name))
    return replace(special, fields=kept) if kept else special


def suppression_fields(
    text: RuleText, evidence: Evidence
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields that a rule groups by to suppress: those that nobody has, and those that the
    events of this sensor never have.
    """
    if text.suppression is None or isinstance(text.special, ThresholdText):
        return (), ()
    lacking = [name for name in text.suppression.group_by if not evidence.occurs(name)]
    unknown = _unknown(lacking, evidence)
    return unknown, tuple(name for name in lacking if name not in unknown)


def _unknown(names: Iterable[str], evidence: Evidence) -> tuple[str, ...]:
    return tuple(name for name in names
                 if evidence.known(name) is None
                 and ecs_names.mistake(name, evidence.fields) is not None)
