"""Predicates over typed columns, and what several queries share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensor.model.columns import AddressColumn, CodedColumn, Column, NumberColumn
from sensor.query.document_rows import DocumentRows, Selection
from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.query.predicate import Shared, compile_query

SECOND = 1_000_000_000


class Flows:
    """Typed columns, as flow batches have them."""

    count = 4

    def __init__(self) -> None:
        valid = np.array([True, True, True, False])
        self.columns: dict[str, Any] = {
            "u16": NumberColumn(np.array([23, 80, 65535, 23], dtype=np.uint16), valid),
            "u64": NumberColumn(np.array([2**63, 2**53 + 1, 0, 1], dtype=np.uint64), None),
            "i64": NumberColumn(np.array([-1, 2**53 + 1, 0, 1], dtype=np.int64), None),
            "f64": NumberColumn(np.array([-0.5, 2.0, 0.1, 1e300]), None, "double"),
            "when": NumberColumn(np.array([0, SECOND, 86400 * SECOND, 1]), None, "date"),
            "ip": AddressColumn(np.array([0, 0, 0xFD00 << 48, 0], dtype=np.uint64),
                                np.array([0xFFFF0A000001, 0xFFFF08080808, 1, 0], dtype=np.uint64),
                                valid),
            "word": CodedColumn(np.array([0, 1, 1, 2], dtype=np.uint8), (("a", "b"), ("c",), ())),
        }

    def column(self, name: str) -> Any:
        return self.columns.get(name)

    def known_ns(self, row: int) -> int:
        return row

    def document(self, row: int) -> dict[str, Any]:
        return {"row": row}


@pytest.mark.parametrize(("text", "expected"), [
    ("u16:23", [0]), ("not u16:23", [1, 2, 3]), ("u16 > 23", [1, 2]), ("u16:99999999999999", []),
    ("u16 < 99999999999999", [0, 1, 2]), ("u16:x", []), ("u16 > -1", [0, 1, 2]),
    ("u16:*", [0, 1, 2]),
    ("u16:2*", [0]), ("u64:9223372036854775808", [0]), ("u64 >= 9007199254740993", [0, 1]),
    ("u64:9007199254740992", []), ("u64 > 9007199254740992", [0, 1]), ("i64 < 0", [0]),
    ("i64 < 0.5", [0, 2]), ("i64 >= 0.5", [1, 3]), ("i64:0.5", []), ("f64:2", [1]),
    ("f64 < 0.1", [0]), ("when:\"1970-01-01\"", [0, 1, 3]), ("when > \"1970-01-01\"", [2]),
    ("when:x", []), ("ip:10.0.0.0/8", [0]), ("not ip:10.0.0.0/8", [1, 2, 3]),
    ("ip:fd00::/8", [2]),
    ("ip:8.8.*", [1]), ("ip:x", []), ("ip > 8.8.8.8", [0, 2]), ("ip:*", [0, 1, 2]),
    ("ip:null", [3]),
    ("word:b", [0]), ("word:null", [3]), ("none:null", [0, 1, 2, 3]),
    ("u16:23 and ip:10.0.0.1", [0]),
    ("word:(a and b)", [0]), ("*16:23", [0]), ("23", [0]), ("8.8.8.8", [1]),
])
def test_kql_over_typed_columns(text: str, expected: list[int]) -> None:
    rows = Flows()
    predicate = compile_query(kql.parse(text), list(rows.columns))
    assert np.flatnonzero(predicate(rows)).tolist() == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("u16 == 23", [0]), ("u16 != 23", [1, 2, 3]), ("u16 in (23, 80.0, 1.5)", [0, 1]),
    ("23 < u16", [1, 2]), ("u16 : 80", [1]), ("u16 == null", [3]), ("u16 + 1 == 24", [0]),
    ("u64 == 9223372036854775808", [0]), ("i64 < 0.5", [0, 2]), ("u16 < u64", [0, 1]),
    ("cidrMatch(ip, \"10.0.0.0/8\", \"fd00::/8\")", [0, 2]),
    ("not cidrMatch(ip, \"10.0.0.0/8\", \"fd00::/8\")", [1, 3]),
    ("ip == \"::ffff:10.0.0.1\"", [0]), ("ip in (\"10.0.0.1\", \"8.8.0.0/16\")", [0, 1]),
    ("ip : (\"10.*\", \"8.8.8.8\")", [0, 1]), ("ip like \"fd*\"", [2]), ("ip != null", [0, 1, 2]),
    ("ip > \"9.0.0.0\"", [0, 2]), ("when >= \"1970-01-01T00:00:01Z\"", [1, 2]),
    ("when == \"1970-01-01T00:00:01Z\"", [1]), ("length(ip) == 8", [0]), ("word : \"B\"", [0]),
    ("string(u16) == \"80\"", [1]), ("u16 == \"80\"", [1]), ("u16 == \"x\"", []), ("f64 == 2", [1]),
    ("u16 in (80, 70000, -1)", [1]), ("u16 in (23, true)", [0]),
    ("u16 == true", []), ("concat(word, u16) == \"b23\"", [0]),
])
def test_eql_over_typed_columns(text: str, expected: list[int]) -> None:
    rows = Flows()
    predicate = compile_query(eql.parse(f"any where {text}"))
    for batch in (rows, Selection(rows, np.arange(4))):
        assert np.flatnonzero(predicate(batch)).tolist() == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("u16:(23 or 80)", [0, 1]), ("not u16:(23 or 70000)", [1, 2, 3]), ("u16:(23 or x)", [0]),
    ("u16:(80 or -1) or word:a", None), ("u16:(23 or 80) or u16:23", [0, 1]),
])
def test_kql_alternatives_over_typed_columns(text: str, expected: list[int] | None) -> None:
    """Whole numbers of one field are looked up together: the same as one after the other."""
    rows = Flows()
    if expected is None:
        parts = [compile_query(kql.parse(part))(rows) for part in ("u16:80", "u16:-1", "word:a")]
        expected = np.flatnonzero(np.logical_or.reduce(parts)).tolist()
    for batch in (rows, Selection(rows, np.arange(4))):
        assert np.flatnonzero(compile_query(kql.parse(text))(batch)).tolist() == expected


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
