"""EQL texts and their trees, beyond the cases of tests/queries."""

from __future__ import annotations

import pytest

from sensor.query import ast
from sensor.query.eql import parser as eql

SECOND = 1_000_000_000


def test_sequences_parse_in_full() -> None:
    query = eql.parse(
        'sequence by host.id, ?user.id with maxspan=5m '
        '[process where a == 1] by b '
        '![network where true] by c '
        '[any where d : "x"] by ?e with runs=3 '
        'until [file where f] by g')
    assert isinstance(query, ast.Sequence)
    assert query.by == (ast.FieldRef("host.id"), ast.FieldRef("user.id", optional=True))
    assert query.maxspan_ns == 300 * SECOND
    assert [(step.event.category, step.runs, step.missing) for step in query.steps] == [
        ("process", 1, False), ("network", 1, True), (None, 3, False)]
    assert query.steps[2].by == (ast.FieldRef("e", optional=True),)
    assert query.until is not None and query.until.event.category == "file"


def test_samples_and_short_sequences_parse() -> None:
    sample = eql.parse("sample by a [any where true] [any where false]")
    assert isinstance(sample, ast.Sample) and len(sample.steps) == 2
    runs = eql.parse("sequence with maxspan=10s [any where true] with runs=5")
    assert isinstance(runs, ast.Sequence) and runs.steps[0].runs == 5


@pytest.mark.parametrize(("unit", "expected"), [
    ("250ms", SECOND // 4), ("3s", 3 * SECOND), ("3", 3 * SECOND), ("2m", 120 * SECOND),
    ("1h", 3600 * SECOND), ("1d", 86400 * SECOND)])
def test_maxspan_units(unit: str, expected: int) -> None:
    query = eql.parse(f"sequence with maxspan={unit} [any where true] [any where true]")
    assert isinstance(query, ast.Sequence) and query.maxspan_ns == expected
