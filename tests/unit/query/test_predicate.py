"""Predicates over typed columns, and what several queries share."""

from __future__ import annotations

import pytest

from sensor.model.columns import Column
from sensor.query.document_rows import DocumentRows
from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.query.predicate import Shared, compile_query
from tests.typed_rows import Flows


def test_what_queries_share_is_asked_once_a_batch() -> None:
    asked = []

    class Counted(Flows):
        def column(self, name: str) -> Column | None:
            asked.append(name)
            return super().column(name)

    shared = Shared()
    queries = [compile_query(eql.parse(f"any where u16 == 23 and f64 == {n}"), (), shared)
               for n in (1, 2, 3)]
    alone = [compile_query(eql.parse(f"any where u16 == 23 and f64 == {n}")) for n in (1, 2, 3)]
    for _ in range(3):  # each batch anew
        rows = Counted()
        masks = [query(rows).tolist() for query in queries]
        assert asked.count("u16") == 1
        asked.clear()
        assert masks == [query(Flows()).tolist() for query in alone]


def test_a_number_beside_other_alternatives_is_shared_too() -> None:
    asked = []

    class Counted(Flows):
        def column(self, name: str) -> Column | None:
            asked.append(name)
            return super().column(name)

    shared = Shared()
    queries = [compile_query(kql.parse(f"u16:23 or word:{word}"), (), shared) for word in "ac"]
    rows = Counted()
    assert [query(rows).tolist() for query in queries] == [
        [True, False, False, False], [True, True, True, False]]
    assert asked.count("u16") == 1


@pytest.mark.parametrize("texts", [
    ("any where a == 1", "any where a == true"), ("any where a == 1", 'any where a == "1"'),
    ("any where a == null", 'any where a == "null"'),
    ('any where a == "x"', 'any where a : "x"'), ("any where a == 1", "any where b == 1"),
    ('any where startsWith(a, "x")', 'any where startsWith~(a, "x")'),
])
def test_what_only_looks_alike_is_not_shared(texts: tuple[str, str]) -> None:
    rows = DocumentRows([{"a": value, "b": other} for value in (1, True, "1", "null", "x", "X")
                         for other in (1, "x")] + [{}])
    shared = Shared()
    together = [compile_query(eql.parse(text), (), shared)(rows).tolist() for text in texts]
    assert together == [compile_query(eql.parse(text))(rows).tolist() for text in texts]


def test_true_and_one_are_different_values() -> None:
    rows = DocumentRows([{"a": True}, {"a": 1}])
    assert compile_query(kql.parse("a:true"))(rows).tolist() == [True, False]


def test_of_conditions_that_select_few_the_first_stays_the_first() -> None:
    asked = []

    class Counted(DocumentRows):
        def column(self, name: str) -> Column | None:
            asked.append(name)
            return super().column(name)

    query = compile_query(eql.parse("any where a == 1 and b == 1"))
    documents = [{"a": int(row < 2), "b": int(row == 0)} for row in range(20)]
    for batch, expected in ((documents, [0]), (documents[2:], [])):
        asked.clear()
        mask = query(Counted(batch, list(range(len(batch)))))
        assert [row for row, selected in enumerate(mask.tolist()) if selected] == expected
    assert asked == ["a"]  # b selects fewer rows, but a selects none of these
