"""Regular expressions and wildcards."""

from __future__ import annotations

import pytest

from sensor.query.patterns import PatternError, regex, regex_of_wildcard, star_pattern, wildcard


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


@pytest.mark.parametrize(("pattern", "wanted"), [
    ("[b-d]", "bcd"), ("[B-D]", "BCD"), ("[b-b]", "b"), ("[2-4]", "234"), ("[b-dX]", "bcdX"),
    ("[é-ë]", "éêë"),
])
def test_both_ends_belong_to_a_range(pattern: str, wanted: str) -> None:
    characters = "abcdeABCDExX12345èéêëìÈÉÊËÌ"
    assert [c for c in characters if regex(pattern)(c)] == [c for c in characters if c in wanted]
    negated = regex(f"[^{pattern[1:]}")
    assert [c for c in characters if not negated(c)] == [c for c in characters if c in wanted]
    folded = wanted.lower() + wanted.upper()
    assert [c for c in characters if regex(pattern, True)(c)] == [
        c for c in characters if c in folded]


@pytest.mark.parametrize(("pattern", "yes", "no"), [
    ("a*b", ["ab", "axxb", "a\nb"], ["a", "axbx", "Ab"]), ("a?b", ["axb", "a?b"], ["ab", "axxb"]),
    (r"a\*b", ["a*b"], ["ab", "axb", r"a\*b"]), (r"a\?b", ["a?b"], ["axb", r"a\?b"]),
    (r"a\\b", [r"a\b"], ["ab", r"a\\b"]), (r"\a\_", ["a_"], [r"\a\_"]),
    (r"\\*", ["\\", "\\x"], ["*", "x"]), ("a\\", ["a\\"], ["a"]), (r"\d\w\s", ["dws"], ["1a "]),
    ('.+()[]{}|^$"@#~&<>', ['.+()[]{}|^$"@#~&<>'], ["x"]), ("", [""], ["x"]),
    ("ü 1", ["ü 1"], ["u 1"]),
])
def test_wildcards_in_which_a_backslash_takes_the_next_as_it_is(
    pattern: str, yes: list[str], no: list[str]
) -> None:
    fits = regex(regex_of_wildcard(pattern))
    assert all(map(fits, yes)) and not any(map(fits, no))


@pytest.mark.parametrize("pattern", [
    "(" * 100 + ")" * 100, "a" + "?" * 100, "a{1", "[z", "a\\", '"x', ")", "<1-5>", "~a",
    "x{9999}{9999}", "[c-b]", "[b-B]", "[a-\\d]",
])
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
