"""What a server prints, as a person reads it: lines that are over, and the one that is not.

Kept are the raw octets of the line in question; it is made readable when somebody asks. So it does
not matter where segments cut an escape sequence or a character.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LINE_MAX = 4096
"""Octets of a line that are kept: its end."""
_SWITCH = re.compile(rb"\x1b\[\?(?:1049|1047|47)(h|l)")
"""A full-screen program takes the terminal, or gives it back."""
_SWITCH_BYTES = 8
_SWITCH_MARK = b"?"
"""What one has that colours and the like, of which text may be full, have not."""
_TOKEN = re.compile(
    r"\x1b\[(?P<args>[0-?]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\)"
    r"|\x1b[ -/]+[0-~]"
    r"|\x1b[0-OQ-WYZ\\`-~]"
    r"|\x1b(?:\[[0-?]*[ -/]*|[\]PX^_].*|[ -/]*)\Z"  # a sequence that is not over
    r"|\x1b"
    r"|(?P<text>[^\x00-\x1f\x7f\x1b]+)"
    r"|(?P<control>[\x00-\x1f\x7f])",
    re.DOTALL,
)


class Printed(NamedTuple):
    """A line that is over."""

    text: str
    """What was printed since the client last ended a line."""
    full: str
    """All of it."""


class Screen:
    """The text of a server. `raw` octets go in, readable lines come out."""

    def __init__(self) -> None:
        self._raw = bytearray()
        self._before = b""
        """What the line began with when its rest was cut off by `cut`."""
        self._tail = b""
        self._pending: str | None = None
        self.full_screen = False

    @property
    def held_bytes(self) -> int:
        """Octets of the line that is not over."""
        return len(self._raw) + len(self._before)

    def feed(self, octets: bytes) -> list[Printed]:
        """The lines that are over with these octets."""
        self._switch(octets)
        *whole, rest = octets.split(b"\n")
        lines = []
        for part in whole:
            self._raw += part
            lines.append(self._line())
        self._keep(rest)
        return lines

    def skim(self, octets: bytes) -> None:
        """The same where nobody wants the lines that are over."""
        self._switch(octets)
        start = octets.rfind(b"\n") + 1
        if start:
            self._raw.clear()
            self._before = b""
        self._keep(octets[max(start, len(octets) - LINE_MAX) :])

    def _keep(self, octets: bytes) -> None:
        self._pending = None
        self._raw += octets
        if len(self._raw) > LINE_MAX:
            del self._raw[:-LINE_MAX]

    def _switch(self, octets: bytes) -> None:
        """See whether a full-screen program takes the terminal, or gives it back."""
        if self._tail or b"\x1b" in octets:
            seen = self._tail + octets
            for match in _SWITCH.finditer(seen) if _SWITCH_MARK in seen else ():
                self.full_screen = match[1] == b"h"
            escape = seen.rfind(b"\x1b", max(0, len(seen) - _SWITCH_BYTES))
            self._tail = seen[escape:] if escape >= 0 else b""

    @property
    def pending(self) -> str:
        """The line that is not over, without what came before the last cut."""
        if self._pending is None:
            self._pending = readable(bytes(self._raw))
        return self._pending

    @property
    def line(self) -> str:
        """The line that is not over, all of it."""
        return readable(self._before + bytes(self._raw))

    def cut(self) -> None:
        """The other side has spoken: what is printed from now on answers it."""
        self._before = (self._before + bytes(self._raw))[-LINE_MAX:]
        self._raw.clear()
        self._pending = None

    def reset(self) -> None:
        """Octets are missing."""
        self._raw.clear()
        self._before = self._tail = b""
        self._pending = None

    def _line(self) -> Printed:
        text = readable(bytes(self._raw[-LINE_MAX:]))
        full = readable(self._before + bytes(self._raw[-LINE_MAX:])) if self._before else text
        self._before = b""
        self._raw.clear()
        return Printed(text, full)


def readable(raw: bytes) -> str:
    """A line as a terminal shows it: escape sequences done or left out, rubbed out characters gone.

    Octets that are no UTF-8 count as ISO 8859-1.
    """
    text = decoded(raw)
    if (line := text.rstrip("\r")).isprintable():  # nothing follows the return: most lines
        return line
    shown: list[str] = []
    at = 0
    for match in _TOKEN.finditer(text):
        if (printed := match["text"]) is not None:
            shown[at : at + len(printed)] = printed
            at += len(printed)
        elif (control := match["control"]) is not None:
            if control == "\b":
                at = max(at - 1, 0)
            elif control == "\r":
                at = 0
            elif control == "\t":
                shown[at : at + 1] = " "
                at += 1
        elif match["final"] is not None:
            at = _moved(shown, at, match["final"], match["args"])
    return "".join(shown)


def decoded(raw: bytes) -> str:
    """UTF-8, where it may end within a character, or ISO 8859-1."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and error.end == len(raw):
            return raw[: error.start].decode()
        return raw.decode("latin-1")


def _moved(shown: list[str], at: int, final: str, args: str) -> int:
    """Do a control sequence of ECMA-48 that edits one line; returns where the cursor is then."""
    count = int(args) if args.isascii() and args.isdigit() and len(args) < 5 else 0
    if final == "K":
        if count == 0:
            del shown[at:]
        elif count == 2:
            shown[:] = " " * at
    elif final == "P":
        del shown[at : at + max(count, 1)]
    elif final == "@":
        shown[at:at] = " " * min(max(count, 1), LINE_MAX - min(len(shown), LINE_MAX))
    elif final == "D":
        at = max(at - max(count, 1), 0)
    elif final == "C":
        at = min(at + max(count, 1), len(shown))
    elif final == "G":
        at = min(max(count, 1) - 1, len(shown))
    elif final == "J" and count >= 2:
        shown.clear()
        at = 0
    return at
