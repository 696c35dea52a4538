"""A direction of TLS as records (RFC 8446 5, RFC 5246 6), and their handshake messages.

    type  version  length  fragment
    22    3, 0..4  2       messages: type, 3 octets of length, body; may go on in the next record
    21                     alert: level, description
    20                     1: what follows of this direction is encrypted
    23                     application data, always encrypted
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
_READABLE = (CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE)
HEADER = 5
FRAGMENT_MAX = 16384 + 2048  # RFC 5246 6.2.3
MESSAGE_HEADER = 4
MESSAGE_MAX = 1 << 16
"""Octets of a handshake message; most libraries bear as many."""


class Message(NamedTuple):
    """A handshake message."""

    kind: int
    body: bytes


class Alert(NamedTuple):
    """An alert that can be read."""

    level: int
    description: int


class Change(NamedTuple):
    """A ChangeCipherSpec."""


class Encrypted(NamedTuple):
    """A record that cannot be read: its type, and how long its fragment is."""

    kind: int
    length: int


Token = Message | Alert | Change | Encrypted


class Records:
    """One direction, until something comes that is no TLS."""

    def __init__(self) -> None:
        self.is_broken = False
        """Something else came than TLS has, or a message that is too long."""
        self.is_too_long = False
        self.is_encrypted = False
        """Handshake messages and alerts cannot be read any more; its user says so."""
        self._waiting = bytearray()
        self._messages = bytearray()
        """Of handshake records, what is no whole message yet."""
        self._skipped = 0
        """Octets of an encrypted fragment that are still to come."""
        self._has_begun = False

    @property
    def held_bytes(self) -> int:
        """Octets of what is not whole yet."""
        return len(self._waiting) + len(self._messages)

    def feed(self, octets: bytes) -> Iterator[Token]:
        """What is whole with the next octets; of an encrypted record its header is enough."""
        if self._skipped:
            skipped = min(self._skipped, len(octets))
            self._skipped -= skipped
            octets = octets[skipped:]
        self._waiting += octets
        while not self.is_broken and len(self._waiting) >= HEADER:
            kind, length = self._waiting[0], self._waiting[3] << 8 | self._waiting[4]
            if not self._is_sound(kind, length):
                self.is_broken = True
            elif kind == APPLICATION_DATA or (self.is_encrypted and kind != CHANGE_CIPHER_SPEC):
                self._skipped = max(HEADER + length - len(self._waiting), 0)
                del self._waiting[: HEADER + length]
                yield Encrypted(kind, length)
            elif len(self._waiting) < HEADER + length:
                return
            else:
                fragment = bytes(self._waiting[HEADER : HEADER + length])
                del self._waiting[: HEADER + length]
                yield from self._read(kind, fragment)

    def _is_sound(self, kind: int, length: int) -> bool:
        """True for the header of a record that may stand here."""
        is_first, self._has_begun = not self._has_begun, True
        version = self._waiting[1] << 8 | self._waiting[2]
        if not 0x0300 <= version <= 0x0304 or length > FRAGMENT_MAX:
            return False
        if is_first and kind not in (HANDSHAKE, ALERT):
            return False
        return kind == APPLICATION_DATA or (length > 0 and kind in _READABLE)

    def _read(self, kind: int, fragment: bytes) -> Iterator[Token]:
        """What a readable record tells."""
        if kind == HANDSHAKE:
            yield from self._take_messages(fragment)
        elif kind == ALERT and len(fragment) == 2:
            yield Alert(fragment[0], fragment[1])
        elif kind == CHANGE_CIPHER_SPEC and fragment == b"\1":
            yield Change()
        else:
            self.is_broken = True

    def _take_messages(self, fragment: bytes) -> Iterator[Token]:
        messages = self._messages
        messages += fragment
        while len(messages) >= MESSAGE_HEADER:
            length = int.from_bytes(messages[1:MESSAGE_HEADER])
            if length > MESSAGE_MAX:
                self.is_broken = self.is_too_long = True
                return
            if len(messages) < MESSAGE_HEADER + length:
                return
            body = bytes(messages[MESSAGE_HEADER : MESSAGE_HEADER + length])
            kind = messages[0]
            del messages[: MESSAGE_HEADER + length]
            yield Message(kind, body)
