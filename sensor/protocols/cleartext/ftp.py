"""FTP's control connection: logins, and what is transferred (RFC 959, 2389, 3659, 4217).

    220 greeting
    USER name       331 password, please   230 logged in   530 no
    PASS password   230 or 202 logged in   530 no          332 account, please
    SIZE file       213 octets
    RETR STOR APPE  125 or 150 begins      226 or 250 done 4xx 5xx not done
    AUTH TLS        234: all that follows is encrypted

Every command has one reply that is final (2xx to 5xx), in their order; 1xx comes before.
"""

from __future__ import annotations

import re
from collections import deque
from typing import NamedTuple

from sensor.model.protocol_values import TRANSFERS
from sensor.protocols.analyzer import Moment, ProtocolEvent, Value
from sensor.protocols.cleartext.lines import Lines
from sensor.protocols.cleartext.login import (
    FAILURE,
    SUCCESS,
    UNKNOWN,
    Attempt,
    LoginTeller,
    text_of,
)
from sensor.protocols.secrets import Secrets

COMMANDS_MAX = 1_000
"""Commands that wait for their replies."""
EVENTS_MAX = 1_000
"""Events of a connection."""
_TRANSFERS = frozenset(command.encode() for command in TRANSFERS)
_REPLY = re.compile(rb"([1-5]\d\d)([ -]|$)")
_SIZE = re.compile(r"\((\d{1,18}) bytes\)")


class _Command(NamedTuple):
    verb: bytes
    argument: str
    moment: Moment


class FtpDialogue:
    """Reads a control connection."""

    def __init__(self, secrets: Secrets) -> None:
        self.done = self.starts_tls = False
        self.events: list[ProtocolEvent] = []
        self._teller = LoginTeller("ftp", secrets)
        self._told = 0
        self._commands: deque[_Command] = deque()
        self._greeted = False
        self._in_reply = b""
        """The code of a reply of several lines that is not over."""
        self._user: str | None = None
        self._attempt: tuple[Attempt, Moment] | None = None
        """A password that was sent, and not answered finally: an account was asked for then."""
        self._sizes: dict[str, int] = {}
        self._size: int | None = None
        """What the server said of the transfer that goes on."""

    @property
    def held_bytes(self) -> int:
        return sum(len(command.argument) for command in self._commands)

    def command(self, line: bytes, lines: Lines, moment: Moment) -> None:
        verb, _, argument = line.partition(b" ")
        verb = verb.lstrip(b"\xff\xf4\xf2").upper()  # the signals of Telnet ahead of ABOR
        self._commands.append(_Command(verb, text_of(argument), moment))
        if len(self._commands) > COMMANDS_MAX:
            self.close()
            self.done = True  # nobody answers

    def reply(self, line: bytes, moment: Moment) -> None:
        found = _REPLY.match(line)
        if self._in_reply:
            if found is None or found[1] != self._in_reply or found[2] == b"-":
                return
            self._in_reply = b""
        elif found is None:
            self.done = not self._greeted
            return
        elif found[2] == b"-":
            self._in_reply = found[1]
            return
        self._answer(int(found[1]), text_of(line), moment)

    def _answer(self, code: int, text: str, moment: Moment) -> None:
        """A whole reply; of several lines the last."""
        if not self._greeted and code in (120, 220, 421):
            self._greeted = code != 120
            return
        if not self._commands:
            return
        command = self._commands[0]
        if code < 200:
            if command.verb in _TRANSFERS and (size := _SIZE.search(text)):
                self._size = int(size[1])
            return
        self._commands.popleft()
        self._judge(command, code, text, moment)

    def _judge(self, command: _Command, code: int, text: str, moment: Moment) -> None:
        outcome = SUCCESS if code < 300 else FAILURE
        if command.verb == b"USER":
            self._user = command.argument
            if code < 300 or code >= 400:  # no password is asked for
                self._tell_login(Attempt("none", self._user), outcome, text, moment)
        elif command.verb == b"PASS":
            attempt = Attempt("password", self._user or "", command.argument)
            if code == 332:
                self._attempt = attempt, moment
            else:
                self._tell_login(attempt, outcome, text, moment)
        elif command.verb == b"ACCT" and self._attempt is not None:
            attempt, _ = self._attempt
            self._attempt = None
            self._tell_login(attempt, outcome, text, moment)
        elif command.verb == b"SIZE" and code == 213:
            self._keep_size(command.argument, text[4:].strip())
        elif command.verb in _TRANSFERS:
            self._tell_transfer(command, outcome, text, moment)
        elif command.verb == b"AUTH":
            self.done = self.starts_tls = code == 234

    def _keep_size(self, name: str, size: str) -> None:
        if size.isascii() and size.isdigit() and len(self._sizes) < COMMANDS_MAX:
            self._sizes[name] = int(size[:18])

    def _tell_login(self, attempt: Attempt, outcome: str, text: str, moment: Moment) -> None:
        if self._told < EVENTS_MAX:
            self._told += 1
            self.events.append(self._teller.event(attempt, outcome, text, moment))

    def _tell_transfer(self, command: _Command, outcome: str, text: str, moment: Moment) -> None:
        said, self._size = self._size, None
        if self._told >= EVENTS_MAX:
            return
        self._told += 1
        name = command.argument
        fields: dict[str, Value] = {
            "event.category": ["network"],
            "event.type": ["info"],
            "event.outcome": outcome,
            "ftp.command": command.verb.decode("latin-1"),
            "file.path": self._teller.masked(name, 1024),
            "file.name": self._teller.masked(re.split(r"[/\\]", name)[-1]),
        }
        if text:
            fields["ftp.reply"] = self._teller.masked(text)
        if self._user:
            fields |= {"user.name": self._teller.masked(self._user),
                       "related.user": [self._teller.masked(self._user)]}
        size = said if said is not None else self._sizes.get(name)
        if size is not None and command.verb == b"RETR":
            fields["file.size"] = size
        self.events.append(ProtocolEvent(moment, "ftp_transfer", fields))

    def lose(self) -> None:
        self.close()
        self._in_reply = b""

    def close(self) -> None:
        if self._attempt is not None:
            attempt, moment = self._attempt
            self._attempt = None
            self._tell_login(attempt, UNKNOWN, "", moment)
        for command in self._commands:
            if command.verb == b"USER":
                self._user = command.argument
            elif command.verb == b"PASS":
                self._tell_login(Attempt("password", self._user or "", command.argument), UNKNOWN,
                                 "", command.moment)
            elif command.verb in _TRANSFERS:
                self._tell_transfer(command, UNKNOWN, "", command.moment)
        self._commands.clear()
