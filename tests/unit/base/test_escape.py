"""escape: what is shown as it is, and what is written as an escape."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.base.escape import harmless, harmless_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain text, 100 %", "plain text, 100 %"),
        ("Zürich 世界 😀", "Zürich 世界 😀"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\r\n\tb", r"a\x0d\x0a\x09b"),
        ("\x00\x7f", r"\x00\x7f"),
        ("\x9b31m", r"\x9b31m"),
        ("evil\u202egnp.exe", r"evil\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("line\u2028separator", r"line\u2028separator"),
        ("\udc80", r"\udc80"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("filler\u3164", r"filler\u3164"),
        ("variation\ufe0f", r"variation\ufe0f"),
        ("no-break\u00a0space", r"no-break\xa0space"),
        ("C:\\temp", "C:\\temp"),
    ],
)
def test_examples(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text(st.characters(codec=None)))
def test_nothing_that_acts_or_hides_is_left(text: str) -> None:
    shown = harmless(text)
    shown.encode("utf-8")
    forbidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not forbidden & {unicodedata.category(character) for character in shown}
    assert harmless(shown) == shown


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_plain_ascii_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text


@given(st.text(st.characters(codec=None)))
def test_lines_keep_their_ends_and_tabs_alone(text: str) -> None:
    shown = harmless_lines(text)
    assert re.sub(r"[\t\r\n]", "", shown) == harmless(re.sub(r"[\t\r\n]", "", text))
    assert re.findall(r"[\t\r\n]", shown) == re.findall(r"[\t\r\n]", text)


def test_lines_of_examples() -> None:
    assert harmless_lines("a\tb\r\n\u202e\0\x85") == "a\tb\r\n\\u202e\\x00\\x85"
    assert harmless_lines("a\tb\r\n") == "a\tb\r\n"
