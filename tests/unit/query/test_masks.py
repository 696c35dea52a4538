"""Tests over whole columns: exact for whole numbers, once per value for the rest."""

from __future__ import annotations

import numpy as np
import pytest

from sensor.model.columns import AddressColumn, CodedColumn, NumberColumn
from sensor.model.recoding import date_text, recoded
from sensor.query.masks import (
    NumberSet,
    Values,
    ValuesTest,
    combinations,
    number_mask,
    present,
)

LARGE = (1 << 53) + 1
"""The first whole number that no float is."""


@pytest.mark.parametrize(("op", "number", "expected"), [
    ("==", 2.0, [False, True, False]), ("==", 1.5, [False] * 3), ("<", 1.5, [True, False, False]),
    (">=", 1.5, [False, True, True]), ("==", float(1 << 53), [False] * 3),
    ("==", LARGE, [False, False, True]), (">", float(1 << 53), [False, False, True]),
])  # fmt: skip
def test_whole_numbers_are_compared_exactly(op: str, number: float, expected: list[bool]) -> None:
    column = NumberColumn(np.array([1, 2, LARGE], np.int64))
    assert number_mask(column, op, number).tolist() == expected


def test_a_row_without_a_value_passes_no_comparison() -> None:
    column = NumberColumn(np.array([1, 1], np.uint16), np.array([True, False]))
    assert number_mask(column, "==", 1).tolist() == [True, False]
    assert NumberSet([1, 99_999]).mask(column).tolist() == [True, False]
    assert present(column, 2).tolist() == [True, False]
    assert present(None, 2).tolist() == [False, False]


def test_a_test_of_values_runs_once_for_each_value() -> None:
    asked: list[Values] = []

    def is_b(values: Values) -> bool:
        asked.append(values)
        return "b" in values

    column = CodedColumn(np.array([0, 1, 1, 2, 1]), (("a",), ("a", "b"), ()))
    test = ValuesTest(is_b)
    assert test.mask(column, 5).tolist() == [False, True, True, False, True]
    assert test.mask(column, 5).tolist() == [False, True, True, False, True]
    assert asked == [("a",), ("a", "b"), ()]
    assert test.mask(None, 2).tolist() == [False, False]


def test_addresses_and_dates_become_text() -> None:
    addresses = recoded(AddressColumn(np.array([0x20010DB8 << 32, 0], np.uint64),
                                      np.array([1, 0xFFFFC0000201], np.uint64)))
    assert [addresses.table[code] for code in addresses.codes] == [("2001:db8::1",),
                                                                   ("192.0.2.1",)]
    dates = recoded(NumberColumn(np.array([5, 7]), np.array([True, False]), "date"))
    assert [dates.table[code] for code in dates.codes] == [
        ("1970-01-01T00:00:00.000000005Z",), ()]
    assert date_text(1 << 80) == "9999-12-31T23:59:59.999999999Z"


def test_distinct_rows_of_several_columns() -> None:
    first = CodedColumn(np.array([0, 1, 0]), (("a",), ("b",)))
    second = CodedColumn(np.array([0, 0, 0]), ((1,),))
    codes, entries = combinations([first, second])
    assert [entries[code] for code in codes] == [(("a",), (1,)), (("b",), (1,)), (("a",), (1,))]
