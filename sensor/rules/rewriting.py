"""Rewriting of a rule's query by what else the rule says, and by what other views call the same."""

from __future__ import annotations

from dataclasses import replace

from sensor.query import ast

DIRECTION = "network.direction"
_HOST_VIEW = {
    "ingress": ("inbound", "internal"), "incoming": ("inbound", "internal"),
    "egress": ("outbound", "internal"), "outgoing": ("outbound", "internal"),
}
"""A connection's direction in a host's words, and in those of the network that has the host: one
between two of its hosts comes in at one of them and goes out at the other.
"""


def narrowed(query: ast.Query, nodes: list[ast.Node]) -> ast.Query:
    """A query whose every event also fulfils the conditions."""
    return ast.each_condition(query, lambda condition: ast.all_of([condition, *nodes]))


def by_category_field(query: ast.Query, name: str) -> ast.Query:
    """A query of EQL whose word before `where` is a value of another field than event.category."""
    def changed(event: ast.EventQuery) -> ast.EventQuery:
        if event.category is None:
            return event
        field, category = ast.FieldRef(name, at=event.at), ast.Literal(event.category, event.at)
        test = ast.Compare("==", field, category)
        return ast.EventQuery(None, ast.all_of([test, event.condition]), event.at)

    return ast.each_event(query, changed)


def in_any_view(query: ast.Query) -> ast.Query:
    """A query whose tests for a direction in a host's view also hold in the network's view."""
    return ast.each_condition(query, lambda condition: ast.rewritten(condition, _in_any_view))


def _in_any_view(node: ast.Node) -> ast.Node | None:
    match node:
        case ast.Nested(ast.Text("network"), ast.FieldTest(ast.Text("direction", at), value)):
            test = ast.FieldTest(ast.Text(DIRECTION, at), value)
            return _in_any_view(test) or test
        case ast.FieldTest(ast.Text(name) as field, ast.Text(value, at)) if (
                name == DIRECTION and value in _HOST_VIEW):
            others = (ast.FieldTest(field, ast.Text(other, at)) for other in _HOST_VIEW[value])
            return ast.any_of([node, *others])
        case ast.Compare("==" | "!=" as op, ast.FieldRef(name) as left,
                         ast.Literal(value) as right) if name == DIRECTION and value in _HOST_VIEW:
            found = ast.OneOf("in", left, _widened((right,)), at=node.at)
            return found if op == "==" else ast.Not(found)
        case ast.OneOf("in" | ":" | "like", ast.FieldRef(name), options) if name == DIRECTION:
            return replace(node, options=_widened(options))
    return None


def _widened(options: tuple[ast.Node, ...]) -> tuple[ast.Node, ...]:
    """Constants with those of the network's view beside them."""
    more = [replace(option, value=other) for option in options if isinstance(option, ast.Literal)
            for other in _HOST_VIEW.get(str(option.value).lower(), ())]
    return tuple(dict.fromkeys((*options, *more)))
