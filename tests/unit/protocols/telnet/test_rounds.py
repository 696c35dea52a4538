"""Prompts that repeat, and which of the lines between them may be told."""

from __future__ import annotations

import pytest

from sensor.protocols.analyzer import Moment
from sensor.protocols.telnet.keyboard import Line
from sensor.protocols.telnet.rounds import QUEUE_MAX, Rounds

NOW = Moment(1, 1)


def played(*steps: tuple[str, str]) -> tuple[Rounds, bool]:
    """Prompts (`?`), lines typed (`>`) and printed (`<`); whether the last prompt proved rounds."""
    rounds, proved = Rounds(), False
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


@pytest.mark.parametrize(("steps", "proved"), [
    ([("?", "$ "), (">", "w"), ("<", "x"), ("?", "$ ")], True),
    ([("?", "$ "), (">", "cd /"), ("<", "x"), ("?", "# ")], True),
    ([("?", "$ "), (">", "w"), ("?", "$ ")], False),  # nothing was printed
    ([("?", "$ "), ("<", "x"), ("?", "$ ")], False),  # nothing was typed
    ([MENU, ONE, SEEN_1, MENU], False),  # one round
    ([MENU, ONE, SEEN_1, MENU, TWO, SEEN_2, MENU], True),
    ([MENU, ONE, ("<", "a"), MENU, TWO, ("<", "b"), MENU], False),  # no echo: secrets
    ([MENU, ONE, SEEN_1, ("?", "other: "), TWO, SEEN_2, MENU], False),
])
def test_rounds(steps: list[tuple[str, str]], proved: bool) -> None:
    assert played(*steps)[1] is proved


@pytest.mark.parametrize(("steps", "told"), [
    ([(">", "w")], [True]),  # ahead of any prompt
    ([("?", "$ "), (">", "w")], [True]),
    ([("?", "odd: "), (">", "w"), ("?", "$ "), (">", "w2")], [False, True]),
    ([("?", "odd: "), (">", "w"), ("<", "odd: w")], [True]),
    ([("?", "odd: "), (">", "w"), ("?", "$ ")], [False]),
    ([MENU, ONE, ("<", "a"), MENU], [False]),
    ([MENU, ONE, SEEN_1, MENU], [True]),
])
def test_what_may_be_told(steps: list[tuple[str, str]], told: list[bool]) -> None:
    rounds, _ = played(*steps)
    assert [may_be_told for _, may_be_told in rounds.take()] == told
    assert not rounds.lines


def test_lines_are_bounded() -> None:
    rounds, _ = played(*[(">", str(number)) for number in range(QUEUE_MAX + 5)])
    assert [one.line.text for one in rounds.lines][:2] == ["5", "6"]
    assert rounds.is_echo("7") and not rounds.is_echo("2")
