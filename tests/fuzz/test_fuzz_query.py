"""No text makes a parser do anything but parse it or say why not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.errors import QueryError
from sensor.query.document_rows import DocumentRows
from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.query.parsing import QUERY_CHARACTERS_MAX
from sensor.query.patterns import PatternError, regex
from sensor.query.predicate import compile_query
from tests.examples import examples

PARSERS = (kql.parse, eql.parse)
PIECES = (
    "any where ", "network where ", "sequence ", "by ", "with maxspan=1m ", "[", "]", "![", "(",
    ")", "{", "}", "a", "source.ip", ":", "==", "!=", "<", ">=", " and ", " or ", " not ", "in ",
    "like~ ", "regex ", '"', '"""', "\\", "\\u", "*", "?", "10.0.0.0/8", "::1", "null", "true",
    "23", "1e9", "+", "-", "/", "%", ",", "cidrMatch(", "length(", "\n", "//", "/*", "\x00", "é",
    "\u2028", "\U0001f600", "until ", "runs=", "`", "'", "|",
)
texts = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
ROWS = DocumentRows([{"a": 1, "source.ip": "10.0.0.1"}, {"a": ["x", "y"]}, {}])


def parsed(parse: Any, text: str) -> Any:
    try:
        return parse(text)
    except QueryError as error:
        assert error.line >= 1 and error.column >= 1 and error.reason
        str(error)
        return None


@examples(400)
@given(texts, st.sampled_from(PARSERS))
def test_any_text(text: str, parse: Any) -> None:
    tree = parsed(parse, text)
    if tree is not None and not type(tree).__name__.startswith("S"):
        assert compile_query(tree)(ROWS).shape == (3,)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("piece", ["(", "not ", "a:(", "[", "-", "1+", "a and (", "length(", "{",
                                   "a:{", "sequence [", '"', "\\", "x or not (", "a ", "🦀",
                                   "[any where a] "])
@pytest.mark.parametrize("start", ["", "any where ", "a:", "sequence "])
def test_very_long_and_very_deep(parse: Any, piece: str, start: str) -> None:
    parsed(parse, start + piece * 10_000)
    with pytest.raises(QueryError, match=str(QUERY_CHARACTERS_MAX)):
        parse(start + piece * 1_000_000)


@pytest.mark.parametrize("parse", PARSERS)
def test_every_beginning_of_a_query(parse: Any) -> None:
    text = ('sequence by a with maxspan=1m [any where b == "c\\n" and not (d in (1, 2.5))] '
            'until [e where cidrMatch(f, "::1")] or g:(h* and not "i") and j >= 5 or k:{ l:m }')
    for end in range(len(text)):
        parsed(parse, text[:end])


@examples(300)
@given(st.one_of(st.text(max_size=30), st.text("ab.*+?|()[]{},0123-^\\\"", max_size=20)),
       st.text("ab0(", max_size=10))
def test_any_regular_expression(pattern: str, text: str) -> None:
    try:
        machine = regex(pattern)
    except PatternError as error:
        assert 0 <= error.at <= len(pattern)
    else:
        assert machine(text) in (True, False)


def test_a_pattern_made_to_explode_does_not() -> None:
    assert not regex("(a|a)*(a*)*b")("a" * 5_000)
