"""EQL over typed columns."""

from __future__ import annotations

import numpy as np
import pytest

from sensor.query.document_rows import DocumentRows, Selection
from sensor.query.eql import parser as eql
from sensor.query.predicate import compile_query, selects
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


@pytest.mark.parametrize(("text", "expected"), [
    ('number("0x1337") == 4919', True), ('number("0X1f") == 31', True),
    ('number("0x1337", null) == 4919', True), ('number("ff", 16) == 255', True),
    ('number("0x") == null', True), ('number("12", null) == 12', True),
    ('indexOf("abcab", "b", null) == 1', True), ('substring("abc", 1, null) == "bc"', True),
    ('between("a[b]c]", "[", "]", null) == "b"', True),
    ('substring("abc", 1, missing) == "bc"', True),
    ('concat("a", null) == null', True), ('substring("abc", null) == null', True),
    (r'"it\'s" == "it\u0027s"', True),
])
def test_null_for_what_may_be_left_out_and_numbers_of_any_base(
    text: str, expected: bool
) -> None:
    assert selects(eql.parse(f"any where {text}"), {}) is expected


@pytest.mark.parametrize(("text", "expected"), [
    ('source.ip : "10.1.2.3"', True), ('source.ip : "::ffff:10.1.2.3"', True),
    ('source.ip : "10.0.0.0/8"', True), ('source.ip : "10.*"', True),
    ('source.ip : "10.?.2.3"', True),
    ('source.ip : "11.0.0.0/8"', False), ('source.ip : "10.1.2.4"', False),
    ('source.ip : ("x", "10.0.0.0/8")', True), ('not source.ip : "10.0.0.0/8"', False),
    ('destination.ip : "fd00:0::1"', True), ('destination.ip : "FD00::1"', True),
    ('destination.ip : "fd00::/8"', True), ('destination.ip : "fd00::2"', False),
    ('@timestamp : "2026-01-02"', True), ('@timestamp : "2026-01-03"', False),
    ('@timestamp : "2026-01-02T04:04:05+01:00"', True), ('@timestamp : "2026-01-02T03*"', True),
    ('destination.port : 23', True), ('destination.port : "23"', True),
    ('destination.port : "2*"', False), ('destination.port : "24"', False),
    # Both are texts: only a pattern, and no number that both spell.
    ('text : "0x"', True), ('text : "0*"', True), ('digits : "7"', False), ('digits : "7.0"', True),
    ('digits : 7', True), ('flag : true', True), ('flag : "true"', True), ('flag : false', False),
])
def test_what_a_colon_finds_in_single_events(text: str, expected: bool) -> None:
    event = {"source.ip": "10.1.2.3", "destination.ip": "fd00::1", "destination.port": 23,
             "@timestamp": "2026-01-02T03:04:05Z", "text": "0X", "digits": "7.0", "flag": True}
    query = eql.parse(f"any where {text}")
    assert selects(query, event) is expected
    assert compile_query(query)(DocumentRows([event, event])).tolist() == [expected] * 2


def test_a_time_in_milliseconds() -> None:
    event = {"@timestamp": "2026-01-02T03:04:05.678901Z"}
    for text, expected in (("== 1767323045678", True), ("== 1767323045679", False),
                           ("> 1767323045677", True), ("!= 1767323045678", False),
                           ("in (1, 1767323045678)", True)):
        assert selects(eql.parse(f"any where @timestamp {text}"), event) is expected
