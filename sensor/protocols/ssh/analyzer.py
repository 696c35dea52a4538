"""SSH before its encryption: the identification strings of both sides (RFC 4253 4.2).

    SSH-protoversion-softwareversion SP comments CR LF

A server may send other lines before its own; the client may not. What follows is encrypted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sensor.base.escape import harmless
from sensor.protocols.analyzer import CLIENT, SERVER, Moment, ProtocolEvent, Value
from sensor.protocols.secrets import Secrets

LINE_MAX = 255
"""Octets of an identification string with its end of line."""
BEFORE_MAX = 16 * 1024
"""Octets of the lines that a server may send before it; OpenSSH's client bears as many."""
START = b"SSH-"
NAMES = {CLIENT: "client", SERVER: "server"}


@dataclass(slots=True)
class Side:
    """One side's string, as far as it has come."""

    waiting: bytearray = field(default_factory=bytearray)
    """A line that is not complete yet."""
    before: int = 0
    identification: bytes | None = None


class SshAnalyzer:
    """Tells of the two identification strings, once both are there or nothing more will come."""

    def __init__(self, secrets: Secrets | None = None) -> None:
        """Nothing that it reads is a secret."""
        self.done = False
        self.due_ns = 0
        self._sides = [Side(), Side()]
        self._events: list[ProtocolEvent] = []
        self._seen = Moment(0)

    @property
    def held_bytes(self) -> int:
        return sum(len(side.waiting) for side in self._sides)

    def feed(self, side: int, octets: bytes, moment: Moment) -> None:
        state = self._sides[side]
        if self.done or state.identification is not None:
            return
        state.waiting += octets
        while (end := state.waiting.find(b"\n")) >= 0:
            line = bytes(state.waiting[:end])
            del state.waiting[: end + 1]
            if self._is_identification(side, line, moment):
                return
        if self._is_other(state.waiting) and not self._may_wait(side):
            self._finish()  # no SSH, unless the other side has proved that it is

    def gap(self, side: int, count: int, moment: Moment) -> None:
        if count and self._sides[side].identification is None:
            self._finish()

    def turn(self) -> None:
        self._sides.reverse()

    def expire(self) -> None:
        """It waits for nothing."""

    def close(self, moment: Moment) -> None:
        self._finish()

    def take(self) -> list[ProtocolEvent]:
        events, self._events = self._events, []
        return events

    def _is_identification(self, side: int, line: bytes, moment: Moment) -> bool:
        """Take a whole line; True if nothing more of this side is wanted."""
        state = self._sides[side]
        line = line.removesuffix(b"\r")
        if line.startswith(START) and len(line) <= LINE_MAX and line.count(b"-") > 1:
            state.identification = line
            state.waiting.clear()
            self._seen = moment
            if all(one.identification is not None for one in self._sides):
                self._finish()
            return True
        state.before += len(line) + 1
        if not self._may_wait(side):
            self._finish()  # no SSH, unless the other side has proved that it is
            return True
        return False

    @staticmethod
    def _is_other(line: bytearray) -> bool:
        """True if a line that is not complete yet cannot become an identification string."""
        return len(line) > LINE_MAX or line[: len(START)] != START[: len(line)]

    def _may_wait(self, side: int) -> bool:
        """True if the line in question may be one before the server's own."""
        state = self._sides[side]
        return side == SERVER and state.before + len(state.waiting) <= BEFORE_MAX

    def _finish(self) -> None:
        """Tell what is known, once."""
        if self.done:
            return
        self.done = True
        fields: dict[str, Value] = {}
        for side, name in NAMES.items():
            identification = self._sides[side].identification
            if identification is not None:
                fields |= {f"ssh.{name}.{member}": text
                           for member, text in _parts(identification).items()}
        if fields:
            self._events.append(ProtocolEvent(self._seen, "ssh_identification", fields))


def _parts(identification: bytes) -> dict[str, str]:
    """Version, software and comments of an identification string."""
    text = identification.decode("latin-1")
    _, version, rest = text.split("-", 2)
    software, _, comments = rest.partition(" ")
    found = {"protocol_version": version, "software": software, "comments": comments}
    return {name: harmless(part) for name, part in found.items() if part}
