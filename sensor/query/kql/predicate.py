"""The tests of KQL: one field (or several, by pattern) against one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from sensor.model.addresses import Networks
from sensor.model.columns import AddressColumn, Column, Mask, NumberColumn, Rows
from sensor.query.ast import FieldTest, Node, Null, Range, Text, Wildcard
from sensor.query.masks import (
    NumberSet,
    Predicate,
    ValuesTest,
    date_mask,
    network_mask,
    number_mask,
    present,
)
from sensor.query.patterns import star_pattern
from sensor.query.values import date_span, holds, is_network, number_of, text_of


def leaf(node: FieldTest | Range, fields: tuple[str, ...]) -> Predicate:
    """The predicate of one test."""
    op = node.op if isinstance(node, Range) else "=="
    test = _test(node.value, op)
    if isinstance(node.field, Text):
        name = node.field.text
        return lambda rows: test(rows.column(name), rows.count)
    fits = star_pattern(node.field.parts if node.field else ("", ""))
    # Which fields rows have at all depends on the others of their batch: what must be missing is
    # every field, and one that no row has is.
    missing = isinstance(node.value, Null)

    def predicate(rows: Rows) -> Mask:
        mask = np.full(rows.count, missing)
        for name in field_names(rows, fields):
            if fits(name):
                found = test(rows.column(name), rows.count)
                mask = mask & found if missing else mask | found
        return mask

    return predicate


def numbers_apart(items: tuple[Node, ...]) -> tuple[list[Predicate], list[Node]]:
    """Alternatives: those that are whole numbers of one field, as one test a field; the others."""
    by_field: dict[str, list[FieldTest]] = {}
    for item in items:
        match item:
            case FieldTest(Text(name), Text(text)) if isinstance(number_of(text), int):
                by_field.setdefault(name, []).append(item)
    # One alone stays what it is: other queries may ask it too, and then it is asked once a batch.
    together = {name: tests for name, tests in by_field.items() if len(tests) > 1}
    taken = {id(test) for tests in together.values() for test in tests}
    return ([_numbers(name, tests) for name, tests in together.items()],
            [item for item in items if id(item) not in taken])


def _numbers(name: str, tests: list[FieldTest]) -> Predicate:
    """One field has any of some whole numbers."""
    one_by_one = [_test(test.value, "==") for test in tests]
    wanted = [number_of(test.value.text) for test in tests if isinstance(test.value, Text)]
    numbers = NumberSet([number for number in wanted if isinstance(number, int)])

    def predicate(rows: Rows) -> Mask:
        column = rows.column(name)
        if isinstance(column, NumberColumn) and numbers.fits(column):
            return numbers.mask(column)
        masks = [test(column, rows.count) for test in one_by_one]
        together: Mask = np.logical_or.reduce(masks)
        return together

    return predicate


def field_names(rows: Rows, fields: tuple[str, ...]) -> Iterable[str]:
    """The fields that rows can have: as they tell, else as the schema does."""
    own: Any = getattr(rows, "fields", None)
    return fields if own is None else own()


Test = Callable[[Column | None, int], Mask]
"""A test of one column: it, and the number of rows -> the rows that pass."""


def _test(value: Text | Null | Wildcard, op: str) -> Test:
    if isinstance(value, Null):
        return lambda column, count: ~present(column, count)
    if isinstance(value, Text):
        return _compared(op, value.text)
    if value.is_exists:
        return present
    fits = star_pattern(value.parts)
    return ValuesTest(lambda values: any(fits(text_of(value)) for value in values)).mask


def _compared(op: str, text: str) -> Test:
    """A value stands in an order to a text, read as the type of the field asks."""
    number, span = number_of(text), date_span(text)
    networks = Networks([text]) if op == "==" and is_network(text) else None
    by_value = ValuesTest(lambda values: any(holds(op, value, text) for value in values))

    def test(column: Column | None, count: int) -> Mask:
        if isinstance(column, NumberColumn) and column.values.dtype.kind in "iuf":
            if column.ecs_type == "date":
                if span is not None:
                    return date_mask(column, op, span)
            elif number is not None:
                return number_mask(column, op, number)
            return np.zeros(count, dtype=bool)
        if isinstance(column, AddressColumn) and networks is not None:
            return network_mask(column, networks)
        return by_value.mask(column, count)

    return test
