"""A small terminal: what stands on the screen after all that was written to it.

It knows what rich's live display uses: carriage return, new line, cursor up, erase the line, and
wrapping; and like tmux and most others it wraps lines anew when it becomes narrower or wider.
"""

from __future__ import annotations

import re

CONTROL = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|[\r\n]|[^\x1b\r\n]")


class Screen:
    """Rows of a terminal of `width` columns that never scrolls anything away."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows = [""]
        self.wrapped = [False]
        """Whether a row goes on in the next one."""
        self.at, self.column = 0, 0

    def feed(self, text: str) -> None:
        position = 0
        for match in CONTROL.finditer(text):
            assert match.start() == position, f"unknown control at {text[position:][:20]!r}"
            position = match.end()
            if match[2]:
                self._control(match[1], match[2])
            elif match[0] == "\r":
                self.column = 0
            elif match[0] == "\n":
                self.column = 0
                self._down()
            else:
                self._put(match[0])
        assert position == len(text)

    def _control(self, numbers: str, letter: str) -> None:
        if letter == "A":
            self.at = max(0, self.at - int(numbers or 1))
        elif letter == "K":
            assert numbers == "2"
            self.rows[self.at], self.wrapped[self.at] = "", False
        else:
            assert letter in "mhl", f"unknown control {letter}"

    def _put(self, character: str) -> None:
        if self.column == self.width:
            self.wrapped[self.at] = True
            self.column = 0
            self._down()
        row = self.rows[self.at].ljust(self.column)
        self.rows[self.at] = row[: self.column] + character + row[self.column + 1 :]
        self.column += 1

    def _down(self) -> None:
        self.at += 1
        if self.at == len(self.rows):
            self.rows.append("")
            self.wrapped.append(False)

    def resize(self, width: int) -> None:
        """Wrap all lines anew; the cursor stays at its character."""
        lines: list[str] = []
        cursor = (0, 0)
        going_on = False
        for number, row in enumerate(self.rows):
            if not going_on:
                lines.append("")
            if number == self.at:
                cursor = (len(lines) - 1, len(lines[-1]) + self.column)
            lines[-1] += row.ljust(self.width) if self.wrapped[number] else row
            going_on = self.wrapped[number]
        self.width, self.rows, self.wrapped = width, [], []
        for number, line in enumerate(lines):
            if number == cursor[0]:
                self.at = len(self.rows) + min(cursor[1], max(len(line) - 1, 0)) // width
                self.column = cursor[1] - (self.at - len(self.rows)) * width
            pieces = [line[at : at + width] for at in range(0, len(line), width)] or [""]
            self.rows += pieces
            self.wrapped += [True] * (len(pieces) - 1) + [False]

    def text(self) -> str:
        return "\n".join(row.rstrip() for row in self.rows).rstrip("\n")
