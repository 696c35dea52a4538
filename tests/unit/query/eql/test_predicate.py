"""EQL over typed columns."""

from __future__ import annotations

import numpy as np
import pytest

from sensor.query.document_rows import Selection
from sensor.query.eql import parser as eql
from sensor.query.predicate import compile_query
from tests.typed_rows import Flows


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
