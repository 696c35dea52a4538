"""Documents as rows, dotted and nested."""

from __future__ import annotations

from sensor.model.columns import CodedColumn
from sensor.query.document_rows import DocumentRows, nested, values_at


def test_rows_of_documents() -> None:
    rows = DocumentRows([{"a.b": 1, "a": {"c": [1, True, {"d": "x"}]}}, {}], [5, 6])
    assert sorted(rows.fields()) == ["a.b", "a.c", "a.c.d"]
    column = rows.column("a.c")
    assert isinstance(column, CodedColumn)
    assert [column.table[code] for code in column.codes] == [(1, True), ()]
    assert rows.column("a") is None and rows.known_ns(1) == 6
    assert rows.documents([0])[0] == {"a": {"b": 1, "c": [1, True, {"d": "x"}]}}


def test_dotted_keys_unfold_without_changing_the_document() -> None:
    document = {"a": {"b": 1}, "a.c": 2, "a.d.e": 3}
    assert nested(document) == {"a": {"b": 1, "c": 2, "d": {"e": 3}}}
    assert document["a"] == {"b": 1}
    assert values_at({"a": [{"b": [1, 2]}, {"b": None}, {"c": 3}]}, "a.b") == [1, 2]
