"""Makes text from the network harmless for terminals, logs and the people who read them.

User names, host names and banners come from attackers. Raw, they could move a terminal's cursor,
forge a log line, turn the reading direction of a line around or hide a part of it.
"""

from __future__ import annotations

import re

_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that are printable to Unicode and yet invisible: default ignorable letters and marks
(Unicode 15, DerivedCoreProperties)."""


def harmless(text: str) -> str:
    r"""The text with all that is not plainly visible written as `\x1b`, `\u202e`, `\U000e0041`.

    Escaped are C0 and C1 control characters, DEL, line and paragraph separators, bidirectional and
    other format characters, zero-width characters, spaces that are not U+0020, lone surrogates, and
    private and unassigned code points. A backslash stays as it is: the result is for reading, not
    for turning back.
    """
    if text.isprintable():
        return text if text.isascii() else _INVISIBLE.sub(_escape_match, text)
    return "".join(
        character
        if character.isprintable() and not _INVISIBLE.match(character)
        else _escape(character)
        for character in text
    )


_LINES = re.compile(r"[^\t\r\n]+")


def harmless_lines(text: str) -> str:
    """The text as `harmless` has it, but with its tabs and ends of lines as they are."""
    if text.isascii():
        line = text.replace("\n", "").replace("\r", "").replace("\t", "")
        if line.isprintable():
            return text
    return _LINES.sub(lambda line: harmless(line[0]), text)


def _escape_match(match: re.Match[str]) -> str:
    return _escape(match[0])


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x1_0000 else f"\\U{code:08x}"


_NOT_OCTETS = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""The lone surrogates that do not stand for an octet, as `surrogateescape` has it."""


def utf8_text(text: str) -> str:
    """Text that UTF-8 can hold: octets of a name that are no UTF-8 become U+FFFD."""
    if text.isascii():
        return text
    octets = _NOT_OCTETS.sub("\ufffd", text).encode("utf-8", "surrogateescape")
    return octets.decode("utf-8", "replace")
