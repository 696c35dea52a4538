"""IMAP up to the login (RFC 9051, 3501, 4959).

    tag LOGIN name password             tag OK, tag NO or tag BAD
    tag AUTHENTICATE PLAIN [response]   + challenge, the client's response in base64, then the same
    tag STARTTLS                        tag OK: all that follows is encrypted

Names and passwords are words, "strings" or literals: {5}, the end of the line, and five octets.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sensor.protocols.analyzer import Moment
from sensor.protocols.cleartext.analyzer import UntilLogin
from sensor.protocols.cleartext.lines import Lines
from sensor.protocols.cleartext.login import (
    FAILURE,
    SUCCESS,
    UNKNOWN,
    Attempt,
    Sasl,
    text_of,
)
from sensor.protocols.secrets import Secrets

LITERAL_MAX = 1 << 20
"""Octets of a literal ahead of a login; nobody who logs in needs as many."""
COMMAND_MAX = 16_384
_GREETING = re.compile(rb"\* (?:OK|PREAUTH|BYE)\b", re.I)
_LITERAL = re.compile(rb"\{(\d{1,9})\+?\}\Z")
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"|([^\s"]+)')
LITERAL_MARK = b"\0"
"""Stands in a command for a literal; no octet 0 can."""


class _Asked(NamedTuple):
    """A command that waits for its answer."""

    tag: bytes
    attempt: Attempt | None
    """None: it asks for encryption."""
    moment: Moment


class ImapDialogue(UntilLogin):
    """Reads a connection until a login works."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__("imap", secrets)
        self._asked: _Asked | None = None
        self._sasl: Sasl | None = None
        self._command = b""
        """A command that goes on behind a literal."""
        self._literals: list[bytes] = []
        self._expects = False

    @property
    def held_bytes(self) -> int:
        return len(self._command) + sum(map(len, self._literals))

    def command(self, line: bytes, lines: Lines, moment: Moment) -> None:
        if self._expects:
            self._expects = False
            self._literals.append(line)
            return
        if self._sasl is not None:
            if line != b"*":
                self._sasl.answer(line)
            return
        self._command += line.replace(LITERAL_MARK, b"")
        literal = _LITERAL.search(self._command)
        if literal is not None and len(self._command) < COMMAND_MAX:
            count = int(literal[1])
            self.done = count > LITERAL_MAX
            self._command = self._command[: literal.start()] + b" " + LITERAL_MARK + b" "
            if count:
                lines.expect(count)
                self._expects = True
            else:
                self._literals.append(b"")
            return
        command, self._command = self._command, b""
        literals, self._literals = self._literals, []
        self._ask(command, literals, moment)

    def _ask(self, command: bytes, literals: list[bytes], moment: Moment) -> None:
        """A whole command."""
        tag, _, rest = command.partition(b" ")
        verb, _, rest = rest.partition(b" ")
        verb = verb.upper()
        if verb == b"LOGIN":
            words = _words(rest, literals)
            if len(words) >= 2:
                attempt = Attempt("password", text_of(words[0]), text_of(words[1]))
                self._asked = _Asked(tag, attempt, moment)
        elif verb == b"AUTHENTICATE" and rest:
            mechanism, _, first = rest.strip().partition(b" ")
            self._sasl = Sasl(mechanism)
            if first and first != b"=":
                self._sasl.answer(first)
            self._asked = _Asked(tag, self._sasl.attempt, moment)
        elif verb == b"STARTTLS":
            self._asked = _Asked(tag, None, moment)

    def reply(self, line: bytes, moment: Moment) -> None:
        if not self._greeted:
            self._greeted = True
            self.done = _GREETING.match(line) is None
            return
        asked = self._asked
        tag, _, rest = line.partition(b" ")
        if asked is None or tag != asked.tag:
            return
        self._asked = self._sasl = None
        is_good = rest[:2].upper() == b"OK"
        if asked.attempt is None:
            self.done = self.starts_tls = is_good
        else:
            self._tell(asked.attempt, SUCCESS if is_good else FAILURE, text_of(line), moment)

    def lose(self) -> None:
        self.close()
        self._command, self._literals, self._expects = b"", [], False

    def close(self) -> None:
        asked, self._asked, self._sasl = self._asked, None, None
        if asked is not None and asked.attempt is not None:
            self._tell(asked.attempt, UNKNOWN, "", asked.moment)


def _words(rest: bytes, literals: list[bytes]) -> list[bytes]:
    """The arguments of a command: words, quoted strings and literals."""
    given = iter(literals)
    found = []
    for match in _STRING.finditer(rest):
        if match[2] == LITERAL_MARK:
            found.append(next(given, b""))
        elif match[2] is not None:
            found.append(match[2])
        else:
            found.append(re.sub(rb"\\(.)", rb"\1", match[1]))
    return found
