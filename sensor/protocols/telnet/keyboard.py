"""What a client types, edited as a terminal's line editor does: keys in, lines out.

Some keys leave a line that only the server's echo tells: completion, history, moving about. Such a
line is marked. What terminals answer by themselves is not typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sensor.protocols.telnet.screen import decoded

LINE_MAX = 1024
"""Octets of a line that are kept: its beginning."""
_TOKEN = re.compile(
    rb"\x1b\[[0-?]{0,48}[ -/]{0,8}[@-~]|\x1bO[ -~]"
    rb"|\x1b\][^\x07\x1b\r\n]{0,60}(?:\x07|\x1b\\)|\x1b[^\[\]O\x00-\x1f]"
    rb"|(?P<rest>\x1b(?:\[[0-?]{0,48}[ -/]{0,8}|O|\][^\x07\x1b\r\n]{0,60}\x1b?)?\Z)"
    rb"|(?P<text>[^\x00-\x1f\x7f]+)|(?P<key>[\x00-\x1f\x7f])",
)
"""Escape sequences are short: what is longer is none, and its octets are keys."""
_REPORT = re.compile(rb"\x1b(?:\[[0-9;?>]*[Rcn]|\[[IO]|\[<[0-9;]*[mM]|\[20[01]~|\])")
"""What a terminal sends by itself: where the cursor is, what it is itself, focus, mouse, marks of a
paste, colours."""
_BACKSPACE, _TAB, _LF, _CR, _INTERRUPT = 8, 9, 10, 13, 3
_KILL_LINE, _QUOTE, _KILL_WORD, _ESCAPE, _DELETE = 21, 22, 23, 27, 127
_MOVES = frozenset({1, 2, 5, 6, 11, 14, 16, 20, 25, _TAB})
"""Keys of a shell's editor that move about, complete or fetch older lines."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was typed."""

    text: str
    needs_echo: bool = False
    """Only the server's echo tells what it is."""
    was_cut: bool = False
    """It was longer than is kept."""


class Keyboard:
    """The line in question, and the keys that end it."""

    def __init__(self) -> None:
        self._typed = bytearray()
        self._escape = b""
        self._skip_after_cr = False
        self._is_quoted = False
        self._needs_echo = False
        self._was_cut = False
        self._is_broken = False
        """Part of the line is missing: it is none."""
        self._erase = {_BACKSPACE, _DELETE}
        self._kill = {_KILL_LINE}
        self._has_odd_keys = False
        self._skips = False

    @property
    def text(self) -> str:
        """What has been typed of a line that is not over."""
        return decoded(bytes(self._typed))

    @property
    def is_empty(self) -> bool:
        """True if nothing has been typed since the last line."""
        return not self._typed and not self._needs_echo

    def feed(self, octets: bytes) -> list[Line]:
        """The lines that are over with these octets."""
        lines: list[Line] = []
        octets, self._escape = self._escape + octets, b""
        for match in _TOKEN.finditer(octets):
            if self._skips and match["rest"] is None:
                self._skips = self._is_quoted = False
                self._skip_after_cr = match[0] == b"\r"
                self._text(match[0][1:] if match["text"] is not None else b"", lines)
            elif match["text"] is not None:
                self._skip_after_cr = self._is_quoted = False
                self._text(match["text"], lines)
            elif match["key"] is not None:
                self._press(match["key"][0], lines)
            elif match["rest"] is not None:
                self._escape = match["rest"]
            elif not _REPORT.match(match[0]):
                self._needs_echo = True
        return lines

    def set_key(self, *, erase: int | None = None, kill: int | None = None) -> None:
        """The option LINEMODE has put rubbing out, or killing the line, on another key."""
        if erase is not None:
            self._erase = {_BACKSPACE, _DELETE, erase}
        if kill is not None:
            self._kill = {_KILL_LINE, kill}
        self._has_odd_keys = any(32 <= key < 127 or key > 127 for key in self._erase | self._kill)

    def skip(self) -> None:
        """The next key is an answer, and no part of a line."""
        self._skips = True

    def drop(self) -> None:
        """The line was broken off."""
        self._start()

    def erase_one(self) -> None:
        """Rub out a character."""
        while self._typed:
            octet = self._typed.pop()
            if octet & 0xC0 != 0x80 or not self._is_utf8():  # not the middle of one in UTF-8
                return

    def reset(self) -> None:
        """Octets are missing."""
        self._start()
        self._escape = b""
        self._is_broken = True

    def _is_utf8(self) -> bool:
        return bool(self._typed) and self._typed[-1] >= 0x80

    def _press(self, key: int, lines: list[Line]) -> None:
        """One key that is no character."""
        skip, self._skip_after_cr = self._skip_after_cr, False
        if self._is_quoted:
            self._is_quoted = False
            self._keep(bytes([key]))
        elif key == _CR or (key == _LF and not skip):
            if not self._is_broken:
                lines.append(Line(self.text, self._needs_echo, self._was_cut))
            self._start()
            self._skip_after_cr = key == _CR
        elif key in self._erase:
            self.erase_one()
        elif key in self._kill or key == _INTERRUPT:
            self._start()
        elif key == _KILL_WORD:
            self._typed = self._typed.rstrip(b" ")
            del self._typed[self._typed.rfind(b" ") + 1 :]
        elif key == _QUOTE:
            self._is_quoted = True
        elif key in _MOVES or key == _ESCAPE:
            self._needs_echo = True

    def _text(self, octets: bytes, lines: list[Line]) -> None:
        if not self._has_odd_keys:
            self._keep(octets)
            return
        for octet in octets:
            if octet in self._erase or octet in self._kill:
                self._press(octet, lines)
            else:
                self._keep(bytes([octet]))

    def _keep(self, octets: bytes) -> None:
        room = LINE_MAX - len(self._typed)
        self._typed += octets[:room]
        self._was_cut = self._was_cut or len(octets) > room

    def _start(self) -> None:
        self._typed = bytearray()
        self._needs_echo = self._was_cut = self._is_quoted = self._is_broken = False
