"""Terms: one spelling for a value, however its column holds it."""

from __future__ import annotations

import numpy as np
import pytest

from sensor.model.addresses import address_halves
from sensor.model.columns import AddressColumn, CodedColumn, Column, NumberColumn
from sensor.query.document_rows import DocumentRows
from sensor.query.stateful.terms import COMBINATIONS_MAX, Terms, combinations_of, terms_of

ALL = np.arange(3)


def addresses(*texts: str, valid: list[bool] | None = None) -> AddressColumn:
    hi, lo = zip(*map(address_halves, texts), strict=True)
    return AddressColumn(np.array(hi, np.uint64), np.array(lo, np.uint64),
                         None if valid is None else np.array(valid))


@pytest.mark.parametrize(("column", "expected"), [
    (None, [(), (), ()]),
    (addresses("10.0.0.1", "::1", "::ffff:10.0.0.1"), [("10.0.0.1",), ("::1",), ("10.0.0.1",)]),
    (addresses("10.0.0.1", "::1", "::", valid=[True, False, True]),
     [("10.0.0.1",), (), ("::",)]),
    (NumberColumn(np.array([1, 2, 1])), [(1,), (2,), (1,)]),
    (NumberColumn(np.array([1, 2, 1]), np.array([False, True, True])), [(), (2,), (1,)]),
    (NumberColumn(np.array([0, 1, 2]), ecs_type="date"),
     [(f"1970-01-01T00:00:00.00000000{n}Z",) for n in range(3)]),
    (CodedColumn(np.array([1, 0, 2]), ((), ("a",), ("b", "a", "b"))), [("a",), (), ("b", "a")]),
    (CodedColumn(np.array([0, 1, 2]), (("FD00::0:1",), ("::ffff:10.0.0.1",), ("?",)), "ip"),
     [("fd00::1",), ("10.0.0.1",), ("?",)]),
    (CodedColumn(np.array([0, 1, 2]), (("23",), (23,), ("x",)), "long"), [(23,), (23,), ("x",)]),
    (CodedColumn(np.array([0, 1, 2]), ((True,), ("true",), (1,))), [("true",), ("true",), ("1",)]),
])
def test_terms_of_columns(column: Column | None, expected: list[Terms]) -> None:
    assert terms_of(column, ALL) == expected
    assert terms_of(column, np.array([2, 0])) == [expected[2], expected[0]]


def test_very_long_texts_stay_apart_and_take_little_room() -> None:
    """What rules remember is bounded in octets, not only in number."""
    long, other = "x" * 100_000, "x" * 99_999 + "y"
    short = "x" * 1024
    table = ((long,), (other,), (short,))
    for kind in ("keyword", "ip", "long"):
        (first,), (second,), (third,) = terms_of(CodedColumn(ALL, table, kind), ALL)
        assert len({first, second, third}) == 3 and third == short
        assert max(len(str(term)) for term in (first, second)) <= 1024
        again = terms_of(CodedColumn(ALL[:1], ((long,),), kind), ALL[:1])
        assert again == [(first,)]


def test_combinations_need_every_field() -> None:
    rows = DocumentRows([{"a": 1, "tags": ["x", "y"]}, {"a": 1}, {"tags": "x"}])
    assert combinations_of(rows, ["a", "tags"], ALL) == [[("1", "x"), ("1", "y")], [], []]
    assert combinations_of(rows, ["tags"], ALL) == [[("x",), ("y",)], [], [("x",)]]
    assert combinations_of(rows, [], ALL) == [[()]] * 3


def test_combinations_are_bounded() -> None:
    rows = DocumentRows([{"a": list(range(99)), "b": list(range(99))}])
    (found,) = combinations_of(rows, ["a", "b"], np.arange(1))
    assert len(found) == COMBINATIONS_MAX
