"""KQL text -> tree. The grammar is grammar.lark; predicate.py has what the tree means."""

from __future__ import annotations

import re

from sensor.query import ast
from sensor.query.parsing import (
    ParseNode,
    Shape,
    check_depth,
    grammar,
    parse_tree,
    query_error,
    unescape,
)
from sensor.query.values import is_network

_SHAPE = Shape(
    frozenset({"_LPAR", "_LBRACE"}), frozenset({"_RPAR", "_RBRACE"}), ("_OR", "_AND", "NOT")
)
_NAMES = {
    "_OR": "'or'", "_AND": "'and'", "NOT": "'not'", "_LPAR": "'('", "_RPAR": "')'",
    "_LBRACE": "'{'", "_RBRACE": "'}'", "_COLON": "':'", "RANGE": "a comparison",
    "QUOTED": "a quoted value", "WORD": "a word",
}
_QUOTED_ESCAPES = {"t": "\t", "r": "\r", "n": "\n", "\\": "\\", '"': '"'}
_UNQUOTED = re.compile(
    r"""(?P<plain>[^\\*]+) | (?P<star>\*)
      | \\ (?P<sign>[\\():<>"*{}])
      | \\u (?P<number>[0-9a-fA-F]{4})
      | \\ (?P<word>(?i:and|or) | (?i:not)(?![^\s*]))   # '\not' where it stands alone ...
      | \\ (?P<space>[trn])                             # ... else '\n' is a line feed
      | (?P<unknown>\\.?)""",
    re.VERBOSE | re.DOTALL,
)


def parse(text: str) -> ast.Node:
    """The tree of a KQL query.

    Errors: QueryError, whatever the text.
    """
    if not text.strip():
        raise query_error("the query is empty", text, 0)
    tree = parse_tree(lambda: grammar("kql", _SHAPE), text, _NAMES, {})
    return _condition(tree.children[0], text, 0)


def _condition(tree: ParseNode, text: str, depth: int) -> ast.Node:
    at = _offset(tree)
    check_depth(depth, text, at)
    below = tree.children
    match tree.data:
        case "or_list":
            return ast.any_of([_condition(item, text, depth) for item in below])
        case "and_list":
            return ast.all_of([_condition(item, text, depth) for item in below])
        case "negated":
            return ast.Not(_condition(below[1], text, depth + 1))
        case "field_test":
            return _distributed(_field(below[0], text), below[1], text, depth)
        case "range_test":
            return _range(_field(below[0], text), str(below[1]), below[2], text)
        case "nested":
            return ast.Nested(_path(below[0], text), _condition(below[1], text, depth + 1))
    value = _literal(below[0], text)
    return ast.FieldTest(None, value)


def _distributed(name: ast.Text | ast.Wildcard, tree: ParseNode, text: str, depth: int) -> ast.Node:
    """`field:(a or not b)`: the field goes to each value, the words become document logic."""
    check_depth(depth, text, _offset(tree))
    below = tree.children
    match tree.data:
        case "value_or_list":
            return ast.any_of([_distributed(name, item, text, depth) for item in below])
        case "value_and_list":
            return ast.all_of([_distributed(name, item, text, depth) for item in below])
        case "value_negated":
            return ast.Not(_distributed(name, below[1], text, depth + 1))
    return ast.FieldTest(name, _literal(tree, text))


def _range(name: ast.Text | ast.Wildcard, op: str, tree: ParseNode, text: str) -> ast.Range:
    value = _literal(tree, text)
    if not isinstance(value, ast.Text):
        raise query_error(f"'{op}' needs one value, not a pattern or null", text, value.at)
    return ast.Range(name, op, value)


def _field(tree: ParseNode, text: str) -> ast.Text | ast.Wildcard:
    value = _literal(tree, text)
    if isinstance(value, ast.Null):
        return ast.Text("null", value.at)
    return value


def _path(tree: ParseNode, text: str) -> ast.Text:
    value = _field(tree, text)
    if not isinstance(value, ast.Text):
        raise query_error("the path before '{' must be one field name", text, value.at)
    return value


def _literal(tree: ParseNode, text: str) -> ast.Text | ast.Null | ast.Wildcard:
    """One value; words side by side keep the white space between them."""
    first, last = tree.children[0], tree.children[-1]
    at, end = first.start_pos, last.end_pos
    if first.type == "QUOTED":
        return ast.Text(unescape(text[at + 1 : end - 1], _QUOTED_ESCAPES, text, at + 1), at)
    raw = text[at:end]
    if first.type == "ADDRESS":
        if not is_network(raw):
            raise query_error("no IPv6 address: put a value with ':' in quotes", text, at)
        return ast.Text(raw, at)
    if raw == "null":
        return ast.Null(at)
    parts = _unquoted(raw, text, at)
    if len(parts) == 1:
        return ast.Text(parts[0], at)
    kept = [parts[0], *(part for part in parts[1:-1] if part), parts[-1]]
    return ast.Wildcard(tuple(kept), at)


def _unquoted(raw: str, text: str, at: int) -> list[str]:
    """The pieces between the stars, with the escapes undone."""
    pieces = [""]
    for found in _UNQUOTED.finditer(raw):
        part = found.group(found.lastgroup or 0)
        match found.lastgroup:
            case "star":
                pieces.append("")
                continue
            case "unknown":
                raise query_error(f"unknown escape '{part}'", text, at + found.start())
            case "number":
                part = _character(part, text, at + found.start())
            case "space":
                part = _QUOTED_ESCAPES[part]
        pieces[-1] += part
    return pieces


def _character(digits: str, text: str, at: int) -> str:
    number = int(digits, 16)
    if 0xD800 <= number < 0xE000:
        raise query_error("half of a surrogate pair is no character", text, at)
    return chr(number)


def _offset(tree: ParseNode) -> int:
    """The offset at which a tree begins in the text."""
    while not hasattr(tree, "start_pos"):
        tree = tree.children[0]
    return int(tree.start_pos)
