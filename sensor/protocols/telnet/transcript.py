"""A session as a person would read it: what the server printed, and each line that was typed.

A line that was typed is shown if the server echoed it, or if it proved to be an account or a
command; of any other one only its length is. Passwords that are known are masked wherever they
come.
"""

from __future__ import annotations

from typing import NamedTuple

from sensor.base.escape import harmless
from sensor.protocols.analyzer import Moment
from sensor.protocols.secrets import Known
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
    is_echoed: bool


class Transcript:
    """Collects the lines of a session, and gives them when all is known of it."""

    def __init__(self) -> None:
        self._kept: list[Entry | _Typed] = []
        self._room = CHARACTERS_MAX
        self._is_full_screen = False
        self._told: set[str] = set()
        """Typed lines that are no secrets."""

    def printed(self, text: str, moment: Moment) -> None:
        """A line of the server is over, or something is typed behind it."""
        if text.strip():
            self._keep(Entry(moment.time_ns, SERVER_MARK, text.rstrip()))

    def typed(self, line: Line, pending: str, moment: Moment) -> None:
        """The client has ended a line, behind what the server has printed of its own."""
        self.printed(pending, moment)
        is_echoed = bool(line.text) and pending.endswith(line.text)
        self._keep(_Typed(moment.time_ns, line.text, is_echoed))

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
        return [f"{entry.time_ns} {entry.mark} {harmless(known.masked(entry.text))[:LINE_MAX]}"
                for entry in map(self._shown, self._kept)]  # fmt: skip

    def _shown(self, entry: Entry | _Typed) -> Entry:
        if isinstance(entry, Entry):
            return entry
        text = entry.text
        if not (entry.is_echoed or text.strip() in self._told or not text.strip()):
            text = f"*** ({len(text)} character{'s'[:len(text) != 1]}, not echoed)"
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
