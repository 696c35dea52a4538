"""What the analyzers of line protocols have in common: lines in, logins out.

A dialogue reads the commands of the client and the replies of the server. Within a direction lines
come in their order; a client may send several commands before it reads the first reply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sensor.protocols.analyzer import CLIENT, Moment, ProtocolEvent
from sensor.protocols.beginnings import WORD, Test
from sensor.protocols.cleartext.lines import Lines
from sensor.protocols.cleartext.login import SUCCESS, Attempt, LoginTeller
from sensor.protocols.secrets import Secrets

if TYPE_CHECKING:
    from sensor.protocols.tls.analyzer import TlsAnalyzer

ATTEMPTS_MAX = 1_000
"""Logins of a connection that are told."""


class Dialogue(Protocol):
    """One protocol (ftp.py and others)."""

    done: bool
    """Nothing that follows is wanted."""
    starts_tls: bool
    """Because what follows is TLS."""
    events: list[ProtocolEvent]

    @property
    def held_bytes(self) -> int:
        """About how much memory the commands take that wait for their replies."""

    def command(self, line: bytes, lines: Lines, moment: Moment) -> None:
        """A line of the client; `lines` are those that follow."""

    def reply(self, line: bytes, moment: Moment) -> None:
        """A line of the server."""

    def lose(self) -> None:
        """Octets of a side are missing: what waits for an answer gets none."""

    def close(self) -> None:
        """The connection is over."""


class UntilLogin:
    """What dialogues have in common that are read until a login works."""

    def __init__(self, protocol: str, secrets: Secrets) -> None:
        self.done = self.starts_tls = False
        self.events: list[ProtocolEvent] = []
        self._teller = LoginTeller(protocol, secrets)
        self._greeted = False

    @property
    def held_bytes(self) -> int:
        """Of a dialogue that keeps at most the last command."""
        return 0

    def _tell(self, attempt: Attempt, outcome: str, text: str, moment: Moment) -> None:
        """An attempt has ended so."""
        self.events.append(self._teller.event(attempt, outcome, text, moment))
        self.done = outcome == SUCCESS or self._teller.attempts >= ATTEMPTS_MAX


class LineAnalyzer:
    """Runs a dialogue over the two directions of a flow, and TLS where the dialogue turns to it."""

    def __init__(
        self, dialogue: Dialogue, refuses: Test
    ) -> None:
        """`refuses` says of the first octets of a side that no dialogue begins so."""
        self.done = False
        self.due_ns = 0
        self._dialogue = dialogue
        self._lines = [Lines(), Lines()]
        self._refuses = refuses
        self._heads = [b"", b""]
        """The first octets of each side."""
        self._tls: TlsAnalyzer | None = None

    @property
    def held_bytes(self) -> int:
        held_bytes = sum(lines.held_bytes for lines in self._lines) + self._dialogue.held_bytes
        return held_bytes + self._tls.held_bytes if self._tls is not None else held_bytes

    def feed(self, side: int, octets: bytes, moment: Moment) -> None:
        if self._tls is not None:
            self._tls.feed(side, octets, moment)
            self.done = self._tls.done
            return
        lines, dialogue = self._lines[side], self._dialogue
        if (rest := WORD - len(self._heads[side])) > 0:
            self._heads[side] += octets[:rest]
            if self._refuses(side, self._heads[side]):
                self.done = True
                return
        lines.feed(octets)
        while not self.done and (line := lines.take()) is not None:
            if side == CLIENT:
                dialogue.command(line, lines, moment)
            else:
                dialogue.reply(line, moment)
            self.done = dialogue.done
        self.done = self.done or lines.is_broken
        if self.done and dialogue.starts_tls:
            from sensor.protocols.tls.analyzer import TlsAnalyzer  # noqa: PLC0415  few turn to it

            self._tls, self.done = TlsAnalyzer(), False

    def gap(self, side: int, count: int, moment: Moment) -> None:
        if self._tls is not None:
            self._tls.gap(side, count, moment)
            self.done = self._tls.done
            return
        self._lines[side] = Lines()
        self._heads[side] = bytes(WORD)  # what follows is no beginning
        if count and not self.done:
            self._dialogue.lose()
            self.done = self._dialogue.done

    def turn(self) -> None:
        self.done = True  # whoever spoke first was not the client: what was read means nothing

    def expire(self) -> None:
        """It waits for nothing."""

    def close(self, moment: Moment) -> None:
        if not self.done:
            self.done = True
            self._dialogue.close()
            if self._tls is not None:
                self._tls.close(moment)

    def take(self) -> list[ProtocolEvent]:
        events, self._dialogue.events = self._dialogue.events, []
        if self._tls is not None:
            events += self._tls.take()
        return events
