"""The stories of a run in its summary: one for each connection that alerted, the worst first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from sensor.base.escape import harmless
from sensor.ecs.alert_text import alert_time
from sensor.terminal.console import SEVERITY_STYLES

if TYPE_CHECKING:
    from rich.text import Text

TITLE = "Connections that alerted, the worst first"
MARGIN, INDENT = "  ", "      "
NO_BREAK = "\u00a0"
"""Stands for a blank at which a line must not be cut: between a number and its unit."""
WIDTH_MIN = 40
"""Columns that are used at least, however narrow the terminal."""


@dataclass(frozen=True, slots=True)
class StoryText:
    """What is told of one connection; text from outside is harmless already."""

    severity: str
    """The worst of its alerts."""
    connection: str
    time_ns: int
    """Of its first alert."""
    facts: Sequence[str]
    """Short ones, which share a line with the time."""
    said: Sequence[str]
    """What was said in it, each in a line of its own."""
    rules: Sequence[tuple[str, str]]
    """Severity and name of each rule that alerted, the worst first."""
    around: Sequence[str] = ()
    """What came before and after it."""


@dataclass(frozen=True, slots=True)
class StoriesText:
    """The stories that are told, and what is said of the others."""

    shown: Sequence[StoryText] = ()
    note: str = ""


def story_lines(story: StoryText, width: int, *, local: bool) -> Iterator[tuple[str, str]]:
    """A story in lines of at most `width` columns, cut between words, each with its style.

    The severity comes first.
    """
    told = (
        ("bold", f"{harmless(story.severity).upper()}  {story.connection}"),
        ("dim", ", ".join((alert_time(story.time_ns, local=local),
                           *(fact.replace(" ", NO_BREAK) for fact in story.facts)))),
        *(("", text) for text in story.said),
        ("dim", rules_text(story)),
        *(("", text) for text in story.around),
    )
    for at, (style, text) in enumerate(told):
        lines = textwrap.wrap(
            text, max(width, WIDTH_MIN), break_long_words=False, break_on_hyphens=False,
            initial_indent=INDENT if at else MARGIN, subsequent_indent=INDENT + MARGIN,
        )  # fmt: skip
        yield from ((line.replace(NO_BREAK, " "), style) for line in lines)


def rules_text(story: StoryText) -> str:
    """`A, B; high: C; medium: D`: rules as bad as the story itself need no severity."""
    groups = []
    for severity, rules in groupby(story.rules, key=lambda rule: rule[0]):
        names = ", ".join(harmless(name) for _, name in rules)
        groups.append(names if severity == story.severity else f"{harmless(severity)}: {names}")
    return "; ".join(groups)


def stories_plain(stories: StoriesText, width: int, *, local: bool) -> list[str]:
    """The lines of all stories under their title; none if there is no story."""
    if not stories.shown:
        return []
    lines = [TITLE]
    for story in stories.shown:
        lines += [line for line, _ in story_lines(story, width, local=local)]
    return [*lines, f"{MARGIN}{stories.note}"] if stories.note else lines


def stories_rich(stories: StoriesText, width: int, *, local: bool) -> list[Text]:
    """The same for a rich console: the severity has its colour."""
    from rich.text import Text  # noqa: PLC0415  only a terminal pays for it

    found = [Text(TITLE, "bold")] if stories.shown else []
    for story in stories.shown:
        texts = [Text(line, style) for line, style in story_lines(story, width, local=local)]
        colour = SEVERITY_STYLES.get(story.severity, "bold")
        texts[0].stylize(colour, len(MARGIN), len(MARGIN) + len(harmless(story.severity)))
        found += texts
    if stories.shown and stories.note:
        found.append(Text(f"{MARGIN}{stories.note}", "dim"))
    return found
