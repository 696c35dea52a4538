"""KQL over typed columns."""

from __future__ import annotations

import numpy as np
import pytest

from sensor.query.document_rows import Selection
from sensor.query.kql import parser as kql
from sensor.query.predicate import compile_query
from tests.typed_rows import Flows


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
