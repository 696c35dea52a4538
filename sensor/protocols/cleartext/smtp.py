"""SMTP up to the login (RFC 5321, 4954): what follows, the mail itself, is not read.

    AUTH PLAIN [response]   334 challenge, the client's response in base64   235 logged in   5xx no
    STARTTLS                220: all that follows is encrypted
"""

from __future__ import annotations

import re

from sensor.protocols.analyzer import Moment
from sensor.protocols.cleartext.analyzer import UntilLogin
from sensor.protocols.cleartext.lines import Lines
from sensor.protocols.cleartext.login import FAILURE, SUCCESS, UNKNOWN, Sasl, text_of
from sensor.protocols.secrets import Secrets

_REPLY = re.compile(rb"([2-5]\d\d)([ -]|$)")


class SmtpDialogue(UntilLogin):
    """Reads a connection until mail is sent, or a login works."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__("smtp", secrets)
        self._sasl: Sasl | None = None
        self._asked_at = Moment(0)
        self._asks_for_tls = False

    def command(self, line: bytes, lines: Lines, moment: Moment) -> None:
        if self._sasl is not None:
            self._asked_at = moment
            if line != b"*":  # the client gives up: the server's refusal follows
                self._sasl.answer(line)
            return
        verb, _, rest = line.partition(b" ")
        verb = verb.upper()
        if verb == b"AUTH" and rest:
            mechanism, _, first = rest.strip().partition(b" ")
            self._sasl, self._asked_at = Sasl(mechanism), moment
            if first and first != b"=":
                self._sasl.answer(first)
        elif verb == b"STARTTLS":
            self._asks_for_tls = True
        elif verb in (b"MAIL", b"DATA", b"BDAT"):
            self.done = True  # nobody logs in any more

    def reply(self, line: bytes, moment: Moment) -> None:
        found = _REPLY.match(line)
        if found is None:
            self.done = not self._greeted
            return
        if found[2] == b"-":
            return
        code = int(found[1])
        if not self._greeted:
            self._greeted = True
            self.done = code != 220
        elif self._sasl is not None and code != 334:
            self._answer(SUCCESS if code < 300 else FAILURE, text_of(line), moment)
        elif self._asks_for_tls:
            self._asks_for_tls = False
            self.done = self.starts_tls = code == 220

    def _answer(self, outcome: str, text: str, moment: Moment) -> None:
        assert self._sasl is not None
        attempt, self._sasl = self._sasl.attempt, None
        self._tell(attempt, outcome, text, moment)

    def lose(self) -> None:
        self.close()
        self._asks_for_tls = False

    def close(self) -> None:
        if self._sasl is not None:
            self._answer(UNKNOWN, "", self._asked_at)
