"""Telnet's octets (RFC 854): data, commands, option negotiation and suboptions of one direction.

    IAC WILL|WONT|DO|DONT option        negotiation
    IAC SB option data IAC SE           suboption; IAC IAC in it is one octet 255
    IAC command                         a command without more
    IAC IAC                             one octet 255 of data

Implementations differ in what IAC and another octet inside a suboption mean: both are kept. A
suboption that never ends is bounded: what is beyond is skipped up to its end.
"""

from __future__ import annotations

from typing import NamedTuple

SE, NOP, DM, BRK, IP, AO, AYT, EC, EL, GA = range(240, 250)
SB, WILL, WONT, DO, DONT, IAC = range(250, 256)
EOR, ABORT, SUSP, EOF = 239, 238, 237, 236

SUBOPTION_MAX = 4096
"""Octets of a suboption that are kept."""
STUFFED_MIN = 512
"""Octets of a suboption that is begun within another; half of them are octets 255."""

_TEXT, _COMMAND, _OPTION, _SUBOPTION, _SUBOPTION_COMMAND = range(5)


class Data(NamedTuple):
    """Octets of text."""

    octets: bytes


class Command(NamedTuple):
    """A command without an option."""

    code: int


class Offer(NamedTuple):
    """WILL, WONT, DO or DONT."""

    verb: int
    option: int


class Suboption(NamedTuple):
    """What follows the option's number in a suboption."""

    option: int
    octets: bytes
    is_whole: bool
    """False if it was longer than is kept."""


Token = Data | Command | Offer | Suboption


class Wire:
    """Takes one direction apart."""

    def __init__(self) -> None:
        self._state = _TEXT
        self._verb = 0
        self._suboption = bytearray()
        self._is_whole = True
        self._marks = 0
        self.reopened = 0
        """Suboptions that were begun inside one that had not ended."""
        self.is_stuffed = False
        """One of those was long and full of octets 255."""

    @property
    def is_in_text(self) -> bool:
        """True if what comes next is text, as long as no IAC does."""
        return self._state == _TEXT

    @property
    def open_suboption(self) -> bytes:
        """What there is of a suboption that has not ended yet."""
        return bytes(self._suboption) if self._state >= _SUBOPTION else b""

    def feed(self, octets: bytes) -> list[Token]:
        """What is whole with these octets."""
        found: list[Token] = []
        at, end = 0, len(octets)
        while at < end:
            if self._state == _TEXT:
                mark = octets.find(b"\xff", at)
                mark = end if mark < 0 else mark
                if mark > at:
                    found.append(Data(octets[at:mark]))
                if mark < end:
                    self._state = _COMMAND
                at = mark + 1
            elif self._state == _SUBOPTION:
                mark = octets.find(b"\xff", at)
                mark = end if mark < 0 else mark
                self._keep(octets[at:mark])
                if mark < end:
                    self._state = _SUBOPTION_COMMAND
                at = mark + 1
            else:
                token = self._step(octets[at])
                if token is not None:
                    found.append(token)
                at += 1
        return found

    def reset(self) -> None:
        """Octets are missing: what comes next is text, unless it says otherwise."""
        self._state = _TEXT
        self._suboption.clear()

    def _step(self, octet: int) -> Token | None:
        """Take an octet behind IAC, or behind a verb."""
        if self._state == _OPTION:
            self._state = _TEXT
            return Offer(self._verb, octet)
        if self._state == _SUBOPTION_COMMAND:
            return self._step_suboption(octet)
        self._state = _TEXT
        if octet == IAC:
            return Data(b"\xff")
        if octet in (WILL, WONT, DO, DONT):
            self._verb, self._state = octet, _OPTION
        elif octet == SB:
            self._state = _SUBOPTION
            self._is_whole = True
            self._marks = 0
            self._suboption.clear()
        elif octet >= EOF:
            return Command(octet)
        return None

    def _step_suboption(self, octet: int) -> Token | None:
        self._state = _SUBOPTION
        if octet == SE:
            self._state = _TEXT
            if not self._suboption:
                return None
            return Suboption(self._suboption[0], bytes(self._suboption[1:]), self._is_whole)
        self.reopened += octet == SB
        self._marks += octet == IAC
        self._keep(b"\xff" if octet == IAC else bytes((IAC, octet)))
        if (self.reopened and len(self._suboption) > STUFFED_MIN
                and self._marks > STUFFED_MIN // 2):
            self.is_stuffed = True
        return None

    def _keep(self, octets: bytes) -> None:
        room = SUBOPTION_MAX - len(self._suboption)
        self._suboption += octets[:room]
        self._is_whole = self._is_whole and len(octets) <= room
