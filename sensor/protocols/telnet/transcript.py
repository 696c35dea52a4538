"""A session as a person would read it: what the server printed, and each line that was typed.

A line that was typed is shown if it proved to be an account or a command, or if somebody was in and
the server echoed it; of any other one only its length is: a server may echo even a password, if it
is typed too early. What is not shown, and passwords that are known, are masked wherever they come.
"""

from __future__ import annotations

from typing import NamedTuple

from sensor.base.escape import harmless
from sensor.protocols.analyzer import Moment
from sensor.protocols.secrets import MASK, Known
from sensor.protocols.telnet.keyboard import Line

CHARACTERS_MAX = 256 * 1024
"""Characters of a session that are kept."""
LINE_MAX = 1024
ENTRY_CHARACTERS = 32
"""What an entry costs beside its text."""
SERVER_MARK, CLIENT_MARK, NOTE_MARK = "<", ">", "*"


class Entry(NamedTuple):
    """A line of a side, or a note about the session."""

    time_ns: int
    mark: str
    text: str


class _Typed(NamedTuple):
    time_ns: int
    text: str
    is_in: bool
    """Somebody was logged in."""
    unechoed: str
    """What the server has not echoed of it."""


class Transcript:
    """Collects the lines of a session, and gives them when all is known of it."""

    def __init__(self) -> None:
        self._kept: list[Entry | _Typed] = []
        self._room = CHARACTERS_MAX
        self._is_full_screen = False
        self._told: set[str] = set()
        """Typed lines that are no secrets."""
        self._prompt = ""
        """What stood ahead of the last typed line, if the server has not ended it since."""

    @property
    def held_bytes(self) -> int:
        """Characters that are kept."""
        return CHARACTERS_MAX - self._room

    def printed(self, text: str, moment: Moment) -> None:
        """A line of the server is over, or something is typed behind it."""
        self._prompt = ""
        last = self._kept[-1] if self._kept else None
        if isinstance(last, _Typed) and text.strip() == last.unechoed:
            self._kept[-1] = last._replace(unechoed="")
        elif text.strip():
            self._keep(Entry(moment.time_ns, SERVER_MARK, text.rstrip()))

    def typed(self, line: Line, pending: str, moment: Moment, *, is_in: bool) -> None:
        """The client has ended a line, behind a line of the server's that is not over."""
        text, shown = line.text.strip(), pending.rstrip()
        echoed = next((count for count in range(len(text), 0, -1) if shown.endswith(text[:count])),
                      0)
        if echoed:
            pending = shown[:-echoed]
        if pending != self._prompt:  # lines may be typed ahead behind one prompt
            self.printed(pending, moment)
        self._prompt = pending
        self._keep(_Typed(moment.time_ns, line.text, is_in, text[echoed:]))

    def full_screen(self, moment: Moment, *, is_on: bool) -> None:
        """A program has, or has no more, the whole screen."""
        if is_on and not self._is_full_screen:
            self.note("a program takes the whole screen: what it draws, and its keys, are left out",
                      moment)
        self._is_full_screen = is_on

    def note(self, text: str, moment: Moment) -> None:
        """Something that a reader must know here."""
        self._keep(Entry(moment.time_ns, NOTE_MARK, text))

    def tell(self, text: str) -> None:
        """A line that was typed is an account or a command."""
        self._told.add(text.strip())

    def lines(self, known: Known) -> list[str]:
        """`TIME_NS MARK TEXT` for each line, harmless, without the passwords that are known."""
        hidden = Known(most=len(self._kept))
        for text in self.typed_lines(is_shown=False):
            hidden.learn(text)
        return [f"{entry.time_ns} {entry.mark} "
                f"{harmless(hidden.masked(known.masked(entry.text)))[:LINE_MAX]}"
                for entry in map(self._readable, self._kept)]  # fmt: skip

    def typed_lines(self, *, is_shown: bool) -> list[str]:
        """The lines that were typed and are shown, or those that are not."""
        return [entry.text.strip() for entry in self._kept
                if isinstance(entry, _Typed) and self._is_shown(entry) is is_shown]

    def _is_shown(self, entry: _Typed) -> bool:
        text = entry.text.strip()
        return bool(not text or text in self._told or (entry.is_in and not entry.unechoed))

    def _readable(self, entry: Entry | _Typed) -> Entry:
        if isinstance(entry, Entry):
            return entry
        text = entry.text
        if not self._is_shown(entry):
            text = f"{MASK} ({len(text)} character{'s'[:len(text) != 1]})"
        return Entry(entry.time_ns, CLIENT_MARK, text)

    def _keep(self, entry: Entry | _Typed) -> None:
        if self._room < 0:
            return
        self._room -= len(entry.text) + ENTRY_CHARACTERS
        if self._room < 0:
            entry = Entry(entry.time_ns, NOTE_MARK, "the session goes on, longer than is kept")
        self._kept.append(entry)


def entry_of(line: str) -> Entry:
    """An entry from its line."""
    time_ns, mark, text = line.split(" ", 2)
    return Entry(int(time_ns), mark, text)
