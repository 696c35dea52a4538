"""A translated expression fits what Python finds anywhere in the text."""

from __future__ import annotations

import re

import pytest

from sensor.query.patterns import regex
from sensor.rules.sigma.regexes import Untranslatable, lucene

TEXTS = ["", 'a1"b', "xx.yy x.y", "zabcz", "abc", "abcd", "ABC", "A-]", "aaa", "a@b", "<script>",
         '~&#"', "foobaz", "xy", "A \t", "a/b", "{jndi", "${jndi", "c", "cc", "\\d", "9", "a.-x",
         "]", "q"]  # fmt: skip


@pytest.mark.parametrize("pattern", [
    r'^a[\d"]+?(b|c)$|x\.y', "abc", "^abc", "abc$", r"[\x41-\x43\-\]]+", "a{2,3}", r"\w+@\w+",
    "(?i)AbC", '<script>|~&#"', "(?:foo|bar)baz", "(?P<n>x)y", r"[^a-z]\s\t", r"a\/b", "{jndi",
    r"\$\{jndi", "a|b|^c", "", r"\x5cd", r"[\x5cd]", "a+?b*?", r"[\w.-]+x", "[]a]", "[^]a]+$",
])
def test_it_fits_where_python_finds_it(pattern: str) -> None:
    fits = regex(*lucene(pattern))
    assert [fits(text) for text in TEXTS] == [bool(re.search(pattern, text)) for text in TEXTS]


@pytest.mark.parametrize(("pattern", "reason"), [
    ("a(?=b)", "'(?=b'"), (r"\bfoo", r"'\b'"), (r"(a)\1", r"'\1'"), ("a++", "possessive"),
    ("a^b", "'^' in the middle"), ("(^a|b)", "'^'"), ("a$b", "'$' in the middle"),
    ("(?i:a)", "'(?i:'"), ("[[:alpha:]]", "by name"), (r"\p{L}", r"'\p'"),
    ("a{9999}{9}", "states"), ("a)", "unmatched"),
])
def test_what_has_no_counterpart_is_named(pattern: str, reason: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        lucene(pattern)
    assert reason in str(caught.value)
