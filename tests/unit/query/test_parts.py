"""The parts of the query languages that the cases in tests/queries do not reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensor.model.columns import AddressColumn, CodedColumn, Column, NumberColumn
from sensor.query import ast
from sensor.query.document_rows import DocumentRows, Selection, nested, values_at
from sensor.query.eql import parser as eql
from sensor.query.external_networks import missing_ranges, strictly_external
from sensor.query.kql import parser as kql
from sensor.query.patterns import PatternError, regex, star_pattern, wildcard
from sensor.query.predicate import Shared, compile_query
from sensor.query.validate import check
from sensor.query.values import date_span, is_network

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


@pytest.mark.parametrize(("pattern", "yes", "no"), [
    ("abc", "abc", "abcd"), ("a.c", "a\nc", "ac"), ("a|bc", "bc", "ac"), ("(a|b)c", "bc", "c"),
    ("ab?c", "ac", "abbc"), ("ab*c", "abbbc", "adc"), ("ab+c", "abc", "ac"),
    ("a{3}", "aaa", "aa"), ("a{2,}", "aaaa", "a"), ("a{1,2}", "aa", "aaa"), ("a{0}", "", "a"),
    ("[a-c]x", "bx", "dx"), ("[^a-c]x", "dx", "ax"), ("[]a]", "]", "b"), ("[a-]", "-", "b"),
    (r"\.", ".", "a"), (r"[\]]", "]", "\\"), (r"\d+", "123", "12a"), (r"\W", "-", "a"),
    (r"[\d.]+", "1.2", "1,2"), ('"a.b"', "a.b", "axb"), ("a@c", "axyzc", "axyz"),
    ("", "", "a"), ("(a|)b", "b", "aab"), ("((a*)*)*b", "aab", "aa"), ("a#|b", "b", "a"),
])
def test_regular_expressions_fit_whole_texts(pattern: str, yes: str, no: str) -> None:
    assert regex(pattern)(yes)
    assert not regex(pattern)(no)


def test_regular_expressions_that_do_not_mind_capitals() -> None:
    assert regex("A[b-d]e", True)("aCE")
    assert not regex("A[b-d]e")("aCE")


@pytest.mark.parametrize("pattern", ["(" * 100 + ")" * 100, "a" + "?" * 100, "a{1", "[z", "a\\",
                                     '"x', ")", "<1-5>", "~a", "x{9999}{9999}"])
def test_regular_expressions_that_are_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        regex(pattern)


def test_wildcards() -> None:
    assert wildcard("a*b?c*")("aXXbYbZcend")
    assert not wildcard("a*b?c")("abc")
    assert wildcard("A*", True)("aB") and not wildcard("A*")("aB")
    assert wildcard("[a]*")("[a]x") and not wildcard("[a]*")("ax")
    assert star_pattern(("a", "?", ""))("xa?"[1:]) and not star_pattern(("a", "?", ""))("ab")
    assert not wildcard("*a" * 50)("a" * 49)


@pytest.mark.parametrize(("text", "first", "size"), [
    ("1970-01-01T00:00:01Z", SECOND, SECOND), ("1970-01-02", 86400 * SECOND, 86400 * SECOND),
    ("1970-02", 31 * 86400 * SECOND, 28 * 86400 * SECOND),
    ("1970-01-01T01:00:00.5+01:00", SECOND // 2, SECOND // 10),
    ("1970-01-01 00:01", 60 * SECOND, 60 * SECOND),
    ("1970-01-01T00:00:00.000000001Z", 1, 1), ("1969-12-31T23:59:59Z", -SECOND, SECOND)])
def test_dates_cover_what_they_are_written_to(text: str, first: int, size: int) -> None:
    assert date_span(text) == (first, first + size)


@pytest.mark.parametrize("text", ["", "now", "1970", "1970-13-01", "1970-02-30", "9999-12", "x",
                                  "1970-01-01T25:00:00Z", "1970-01-01T00:00:00+99:00"])
def test_no_dates(text: str) -> None:
    assert date_span(text) is None


@pytest.mark.parametrize(("text", "good"), [
    ("10.0.0.0/8", True), ("10.0.0.1", True), ("FE80::/10", True), ("::1", True), ("::/0", True),
    ("10.0.0.0/33", False), ("::1/129", False), ("10", False), ("10/8", False),
    ("10.0.0.0/", False),
    ("10.0.0.0/255.0.0.0", False), ("a", False), ("", False), ("1.2.3.4/-1", False),
    ("1.2.3.4/²", False),
])
def test_networks(text: str, good: bool) -> None:
    assert is_network(text) == good


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


def test_rows_of_documents() -> None:
    rows = DocumentRows([{"a.b": 1, "a": {"c": [1, True, {"d": "x"}]}}, {}], [5, 6])
    assert sorted(rows.fields()) == ["a.b", "a.c", "a.c.d"]
    column = rows.column("a.c")
    assert isinstance(column, CodedColumn)
    assert [column.table[code] for code in column.codes] == [(1, True), ()]
    assert rows.column("a") is None and rows.known_ns(1) == 6
    assert rows.documents([0])[0] == {"a": {"b": 1, "c": [1, True, {"d": "x"}]}}


def test_true_and_one_are_different_values() -> None:
    rows = DocumentRows([{"a": True}, {"a": 1}])
    assert compile_query(kql.parse("a:true"))(rows).tolist() == [True, False]


def test_dotted_keys_unfold_without_changing_the_document() -> None:
    document = {"a": {"b": 1}, "a.c": 2, "a.d.e": 3}
    assert nested(document) == {"a": {"b": 1, "c": 2, "d": {"e": 3}}}
    assert document["a"] == {"b": 1}
    assert values_at({"a": [{"b": [1, 2]}, {"b": None}, {"c": 3}]}, "a.b") == [1, 2]


def test_check_names_what_is_absent_and_what_is_wrong() -> None:
    text = 'network where source.ip == "x" and host.name == "h" and destination.prt == 1'
    known = {"source.ip": "ip", "destination.port": "long"}
    findings = check(eql.parse(text), text, known.get, known)
    assert [(error.column, error.reason.split(":")[0]) for error in findings.errors] == [
        (28, "'source.ip' is an address, 'x' is neither an address nor a network"),
        (57, "unknown field 'destination.prt'")]
    assert findings.absent == ("host.name",)
    assert not findings.satisfiable


def test_the_ranges_that_the_seeds_list_lacks() -> None:
    seed = ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
            "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.168.0.0/16",
            "192.88.99.0/24", "224.0.0.0/4", "100.64.0.0/10", "192.175.48.0/24", "198.18.0.0/15",
            "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "::1", "FE80::/10", "FF00::/8")
    lacking = missing_ranges(seed)
    assert lacking == ["0.0.0.0/8", "::/128", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64",
                       "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
                       "5f00::/16", "fc00::/7"]


def test_only_negated_tests_of_the_destination_are_extended() -> None:
    query = eql.parse('any where not cidrMatch(source.ip, "10.0.0.0/8") and '
                      'cidrMatch(destination.ip, "10.0.0.0/8")')
    assert strictly_external(query) == query
