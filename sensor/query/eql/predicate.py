"""The conditions of EQL: what one means for one event, and its mask over columns.

`truth` is the definition. A condition that is not split further by logic runs once per distinct
combination of the values that it looks at; the common shapes are compared as whole arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice, product

import numpy as np

from sensor.model.addresses import Networks
from sensor.model.columns import AddressColumn, Column, Mask, NumberColumn, Rows
from sensor.model.recoding import recoded
from sensor.query import ast, masks
from sensor.query.eql.functions import FUNCTIONS, Result, calculate
from sensor.query.patterns import regex, wildcard
from sensor.query.values import (
    MIRRORED,
    DateText,
    IpText,
    Value,
    date_span_of,
    equal,
    holds,
    is_network,
    number_of,
)

COMBINATIONS_MAX = 4096
"""Values of a function whose arguments are all lists; what goes beyond is not looked at."""

Event = Mapping[str, masks.Values]


# --- one event


def values_of(node: ast.Node, event: Event) -> masks.Values:
    """The values of an expression; none at all is null, several are the values of a list."""
    match node:
        case ast.Literal(value):
            return () if value is None else (value,)
        case ast.FieldRef(name):
            return event.get(name, ())
        case ast.Call(name, args, insensitive):
            function = FUNCTIONS[name]
            given = function.given([values_of(arg, event) for arg in args])
            return _not_null(function.apply(chosen, insensitive)
                             for chosen in islice(product(*given), COMBINATIONS_MAX))
        case ast.Arithmetic(op, left, right):
            return _not_null(calculate(op, *chosen) for chosen in _choices((left, right), event))
        case ast.Negative(item):
            return _not_null(calculate("-", 0, value) for value in values_of(item, event))
    return (truth(node, event),)


def _choices(nodes: tuple[ast.Node, ...], event: Event) -> islice[tuple[Value, ...]]:
    return islice(product(*(values_of(node, event) for node in nodes)), COMBINATIONS_MAX)


def _not_null(results: object) -> masks.Values:
    found: list[Result] = list(results)  # type: ignore[call-overload]
    return tuple(result for result in found if result is not None)


def truth(node: ast.Node, event: Event) -> bool:
    """True if a condition holds for an event."""
    match node:
        case ast.And(items):
            return all(truth(item, event) for item in items)
        case ast.Or(items):
            return any(truth(item, event) for item in items)
        case ast.Not(item):
            return not truth(item, event)
        case ast.Compare(op, left, right):
            return _compared(op, left, right, event)
        case ast.OneOf(kind, left, options, insensitive):
            return any(_matches(kind, value, choice, insensitive)
                       for value in values_of(left, event)
                       for option in options for choice in values_of(option, event))
    return any(value is True for value in values_of(node, event))


def _compared(op: str, left: ast.Node, right: ast.Node, event: Event) -> bool:
    if op == "!=":
        return not _compared("==", left, right, event)
    if _is_null(left) or _is_null(right):
        other = left if _is_null(right) else right
        return op == "==" and not values_of(other, event)
    return any(holds(op, first, second) for first, second in _choices((left, right), event))


def _is_null(node: ast.Node) -> bool:
    return isinstance(node, ast.Literal) and node.value is None


def _matches(kind: str, value: Value, option: Value, insensitive: bool) -> bool:
    if kind == "in":
        return equal(value, option, insensitive)
    if kind == ":":
        typed = isinstance(value, IpText | DateText) or not isinstance(value, str)
        if (typed or not isinstance(option, str)) and holds("==", value, option):
            return True
    if not (isinstance(value, str) and isinstance(option, str)):
        return False
    test = regex(option, insensitive) if kind == "regex" else wildcard(option, insensitive)
    return test(value)


# --- columns


def leaf(node: ast.Node) -> masks.Predicate:
    """The predicate of a condition without logic at its top."""
    names = field_names(node)
    if len(names) != 1:
        return _combined(node, names)
    (name,) = names
    general = masks.ValuesTest(lambda values: truth(node, {name: values}))
    quick = _quick(node)

    def predicate(rows: Rows) -> Mask:
        column = rows.column(name)
        mask = None if quick is None or column is None else quick.mask(column)
        return general.mask(column, rows.count) if mask is None else mask

    return predicate


def field_names(node: ast.Node) -> list[str]:
    """The fields that a condition looks at, each once."""
    names: dict[str, None] = {}
    waiting: list[object] = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, ast.FieldRef):
            names[current.name] = None
        else:
            waiting.extend(ast.children(current))  # type: ignore[arg-type]
    return list(names)


def _combined(node: ast.Node, names: list[str]) -> masks.Predicate:
    def predicate(rows: Rows) -> Mask:
        found = [(name, rows.column(name)) for name in names]
        columns = {name: recoded(column) for name, column in found if column is not None}
        if not columns or not rows.count:
            return np.full(rows.count, truth(node, {}), dtype=bool)
        codes, entries = masks.combinations(list(columns.values()))
        results = [truth(node, dict(zip(columns, entry, strict=True))) for entry in entries]
        selected: Mask = np.array(results, dtype=bool)[codes]
        return selected

    return predicate


class _Quick:
    """A condition of a common shape: one field against constants."""

    def __init__(self, op: str, options: tuple[Value, ...], negated: bool) -> None:
        self._op = op
        self._negated = negated
        self._numbers = [number_of(option) for option in options]
        self._spans = [date_span_of(option) for option in options]
        self._networks = None
        if op == "==" and all(isinstance(option, str) and is_network(option) for option in options):
            self._networks = Networks([str(option) for option in options])
        whole = [number for number in self._numbers if isinstance(number, int)]
        is_set = op == "==" and len(whole) == len(options) > 1
        self._set = masks.NumberSet(whole) if is_set else None

    def mask(self, column: Column) -> Mask | None:
        """The rows, or None where this column needs the general way."""
        mask = None
        if isinstance(column, AddressColumn):
            if self._networks is not None:
                mask = masks.network_mask(column, self._networks)
        elif isinstance(column, NumberColumn) and column.values.dtype.kind in "iuf":
            mask = self._number_mask(column)
        return ~mask if mask is not None and self._negated else mask

    def _number_mask(self, column: NumberColumn) -> Mask:
        if self._set is not None and self._set.fits(column):
            return self._set.mask(column)
        mask = np.zeros(len(column.values), dtype=bool)
        for number, span in zip(self._numbers, self._spans, strict=True):
            if column.ecs_type == "date":
                if span is not None:
                    mask |= masks.date_mask(column, self._op, span)
            elif number is not None:
                mask |= masks.number_mask(column, self._op, number)
        return mask


def _quick(node: ast.Node) -> _Quick | None:
    """The quick form of a condition, if it has one."""
    match node:
        case ast.Compare(op, ast.FieldRef(), ast.Literal(value)) if value is not None:
            return _Quick("==" if op == "!=" else op, (value,), op == "!=")
        case ast.Compare(op, ast.Literal(value), ast.FieldRef()) if value is not None:
            return _Quick("==" if op == "!=" else MIRRORED[op], (value,), op == "!=")
        case ast.OneOf(kind, ast.FieldRef(), options) if kind in ("in", ":"):
            values = tuple(option.value for option in options if isinstance(option, ast.Literal))
            if len(values) == len(options):
                if kind == ":" and any(isinstance(value, str) for value in values):
                    return _Addresses.of(values)
                return _Quick("==", values, False)  # type: ignore[arg-type]
        case ast.Call("cidrmatch", (ast.FieldRef(), *cidrs)):
            values = tuple(cidr.value for cidr in cidrs if isinstance(cidr, ast.Literal))
            if len(values) == len(cidrs):
                return _Addresses.of(values)
    return None


class _Addresses(_Quick):
    """Only the addresses have a quick form: other columns take the general way."""

    @classmethod
    def of(cls, values: tuple[object, ...]) -> _Addresses | None:
        texts = tuple(value for value in values if isinstance(value, str))
        return cls("==", texts, False) if len(texts) == len(values) else None

    def mask(self, column: Column) -> Mask | None:
        """The rows, or None where this column needs the general way."""
        return super().mask(column) if isinstance(column, AddressColumn) else None
