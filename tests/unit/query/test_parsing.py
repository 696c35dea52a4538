"""What both parsers share: places of errors, escapes, bounds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor.errors import QueryError
from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.query.parsing import (
    QUERY_CHARACTERS_MAX,
    QUERY_DEPTH_MAX,
    query_error,
    unescape,
)

ESCAPES = {"n": "\n", "\\": "\\"}


def test_an_error_has_its_line_and_column() -> None:
    error = query_error("wrong", "a\nbc\nd", 3)
    assert (error.line, error.column, error.text) == (2, 2, "bc")


@pytest.mark.parametrize(("raw", "text"), [
    ("a\\nb", "a\nb"), ("\\\\n", "\\n"), ("\\u0041", "A"), ("\\u{1F600}", "\U0001f600"),
    ("\\x", "\\x"), ("\\ud800", "\\ud800"), ("plain", "plain"),
    ("\\ud7ff", "\ud7ff"), ("\\udfff", "\\udfff"), ("\\ue000", "\ue000"),
    ("\\u{d7ff}", "\ud7ff"), ("\\u{d800}", "\\u{d800}"), ("\\u{dfff}", "\\u{dfff}"),
    ("\\u{e000}", "\ue000"), ("\\u{10ffff}", "\U0010ffff"), ("\\u{110000}", "\\u{110000}"),
])
def test_escapes(raw: str, text: str) -> None:
    assert unescape(raw, ESCAPES, raw, 0) == text


@pytest.mark.parametrize("raw", ["\\x", "\\u12"])
def test_unknown_escapes_are_refused_where_they_are(raw: str) -> None:
    with pytest.raises(QueryError) as caught:
        unescape("ab" + raw, ESCAPES, "ab" + raw, 0, "unknown escape")
    assert caught.value.column == 3


def test_queries_are_bounded() -> None:
    with pytest.raises(QueryError, match=f"at most {QUERY_CHARACTERS_MAX}"):
        kql.parse("a" * (QUERY_CHARACTERS_MAX + 1))
    with pytest.raises(QueryError, match=f"nested more than {QUERY_DEPTH_MAX} deep"):
        kql.parse("(" * (QUERY_DEPTH_MAX + 1) + "a")


@pytest.mark.parametrize(("parse", "before", "opening"), [
    (kql.parse, "", "("), (kql.parse, "a:", "("), (kql.parse, "x and ", "a:{"),
    (eql.parse, "any where ", "("),
])
def test_what_nests_too_deep_is_told_at_the_bracket_that_does(
    parse: Callable[[str], object], before: str, opening: str
) -> None:
    deep = opening * QUERY_DEPTH_MAX + "("
    with pytest.raises(QueryError, match="deep") as caught:
        parse(f"{before}{deep}")
    assert caught.value.column == len(before) + len(deep)
