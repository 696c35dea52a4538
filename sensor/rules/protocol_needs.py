"""The protocols whose events the rules of a set are about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sensor.ecs.document_kinds import any_flow_kind, event_kind
from sensor.ecs.schema import known_fields
from sensor.protocols import PROTOCOLS, AnalyzedProtocol
from sensor.query.satisfiable import Evidence, kinds_meant
from sensor.rules.rule import Rule
from sensor.rules.types import NewTermsText, ThreatText, ThresholdText


def needed_protocols(
    rules: Iterable[Rule], protocols: Sequence[AnalyzedProtocol] = PROTOCOLS
) -> tuple[AnalyzedProtocol, ...]:
    """Those that every run reads, and those that a rule which runs is about.

    A rule is about a protocol if it tests or names something that events of it have and flow events
    never do: a field, an action, a data set. `network.protocol` is no such thing: flow events have
    it, too.
    """
    known = known_fields(processes=True)
    evidence = Evidence(known.get, tuple(known), [any_flow_kind()])
    needed: set[str] = set()
    others = {protocol.name: event_kind(protocol.name) for protocol in protocols
              if not protocol.always}
    for rule in rules:
        if rule.runner is None or rule.query is None:
            continue
        meant = kinds_meant(rule.query, _names(rule), evidence, others.values())
        for name in [name for name, kind in others.items() if kind in meant]:
            needed.add(name)
            del others[name]
        if not others:
            break
    return tuple(one for one in protocols if one.always or one.name in needed)


def _names(rule: Rule) -> list[str]:
    """The fields that a rule names beside its query."""
    match rule.text.special:
        case ThresholdText(fields, _, cardinality_field):
            return [*fields, cardinality_field]
        case NewTermsText(fields):
            return list(fields)
        case ThreatText(mapping):
            return [entry.field for group in mapping for entry in group]
    return []
