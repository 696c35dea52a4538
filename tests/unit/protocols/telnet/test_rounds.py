"""Prompts that repeat, and which of the lines between them may be told."""

from __future__ import annotations

import pytest

from sensor.protocols.analyzer import Moment
from sensor.protocols.telnet.keyboard import Line
from sensor.protocols.telnet.rounds import QUEUE_MAX, Rounds

NOW = Moment(1, 1)


def played(echoes: bool, *steps: tuple[str, str]) -> tuple[Rounds, bool]:
    """Prompts (`?`), lines typed (`>`) and printed (`<`); whether the last prompt proved rounds."""
    rounds, proved = Rounds(lambda: echoes), False
    for what, text in steps:
        if what == ">":
            rounds.typed(Line(text), NOW)
        elif what == "<":
            rounds.printed(text)
            rounds.printed_since = True
        else:
            is_shell = text in ("$ ", "# ")
            proved = rounds.has_repeated(text, is_start=True)
            rounds.prompted(text, is_shell=is_shell)
    return rounds, proved


MENU = ("?", "menu: ")
ONE, TWO = (">", "1"), (">", "2")
SEEN_1, SEEN_2 = ("<", "menu: 1"), ("<", "menu: 2")


@pytest.mark.parametrize(("echoes", "steps", "proved"), [
    (True, [("?", "$ "), (">", "w"), ("<", "x"), ("?", "$ ")], True),
    (True, [("?", "$ "), (">", "cd /"), ("<", "x"), ("?", "# ")], True),
    (True, [("?", "$ "), (">", "w"), ("?", "$ ")], False),  # nothing was printed
    (True, [("?", "$ "), ("<", "x"), ("?", "$ ")], False),  # nothing was typed
    (True, [MENU, ONE, SEEN_1, MENU], False),  # one round
    (True, [MENU, ONE, SEEN_1, MENU, TWO, SEEN_2, MENU], True),
    (True, [MENU, ONE, ("<", "a"), MENU, TWO, ("<", "b"), MENU], False),  # no echo: secrets
    (False, [MENU, ONE, ("<", "a"), MENU, TWO, ("<", "b"), MENU], True),
    (True, [MENU, ONE, SEEN_1, ("?", "other: "), TWO, SEEN_2, MENU], False),
])
def test_rounds(echoes: bool, steps: list[tuple[str, str]], proved: bool) -> None:
    assert played(echoes, *steps)[1] is proved


@pytest.mark.parametrize(("echoes", "steps", "told"), [
    (True, [(">", "w")], [True]),  # ahead of any prompt
    (True, [("?", "$ "), (">", "w")], [True]),
    (True, [("?", "odd: "), (">", "w"), ("?", "$ "), (">", "w2")], [False, True]),
    (True, [("?", "odd: "), (">", "w"), ("<", "odd: w")], [True]),
    (False, [("?", "odd: "), (">", "w"), ("?", "$ ")], [False]),
    (False, [MENU, ONE, ("<", "a"), MENU], [True]),
    (True, [MENU, ONE, ("<", "a"), MENU], [False]),
])
def test_what_may_be_told(echoes: bool, steps: list[tuple[str, str]], told: list[bool]) -> None:
    rounds, _ = played(echoes, *steps)
    assert [may_be_told for _, may_be_told in rounds.take()] == told
    assert not rounds.lines


def test_lines_are_bounded() -> None:
    rounds, _ = played(True, *[(">", str(number)) for number in range(QUEUE_MAX + 5)])
    assert [one.line.text for one in rounds.lines][:2] == ["5", "6"]
    assert rounds.is_echo("7") and not rounds.is_echo("2")
