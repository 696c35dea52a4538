"""Kibana's filters of a rule -> conditions that its query must hold beside its own.

A filter is a query of Elasticsearch's DSL, turned round by `meta.negate`, passed over with
`meta.disabled`. The forms that Kibana's filter bar and rules write are read; any other says so.
"""

from __future__ import annotations

from typing import Any

from sensor.query import ast
from sensor.query.patterns import PatternError, regex, regex_of_wildcard
from sensor.query.values import text_of
from sensor.rules.kibana_json import Table
from sensor.rules.rule import CannotRun

DEPTH_MAX = 16
_OLD_FORMS = ("exists", "range", "match_all", "bool", "terms", "term", "wildcard")
"""Keys under which filters of older versions of Kibana stand without `query`."""
_BOUNDS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<", "from": ">=", "to": "<="}


def conditions_of(filters: tuple[object, ...]) -> list[ast.Node]:
    """The conditions of a rule's filters, all of which must hold. Errors: CannotRun names a form
    that is not read.
    """
    nodes = []
    for given in filters:
        if not isinstance(given, dict):
            raise CannotRun("one of its filters is no table")
        meta = given.get("meta")
        meta = meta if isinstance(meta, dict) else {}
        if meta.get("disabled"):
            continue
        query = given.get("query")
        if not isinstance(query, dict):
            query = {key: given[key] for key in _OLD_FORMS if key in given}
        node = _node(query, 0)
        nodes.append(ast.Not(node) if meta.get("negate") else node)
    return nodes


def _node(query: Table, depth: int) -> ast.Node:
    """The condition that a query of the DSL means."""
    if depth > DEPTH_MAX:
        raise CannotRun(f"its filters nest more than {DEPTH_MAX} deep")
    if len(query) != 1:
        raise CannotRun("one of its filters is not one query")
    ((form, body),) = query.items()
    if not isinstance(body, dict):
        raise CannotRun(f"its filter '{form}' has no fields")
    match form:
        case "bool":
            return _bool(body, depth)
        case "match_all":
            return ast.Literal(True)
        case "match_none":
            return ast.Literal(False)
        case "exists" if isinstance(body.get("field"), str):
            return ast.FieldTest(ast.Text(str(body["field"])), ast.Wildcard(("", "")))
    names = [name for name in body if name not in ("boost", "_name")]
    if len(names) != 1:
        raise CannotRun(f"its filter '{form}' is not about one field")
    return _test(form, names[0], body[names[0]])


def _test(form: str, name: str, body: object) -> ast.Node:  # noqa: PLR0911  one line per form
    """A test of one field."""
    table: dict[str, Any] = body if isinstance(body, dict) else {}
    key = "query" if form.startswith("match") else "value"
    value: Any = table.get(key) if table else body
    insensitive = bool(table.get("case_insensitive"))
    match form:
        case "match_phrase" | "match" | "term" if _is_value(value):
            if insensitive:
                return _like(name, "".join(f"\\{c}" for c in text_of(value)), insensitive=True)
            return ast.FieldTest(ast.Text(name), ast.Text(text_of(value)))
        case "terms" if isinstance(body, list) and body and all(map(_is_value, body)):
            return ast.any_of(
                [ast.FieldTest(ast.Text(name), ast.Text(text_of(item))) for item in body])
        case "wildcard" if isinstance(value := value or table.get("wildcard"), str):
            return _like(name, value, insensitive)
        case "prefix" if isinstance(value, str):
            return _like(name, "".join(f"\\{c}" for c in value) + "*", insensitive)
        case "regexp" if isinstance(value, str):
            return _regex(name, value, insensitive)
        case "range" if bounds := [(op, table[word]) for word, op in _BOUNDS.items()
                                   if _is_value(table.get(word))]:
            return ast.all_of(
                [ast.Range(ast.Text(name), op, ast.Text(text_of(bound))) for op, bound in bounds])
    raise CannotRun(f"its filter '{form}' on {name} is not evaluated")


def _is_value(value: object) -> bool:
    return isinstance(value, str | int | float)


def _like(name: str, pattern: str, insensitive: bool) -> ast.Node:
    return _regex(name, regex_of_wildcard(pattern), insensitive)


def _regex(name: str, pattern: str, insensitive: bool) -> ast.Node:
    try:
        regex(pattern)
    except PatternError as error:
        raise CannotRun(f"its filter on {name}: regular expression: {error.reason}") from None
    return ast.OneOf("regex", ast.FieldRef(name), (ast.Literal(pattern),), insensitive)


def _bool(body: Table, depth: int) -> ast.Node:
    parts: dict[str, list[ast.Node]] = {}
    for word in ("must", "filter", "must_not", "should"):
        given = body.get(word, [])
        queries: list[Any] = given if isinstance(given, list) else [given]
        if not all(isinstance(query, dict) for query in queries):
            raise CannotRun(f"'{word}' of one of its filters is no list of queries")
        parts[word] = [_node(query, depth + 1) for query in queries]
    least = body.get("minimum_should_match", 0 if parts["must"] or parts["filter"] else 1)
    nodes = [*parts["must"], *parts["filter"], *(ast.Not(node) for node in parts["must_not"])]
    if parts["should"] and str(least) not in ("0", "1"):
        raise CannotRun(f"its filters with minimum_should_match {least} are not evaluated")
    if parts["should"] and str(least) == "1":
        nodes.append(ast.any_of(parts["should"]))
    return ast.all_of(nodes) if nodes else ast.Literal(True)
