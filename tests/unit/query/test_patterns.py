"""Regular expressions and wildcards."""

from __future__ import annotations

import pytest

from sensor.query.patterns import PatternError, regex, star_pattern, wildcard


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
