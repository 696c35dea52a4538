"""Telnet dialogues written as stories: what each side says, a second apart, and what is told.

    told = story("<login: ", ">root\r\n", "<Password: ", ">pw\r\n", "<\r\nroot@box:~# ")

`<` is the server, `>` the client; characters are octets of ISO 8859-1. `CUT_` pieces miss octets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sensor.protocols.analyzer import CLIENT, SERVER, Moment, ProtocolEvent
from sensor.protocols.secrets import Secrets
from sensor.protocols.telnet.analyzer import TelnetAnalyzer

SECOND_NS = 1_000_000_000
LOST_SERVER, LOST_CLIENT, LATE, CLOSED = "lost <", "lost >", "late", "closed"
"""Octets of a side are missing; the capture began late; the connection is over."""
OFFERS = "<\xff\xfd\x18\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03"
"""A server negotiates: terminal, window, echo."""
LOGIN = ("<login: ", ">root\r\n", "<Password: ", ">pw-1\r\n")
"""Up to the answer."""
KEY = b"a key of sixteen octets"


@dataclass
class Told:
    """The events of a story, by their actions."""

    events: list[ProtocolEvent] = field(default_factory=list)

    def of(self, action: str) -> list[dict[str, Any]]:
        return [dict(event.fields) for event in self.events if event.action == action]

    @property
    def logins(self) -> list[tuple[str, str, str | None]]:
        """Outcome, evidence and account of each."""
        return [(login["telnet.login.outcome"], login["telnet.login.evidence"],
                 login.get("user.name")) for login in self.of("telnet_login")]

    @property
    def commands(self) -> list[str]:
        return [command["telnet.command.line"] for command in self.of("telnet_command")]

    @property
    def exploits(self) -> list[tuple[str, str]]:
        """Vulnerability, or name, and outcome."""
        return [(one.get("vulnerability.id", one["telnet.exploit.name"]),
                 one["telnet.exploit.outcome"]) for one in self.of("telnet_exploit")]

    @property
    def session(self) -> dict[str, Any]:
        (session,) = self.of("telnet_session")
        return session

    @property
    def elevations(self) -> list[tuple[str, str, str]]:
        """Kind, account and outcome of each second login."""
        parts = (self.session.get(f"telnet.elevation.{name}", [])
                 for name in ("kind", "user", "outcome"))
        return list(zip(*parts, strict=True))


def story(
    *pieces: str, pause: float = 1.0, size: int = 1 << 20, transcribe: bool = False
) -> Told:
    """What is told of a dialogue; a piece is given in parts of at most `size` octets."""
    analyzer, told = TelnetAnalyzer(Secrets(KEY), transcribe=transcribe), Told()
    moment = Moment(0)
    for number, piece in enumerate(pieces, 1):
        before, moment = moment, Moment(round(number * pause * SECOND_NS), number)
        if before.time_ns < analyzer.due_ns <= moment.time_ns:
            analyzer.expire()
        if piece in (LOST_SERVER, LOST_CLIENT):
            analyzer.gap(SERVER if piece == LOST_SERVER else CLIENT, 100, moment)
        elif piece == LATE:
            analyzer.gap(CLIENT, 0, moment)
            analyzer.gap(SERVER, 0, moment)
        elif piece == CLOSED:
            break
        else:
            side = {"<": SERVER, ">": CLIENT}[piece[0]]
            octets = piece[1:].encode("latin-1")
            for at in range(0, len(octets), size):
                if not analyzer.done:
                    analyzer.feed(side, octets[at : at + size], moment)
        told.events += analyzer.take()
    if analyzer.due_ns and not analyzer.done:
        analyzer.expire()
    if not analyzer.done:
        analyzer.close(moment)
    told.events += analyzer.take()
    return told
