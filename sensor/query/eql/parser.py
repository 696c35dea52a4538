"""EQL text -> tree. The grammar is grammar.lark; predicate.py has what the tree means."""

from __future__ import annotations

import math

from sensor.base.units import SECOND_NS
from sensor.query import ast
from sensor.query.eql.functions import FUNCTIONS
from sensor.query.parsing import (
    ParseNode,
    Shape,
    check_depth,
    grammar,
    parse_tree,
    query_error,
    unescape,
)
from sensor.query.patterns import PatternError, regex
from sensor.query.values import is_network, text_of

_UNITS_NS = {
    "ms": SECOND_NS // 1000, "s": SECOND_NS, "m": 60 * SECOND_NS,
    "h": 3600 * SECOND_NS, "d": 86400 * SECOND_NS,
}
_MAXSPAN_NS = 366 * 86400 * SECOND_NS
_RUNS_MAX = 100
_STEPS_MAX = 64
_ARGUMENTS_MAX = 5_000
_SHAPE = Shape(
    frozenset({"_LPAR", "_LSQB", "MISSING"}), frozenset({"_RPAR", "_RSQB"}),
    ("NOT", "_AND", "_OR", "TRUE", "FALSE", "NULL", "IN", "LIKE", "REGEX"),
)
_NAMES = {
    "WHERE": "'where'", "ANY": "'any'", "BY": "'by'", "WITH": "'with'", "UNTIL": "'until'",
    "NOT": "'not'", "_AND": "'and'", "_OR": "'or'", "IN": "'in'", "COMPARE": "a comparison",
    "COLON": "':'", "_LPAR": "'('", "_RPAR": "')'", "_LSQB": "'['", "_RSQB": "']'",
    "_COMMA": "','", "NAME": "a name", "NUMBER": "a number", "STRING": "a string",
    "SEQUENCE": "'sequence'", "SAMPLE": "'sample'", "_ASSIGN": "'='",
}
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n", "b": "\b", "f": "\f", "\\": "\\", '"': '"', "'": "'"}
_HINTS = {
    "'": 'strings stand in double quotes: "..."',
    "&&": "write 'and' for '&&'",
    "||": "write 'or' for '||'",
    "!": "write 'not' for '!'",
    "|": "pipes (| head, | tail) have no place in a rule",
    "=": "compare with '=='",
}


def parse(text: str) -> ast.Query:
    """The tree of an EQL query: an EventQuery, a Sequence or a Sample.

    Errors: QueryError, whatever the text.
    """
    if not text.strip():
        raise query_error("the query is empty", text, 0)
    tree = parse_tree(lambda: grammar("eql", _SHAPE), text, _NAMES, _HINTS)
    return _Builder(text).query(tree.children[0])


class _Builder:
    """Turns the trees of one query into nodes; knows the text, for places."""

    def __init__(self, text: str) -> None:
        self._text = text

    def query(self, tree: ParseNode) -> ast.Query:
        match tree.data:
            case "sequence":
                return self._sequence(tree)
            case "sample":
                return self._sample(tree)
        return self._event(tree)

    # --- events and their order

    def _event(self, tree: ParseNode) -> ast.EventQuery:
        category, _, condition = tree.children
        name: str | None = str(category)
        if category.type == "ANY":
            name = None
        elif category.type != "NAME":
            name = str(self._string(category))
        return ast.EventQuery(name, self._node(condition, 0), category.start_pos)

    def _sequence(self, tree: ParseNode) -> ast.Sequence:
        first, by, maxspan, *steps, until = tree.children
        nodes = self._steps(steps)
        if len(nodes) < 2 and nodes[0].runs < 2:
            raise self._error("a sequence needs at least two events", first)
        if maxspan is None and any(step.missing for step in nodes):
            raise self._error("a missing event (![...]) needs 'with maxspan=...'", first)
        if all(step.missing for step in nodes):
            raise self._error("a sequence of missing events matches nothing", first)
        if len({len(step.by) for step in nodes}) > 1:
            raise self._error("each event needs the same number of 'by' keys", first)
        end = None
        if until is not None:
            _, event, keys = until.children
            end = ast.Step(self._event(event), self._keys(keys))
            if len(end.by) != len(nodes[0].by):
                raise self._error(
                    "'until' needs as many 'by' keys as the events", until.children[0])
        return ast.Sequence(self._keys(by), self._maxspan_ns(maxspan), tuple(nodes), end)

    def _sample(self, tree: ParseNode) -> ast.Sample:
        first, by, *trees = tree.children
        keys, steps = self._keys(by), self._steps(trees)
        if len({len(step.by) for step in steps}) > 1:
            raise self._error("each event needs the same number of 'by' keys", first)
        if not keys and not steps[0].by:
            raise self._error("a sample needs 'by' keys: of all events, or of each", first)
        return ast.Sample(keys, tuple(steps))

    def _steps(self, trees: list[ParseNode]) -> list[ast.Step]:
        if len(trees) > _STEPS_MAX:
            raise self._error(f"more than {_STEPS_MAX} events", trees[_STEPS_MAX])
        steps = []
        for tree in trees:
            missing = len(tree.children) == 4
            event, by, runs = tree.children[-3:]
            # That an event is missing several times over says no more than that it is missing.
            times = 1 if self._runs(runs) and missing else self._runs(runs)
            steps.append(ast.Step(self._event(event), self._keys(by), times, missing))
        return steps

    def _keys(self, tree: ParseNode) -> tuple[ast.FieldRef, ...]:
        return () if tree is None else tuple(self._field(item) for item in tree.children[1:])

    def _runs(self, tree: ParseNode) -> int:
        if tree is None:
            return 1
        _, word, number = tree.children
        if str(word) != "runs":
            raise self._error("expected 'runs'", word)
        value = self._number(number)
        if not isinstance(value, int) or not 1 <= value <= _RUNS_MAX:
            raise self._error(f"'runs' is a whole number from 1 to {_RUNS_MAX}", number)
        return value

    def _maxspan_ns(self, tree: ParseNode) -> int:
        if tree is None:
            return 0
        _, word, number, unit = tree.children
        if str(word) != "maxspan":
            raise self._error("expected 'maxspan'", word)
        factor = _UNITS_NS.get("s" if unit is None else str(unit))
        if factor is None:
            raise self._error("a time ends in ms, s, m, h or d", unit)
        value = self._number(number)
        if value <= 0 or value * factor > _MAXSPAN_NS or not isinstance(value, int):
            raise self._error("'maxspan' is a whole number above 0, at most a year", number)
        return value * factor

    # --- conditions and values

    def _node(self, tree: ParseNode, depth: int) -> ast.Node:
        check_depth(depth, self._text, self._offset(tree))
        below = tree.children
        match tree.data:
            case "or_list":
                return ast.any_of([self._node(item, depth + 1) for item in below])
            case "and_list":
                return ast.all_of([self._node(item, depth + 1) for item in below])
            case "negated":
                return ast.Not(self._node(below[1], depth + 1))
            case "compare":
                left, op, right = below
                return ast.Compare(str(op), self._node(left, depth + 1),
                               self._node(right, depth + 1), op.start_pos)
            case "match":
                return self._match(tree, depth + 1)
            case "sum" | "product":
                return self._arithmetic(tree, depth)
            case "negative":
                return _negated(self._node(below[1], depth + 1))
            case "positive":
                return self._node(below[1], depth + 1)
            case "call":
                return self._call(tree, depth + 1)
            case "field":
                return self._field(tree)
        return self._literal(below[0])

    def _arithmetic(self, tree: ParseNode, depth: int) -> ast.Node:
        left, op, right = tree.children
        return ast.Arithmetic(str(op), self._node(left, depth + 1), self._node(right, depth + 1))

    def _match(self, tree: ParseNode, depth: int) -> ast.Node:
        left, negated, word, right = tree.children
        kind = str(word).rstrip("~")
        if negated is not None and kind == ":":
            raise self._error("write 'not field : value'", negated)
        if kind == "in" and right.data == "option":
            raise self._error("'in' needs a list in parentheses", self._leaf(right))
        if len(right.children) > _ARGUMENTS_MAX:
            raise self._error(f"more than {_ARGUMENTS_MAX} values", word)
        options = tuple(self._node(item, depth) for item in right.children)
        for option, item in zip(options, right.children, strict=True):
            self._check_option(kind, option, self._leaf(item))
        found = ast.OneOf(kind, self._node(left, depth), options,
                      kind == ":" or str(word).endswith("~"), word.start_pos)
        return found if negated is None else ast.Not(found)

    def _check_option(self, kind: str, option: ast.Node, place: ParseNode) -> None:
        if not isinstance(option, ast.Literal):
            if kind != "in":
                raise self._error(f"'{kind}' needs constants on its right", place)
        elif option.value is None:
            raise self._error(f"null cannot stand in '{kind}': use == null", place)
        elif kind in ("like", "regex") and not isinstance(option.value, str):
            raise self._error(f"'{kind}' needs strings on its right", place)
        elif kind == "regex":
            self._check_regex(str(option.value), place)

    def _check_regex(self, pattern: str, place: ParseNode) -> None:
        try:
            regex(pattern)
        except PatternError as error:
            quotes = 3 if place.type == "RAW_STRING" else 1
            exact = place.end_pos - place.start_pos == len(pattern) + 2 * quotes
            at = place.start_pos + (quotes + error.at if exact else 0)
            raise query_error(f"regular expression: {error.reason}", self._text, at) from None

    def _call(self, tree: ParseNode, depth: int) -> ast.Node:
        name, tilde, arguments = tree.children
        function = FUNCTIONS.get(str(name).lower())
        if function is None:
            raise self._error(f"unknown function '{name}'", name)
        if tilde is not None and not function.has_insensitive_form:
            raise self._error(f"'{function.name}' has no case-insensitive form", tilde)
        args = () if arguments is None else tuple(
            self._node(item, depth) for item in arguments.children
        )
        if not function.arity_min <= len(args) <= function.arity_max:
            raise self._error(f"'{function.name}' takes {function.arity_text}, not {len(args)}",
                              name)
        if function.name == "cidrMatch":
            self._check_networks(args[1:])
        return ast.Call(str(name).lower(), args, tilde is not None, name.start_pos)

    def _check_networks(self, args: tuple[ast.Node, ...]) -> None:
        for arg in args:
            if isinstance(arg, ast.Literal) and not is_network(text_of(arg.value)):
                raise query_error(
                    f"{text_of(arg.value)!r} is neither an IP address nor a network",
                    self._text, arg.at,
                )

    def _field(self, tree: ParseNode) -> ast.FieldRef:
        optional, name = tree.children
        text = str(name).replace("`", "") if name.type == "QUOTED_NAME" else str(name)
        return ast.FieldRef(text, optional is not None, name.start_pos)

    def _literal(self, token: ParseNode) -> ast.Literal:
        words: dict[str, bool | None] = {"TRUE": True, "FALSE": False, "NULL": None}
        if token.type in words:
            return ast.Literal(words[token.type], token.start_pos)
        if token.type == "NUMBER":
            return ast.Literal(self._number(token), token.start_pos)
        return ast.Literal(self._string(token), token.start_pos)

    def _string(self, token: ParseNode) -> str:
        if token.type == "RAW_STRING":
            return str(token)[3:-3]
        return unescape(str(token)[1:-1], _ESCAPES, self._text, token.start_pos + 1,
                        unknown="unknown escape")

    def _number(self, token: ParseNode) -> int | float:
        text = str(token)
        value = float(text)
        if not math.isfinite(value) or len(text) > 40:
            raise self._error("the number is too large", token)
        if text.isdigit():
            if int(text) >= 1 << 64:
                raise self._error("the number is too large", token)
            return int(text)
        return value

    # --- places

    def _leaf(self, tree: ParseNode) -> ParseNode:
        while not hasattr(tree, "start_pos"):
            tree = next(child for child in tree.children if child is not None)
        return tree

    def _offset(self, tree: ParseNode) -> int:
        return int(self._leaf(tree).start_pos)

    def _error(self, reason: str, place: ParseNode) -> Exception:
        return query_error(reason, self._text, self._offset(place))


def _negated(node: ast.Node) -> ast.Node:
    if (isinstance(node, ast.Literal) and isinstance(node.value, int | float)
            and not isinstance(node.value, bool)):
        return ast.Literal(-node.value, node.at)
    return ast.Negative(node)
