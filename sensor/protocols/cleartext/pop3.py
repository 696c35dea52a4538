"""POP3 up to the login (RFC 1939, 2595, 5034).

    USER name  PASS password    +OK or -ERR
    APOP name digest            +OK or -ERR
    AUTH PLAIN [response]       + challenge, the client's response in base64, +OK or -ERR
    STLS                        +OK: all that follows is encrypted
    CAPA, AUTH                  +OK, lines, a line with a dot
"""

from __future__ import annotations

from collections import deque
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

COMMANDS_MAX = 100
LISTS = frozenset({b"CAPA", b"AUTH"})
"""Commands whose good reply has several lines, if nothing stands behind them."""


class _Command(NamedTuple):
    verb: bytes
    argument: bytes
    moment: Moment


class Pop3Dialogue(UntilLogin):
    """Reads a connection until a login works."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__("pop3", secrets)
        self._in_list = False
        self._commands: deque[_Command] = deque()
        self._user = ""
        self._sasl: Sasl | None = None

    @property
    def held_bytes(self) -> int:
        return sum(len(command.argument) for command in self._commands)

    def command(self, line: bytes, lines: Lines, moment: Moment) -> None:
        if self._sasl is not None:
            if line != b"*":
                self._sasl.answer(line)
            return
        verb, _, argument = line.partition(b" ")
        self._commands.append(_Command(verb.upper(), argument, moment))
        if self._commands[-1].verb == b"AUTH" and argument:
            mechanism, _, first = argument.strip().partition(b" ")
            self._sasl = Sasl(mechanism)
            if first:
                self._sasl.answer(first)
        self.done = len(self._commands) > COMMANDS_MAX

    def reply(self, line: bytes, moment: Moment) -> None:
        if self._in_list:
            self._in_list = line != b"."
            return
        is_good = line[:3].upper() == b"+OK"
        if not is_good and line[:4].upper() != b"-ERR":
            self.done = not self._greeted  # `+ ` asks for more
            return
        if not self._greeted:
            self._greeted = True
            self.done = not is_good
        elif self._commands:
            self._judge(self._commands.popleft(), is_good, text_of(line), moment)

    def _judge(self, command: _Command, is_good: bool, text: str, moment: Moment) -> None:
        if command.verb == b"USER":
            self._user = text_of(command.argument)
        elif command.verb in LISTS and not command.argument:
            self._in_list = is_good
        elif command.verb == b"STLS":
            self.done = self.starts_tls = is_good
        elif (attempt := self._attempt_of(command)) is not None:
            self._tell(attempt, SUCCESS if is_good else FAILURE, text, moment)

    def _attempt_of(self, command: _Command) -> Attempt | None:
        """What a command asks to log in with."""
        if command.verb == b"PASS":
            return Attempt("password", self._user, text_of(command.argument))
        if command.verb == b"APOP":
            return Attempt("apop", text_of(command.argument.partition(b" ")[0]))
        if command.verb == b"AUTH" and self._sasl is not None:
            sasl, self._sasl = self._sasl, None
            return sasl.attempt
        return None

    def lose(self) -> None:
        self.close()
        self._in_list = False

    def close(self) -> None:
        commands, self._commands = self._commands, deque()
        for command in commands:
            if command.verb == b"USER":
                self._user = text_of(command.argument)
            elif (attempt := self._attempt_of(command)) is not None and not self.done:
                self._tell(attempt, UNKNOWN, "", command.moment)
