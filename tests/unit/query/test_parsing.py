"""What both parsers share: places of errors, escapes, bounds."""

from __future__ import annotations

import pytest

from sensor.errors import QueryError
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
