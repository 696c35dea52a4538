"""From a test of values to a mask over a column: the part that is fast because it is columns.

A test of single values runs once per distinct value and becomes a mask by look-up; numbers against
a constant and addresses against networks are compared as whole arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensor.model.addresses import Networks
from sensor.model.columns import AddressColumn, CodedColumn, Column, Mask, NumberColumn, Rows
from sensor.model.recoding import recoded
from sensor.query.values import ORDER, DateText, IpText, Value

Predicate = Callable[[Rows], Mask]
Values = tuple[Value, ...]

_U16 = 1 << 16

NUMBER_TYPES = frozenset({
    "long", "integer", "short", "byte", "unsigned_long",
    "float", "double", "half_float", "scaled_float",
})


def present(column: Column | None, count: int) -> Mask:
    """Which rows have a value."""
    if column is None:
        return np.zeros(count, dtype=bool)
    if isinstance(column, CodedColumn):
        return _look_up([bool(entry) for entry in column.table], column.codes)
    if column.valid is None:
        return np.ones(count, dtype=bool)
    return column.valid


def number_mask(column: NumberColumn, op: str, number: float) -> Mask:
    """`values op number`, exactly: whole numbers are never compared as rounded floats."""
    values = column.values
    if values.dtype.kind in "iu" and not isinstance(number, int):
        if number == math.floor(number):
            number = int(number)
        elif op == "==":
            return np.zeros(len(values), dtype=bool)
        else:
            # Between two whole numbers: < and <= mean up to the lower, > and >= from the upper.
            op, number = ("<=", math.floor(number)) if "<" in op else (">=", math.ceil(number))
    mask: Mask = np.asarray(ORDER[op](values, number), dtype=bool)
    return mask if column.valid is None else mask & column.valid


class NumberSet:
    """Some whole numbers, to be looked up in columns of 16 bits such as ports."""

    def __init__(self, numbers: list[int]) -> None:
        self._table = np.zeros(_U16, dtype=bool)
        self._table[[number for number in numbers if 0 <= number < _U16]] = True

    def fits(self, column: NumberColumn) -> bool:
        """True if a column can be looked up."""
        return column.values.dtype == np.uint16 and column.ecs_type != "date"

    def mask(self, column: NumberColumn) -> Mask:
        """The rows whose number is one of them; the column must fit."""
        mask: Mask = self._table[column.values]
        return mask if column.valid is None else mask & column.valid


def date_mask(column: NumberColumn, op: str, span: tuple[int, int]) -> Mask:
    """`dates op span` where the dates are nanoseconds since 1970 (values.span_holds)."""
    first, end = span
    if op == "==":
        return number_mask(column, ">=", first) & number_mask(column, "<", end)
    return number_mask(column, *{"<": ("<", first), "<=": ("<", end),
                                 ">": (">=", end), ">=": (">=", first)}[op])


def network_mask(column: AddressColumn, networks: Networks) -> Mask:
    """Which addresses are inside."""
    mask = networks.mask(column.hi, column.lo)
    return mask if column.valid is None else mask & column.valid


class ValuesTest:
    """A test of all values of one field of a document, as a mask over any column."""

    def __init__(self, test: Callable[[Values], bool]) -> None:
        self._test = test
        self._table: object = None
        self._ecs_type = ""
        self._results: NDArray[np.bool_] = np.zeros(0, dtype=bool)

    def mask(self, column: Column | None, count: int) -> Mask:
        """The rows that pass; a column that does not exist has no values."""
        if column is None:
            return np.full(count, self._test(()), dtype=bool)
        coded = recoded(column)
        # Batches share the tables of their fields: the results stay good from batch to batch.
        if coded.table is not self._table or coded.ecs_type != self._ecs_type:
            self._results = np.array(
                [self._test(marked(entry, coded.ecs_type)) for entry in coded.table], dtype=bool
            )
            self._table, self._ecs_type = coded.table, coded.ecs_type
        selected: Mask = self._results[coded.codes]
        return selected


def marked(values: Values, ecs_type: str) -> Values:
    """The values with their type made visible to values.holds."""
    if ecs_type == "ip":
        return tuple(IpText(value) if isinstance(value, str) else value for value in values)
    if ecs_type == "date":
        return tuple(DateText(value) if isinstance(value, str) else value for value in values)
    return values


def combinations(columns: list[CodedColumn]) -> tuple[NDArray[Any], list[tuple[Values, ...]]]:
    """The distinct rows of several columns: a code per row, and the values of each code."""
    stacked = np.stack([column.codes for column in columns], axis=1)
    distinct, codes = np.unique(stacked, axis=0, return_inverse=True)
    entries = [
        tuple(marked(column.table[code], column.ecs_type)
              for column, code in zip(columns, row, strict=True))
        for row in distinct.tolist()
    ]
    return codes.reshape(-1), entries


def _look_up(results: list[bool], codes: NDArray[Any]) -> Mask:
    selected: Mask = np.array(results, dtype=bool)[codes]
    return selected
