"""Rewriting of a rule's query by what else the rule says, and by what other views call the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sensor.query.ast import (
    And,
    Compare,
    EventQuery,
    FieldRef,
    FieldTest,
    Literal,
    Nested,
    Node,
    Not,
    OneOf,
    Or,
    Query,
    Sample,
    Sequence,
    Text,
    all_of,
    any_of,
)

DIRECTION = "network.direction"
_HOST_VIEW = {
    "ingress": ("inbound", "internal"), "incoming": ("inbound", "internal"),
    "egress": ("outbound", "internal"), "outgoing": ("outbound", "internal"),
}
"""What a host calls a connection's direction, and what it is to the network that has the host: one
between two of its hosts comes in at one of them and goes out at the other.
"""


def narrowed(query: Query, nodes: list[Node]) -> Query:
    """A query whose every event also fulfils the conditions."""
    if isinstance(query, Sequence | Sample | EventQuery):
        return _each_event(query, lambda event: replace(
            event, condition=all_of([event.condition, *nodes])))
    return all_of([query, *nodes])


def by_category_field(query: Query, name: str) -> Query:
    """A query of EQL whose word before `where` is a value of another field than event.category."""
    def changed(event: EventQuery) -> EventQuery:
        if event.category is None:
            return event
        test = Compare("==", FieldRef(name, at=event.at), Literal(event.category, event.at))
        return EventQuery(None, all_of([test, event.condition]), event.at)

    return _each_event(query, changed)


def in_any_view(query: Query) -> Query:
    """A query whose tests for a direction in a host's view also hold in the network's view."""
    if isinstance(query, Sequence | Sample | EventQuery):
        return _each_event(query, lambda event: replace(
            event, condition=_in_any_view(event.condition)))
    return _in_any_view(query)


def _each_event(query: Query, change: Callable[[EventQuery], EventQuery]) -> Query:
    """A query of EQL with each of its events changed."""
    match query:
        case EventQuery():
            return change(query)
        case Sequence(_, _, steps, until):
            return replace(
                query, steps=tuple(replace(step, event=change(step.event)) for step in steps),
                until=until and replace(until, event=change(until.event)))
        case Sample(_, steps):
            return replace(
                query, steps=tuple(replace(step, event=change(step.event)) for step in steps))
    return query


def _in_any_view(node: Node) -> Node:  # noqa: PLR0911  one line per shape
    match node:
        case And(items):
            return all_of([_in_any_view(item) for item in items])
        case Or(items):
            return any_of([_in_any_view(item) for item in items])
        case Not(item):
            return Not(_in_any_view(item))
        case Nested(Text("network"), FieldTest(Text("direction", at), value)):
            return _in_any_view(FieldTest(Text(DIRECTION, at), value))
        case FieldTest(Text(name) as field, Text(value, at)) if (
                name == DIRECTION and value in _HOST_VIEW):
            return any_of([node, *(FieldTest(field, Text(other, at))
                                   for other in _HOST_VIEW[value])])
        case Compare("==" | "!=" as op, FieldRef(name) as left, Literal(value) as right) if (
                name == DIRECTION and value in _HOST_VIEW):
            found = OneOf("in", left, _widened((right,)), at=node.at)
            return found if op == "==" else Not(found)
        case OneOf("in" | ":" | "like", FieldRef(name), options) if name == DIRECTION:
            return replace(node, options=_widened(options))
    return node


def _widened(options: tuple[Node, ...]) -> tuple[Node, ...]:
    """Constants with those of the network's view beside them."""
    more = [replace(option, value=other) for option in options if isinstance(option, Literal)
            for other in _HOST_VIEW.get(str(option.value).lower(), ())]
    return tuple(dict.fromkeys((*options, *more)))
