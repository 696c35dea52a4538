"""What option negotiation tells: terminal, window, environment, who authenticates, what goes dark.

RFC 854 and 855; TERMINAL-TYPE RFC 1091, NAWS RFC 1073, NEW-ENVIRON RFC 1572, ENVIRON RFC 1408,
LINEMODE RFC 1184, AUTHENTICATION RFC 2941, ENCRYPT RFC 2946, TN3270E RFC 2355.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sensor.model.protocol_values import CLIENT_KINDS, TERMINAL_KINDS
from sensor.protocols.analyzer import CLIENT, SERVER
from sensor.protocols.telnet.bots import MIRAI_WINDOW
from sensor.protocols.telnet.wire import DO, IAC, WILL, WONT, Offer, Suboption

(BINARY, ECHO, SGA, TTYPE, EOR_OPTION, NAWS, LINEMODE, ENVIRON, AUTHENTICATION, ENCRYPT,
 NEW_ENVIRON, TN3270E, START_TLS, COMPRESS) = (
    0, 1, 3, 24, 25, 31, 34, 36, 37, 38, 39, 40, 46, 86)  # fmt: skip
IS, SEND, INFO = 0, 1, 2
_VAR, _VALUE, _ESC, _USERVAR = 0, 1, 2, 3
_REPLY, _NAME = 2, 3
_FOLLOWS = 1
_ENCRYPT_START = 3
SLC = 3
"""Of LINEMODE: a list of special characters."""
_DEVICE_TYPE_REQUEST = b"\2\7"
"""Of TN3270E; a name follows, and what it is to be connected to."""
_OPTIONS = frozenset([*range(51), 69, 70, *range(85, 95), 200, 201, 255])
"""Numbers that options have."""
PROOF_BYTES = 256
"""Octets of text of a side ahead of which negotiation is a proof."""
TERMINALS_MAX = 8
VARIABLES_MAX = 64
TEXT_MAX = 256
_SSL, _SSL_ACCEPT = 7, 2
_ACCEPTS = {1: 2, 2: 2, 5: 2, 6: 4, 15: 3}
"""By the type of authentication: the REPLY that says that somebody is logged in."""
_SRA, _SRA_PASS, _SRA_CONTINUE, _SRA_REJECT = 6, 3, 2, 5
_TICKETS, _TICKET_REJECT = (1, 2), 1
"""Kerberos."""
_NTLM, _NTLM_MARK = 15, b"NTLMSSP\0\3\0\0\0"
_NTLM_USER_AT, _NTLM_FLAGS_AT = 36, 60
_TERMINALS = tuple(zip(TERMINAL_KINDS, (
    ("IBM-327", "IBM-328", "IBM-DYNAMIC"),
    ("IBM-3179", "IBM-3180", "IBM-3196", "IBM-3477", "IBM-3486", "IBM-3487", "IBM-5251",
     "IBM-5291", "IBM-5292", "IBM-5555", "IBM-3812"),
), strict=True))
_CLIENTS = tuple(zip(CLIENT_KINDS, (
    MIRAI_WINDOW,
    bytes((IAC, DO, SGA, IAC, WILL, TTYPE, IAC, WILL, NAWS, IAC, WILL, 32)),
    bytes((IAC, WILL, NAWS, IAC, WILL, 32, IAC, WILL, TTYPE, IAC, WILL, NEW_ENVIRON)),
), strict=True))
"""By the client's first octets: no proof."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of an environment option; without a value it is undefined."""

    name: bytes
    value: bytes | None


@dataclass
class Negotiation:
    """What has been negotiated in one connection."""

    is_negotiated: bool = False
    """There was negotiation, and no octets that only look like it: two offers one behind the other,
    one that answers another, or a suboption; ahead of much text."""
    terminals: list[str] = field(default_factory=list)
    window: tuple[int, int] | None = None
    variables: list[str] = field(default_factory=list)
    user: str | None = None
    """The account that the client's environment names."""
    account: str | None = None
    """The account that AUTHENTICATION NAME names."""
    client_edits: bool = False
    erase_key: int | None = None
    kill_key: int | None = None
    authenticated: str | None = None
    """`accepted` or `rejected`, once the server has said so."""
    is_dark: bool = False
    """From here on octets are encrypted or compressed."""
    kind: str | None = None
    _enabled: set[tuple[int, int]] = field(default_factory=set)
    _wanted: set[tuple[int, int]] = field(default_factory=set)
    _refused: set[tuple[int, int]] = field(default_factory=set)
    _ever: set[tuple[int, int]] = field(default_factory=set)
    _tls: set[int] = field(default_factory=set)
    _sent_password: bool = False
    _offered: list[set[int]] = field(default_factory=lambda: [set(), set()])
    _text_bytes: list[int] = field(default_factory=lambda: [0, 0])
    _follows_offer: list[bool] = field(default_factory=lambda: [False, False])

    def text(self, side: int, count: int) -> None:
        """Note that a side has sent so many octets of text."""
        self._text_bytes[side] += count
        self._follows_offer[side] = False

    def is_on(self, side: int, option: int) -> bool:
        """True if a side has said that it does an option."""
        return (side, option) in self._enabled

    def has_been_on(self, side: int, option: int) -> bool:
        """True if a side has ever said that it does an option."""
        return (side, option) in self._ever

    def is_refused(self, side: int, option: int) -> bool:
        """True if a side wanted to do an option, and the other has only ever refused it."""
        return (side, option) in self._refused - self._wanted

    def offer(self, side: int, token: Offer) -> None:
        """Take WILL, WONT, DO or DONT of a side."""
        if token.option in _OPTIONS and self._text_bytes[side] <= PROOF_BYTES:
            if self._follows_offer[side] or token.option in self._offered[1 - side]:
                self.is_negotiated = True
            self._offered[side].add(token.option)
            self._follows_offer[side] = True
        if token.verb == WILL:
            self._enabled.add((side, token.option))
            self._ever.add((side, token.option))
        elif token.verb == WONT:
            self._enabled.discard((side, token.option))
        elif token.verb == DO:
            self._wanted.add((1 - side, token.option))
        elif (1 - side, token.option) in self._enabled:
            self._refused.add((1 - side, token.option))
        if token.option == TN3270E and token.verb in (WILL, DO):
            self._see_blocks()
        if token.option == EOR_OPTION:
            self._see_blocks()

    def suboption(self, side: int, token: Suboption) -> list[Variable]:
        """Take a suboption; the variables of the client's environment that it holds."""
        option, octets = token.option, token.octets
        if option in _OPTIONS and self._text_bytes[side] <= PROOF_BYTES:
            self.is_negotiated = True
        if side == CLIENT:
            if option in (NEW_ENVIRON, ENVIRON) and octets[:1] in (b"\0", b"\2"):
                return self._environment(option, octets[1:])
            self._client(option, octets)
        if option == LINEMODE and len(octets) >= 2:
            if octets[0] == 1:
                self.client_edits = bool(octets[1] & 1)
            elif octets[0] == SLC:
                self._characters(octets[1:])
        elif option == AUTHENTICATION:
            self._authentication(side, octets)
        else:
            self._darken(side, option, octets)
        return []

    def _client(self, option: int, octets: bytes) -> None:
        """Take what a client says of its terminal."""
        if option == TTYPE and octets[:1] == b"\0":
            self._terminal(octets[1:])
        elif option == NAWS and len(octets) == 4:
            self.window = (int.from_bytes(octets[:2]), int.from_bytes(octets[2:]))
        elif option == TN3270E and octets[:2] == _DEVICE_TYPE_REQUEST:
            self._terminal(re.split(rb"[\0\1]", octets[2:])[0])

    def _darken(self, side: int, option: int, octets: bytes) -> None:
        """Note where encryption or compression begins."""
        if option == START_TLS and octets[:1] == bytes([_FOLLOWS]):
            self._tls.add(side)
        if (len(self._tls) == 2 or (option == COMPRESS and side == SERVER)
                or (option == ENCRYPT and octets[:1] == bytes([_ENCRYPT_START]))):
            self.is_dark = True

    def _characters(self, octets: bytes) -> None:
        """Which octets rub out a character and a line (RFC 1184 2.4, functions 10 and 11)."""
        for function, flags, value in triplets_of(octets):
            if flags & 3 == 2 and value not in (0, 10, 13, 255):
                if function == 10:
                    self.erase_key = value
                elif function == 11:
                    self.kill_key = value

    def _terminal(self, octets: bytes) -> None:
        name = octets.decode("latin-1")[:TEXT_MAX]
        if name and name not in self.terminals and len(self.terminals) < TERMINALS_MAX:
            self.terminals.append(name)
        self._see_blocks()

    def _see_blocks(self) -> None:
        """Name block terminals, whose text is EBCDIC: the terminal's name, and records."""
        if self.kind is not None or not self.terminals:
            return
        has_records = any(self.is_on(side, option) for side in (CLIENT, SERVER)
                          for option in (EOR_OPTION, TN3270E))  # fmt: skip
        for kind, prefixes in _TERMINALS:
            if has_records and self.terminals[-1].upper().startswith(prefixes):
                self.kind = kind

    def _environment(self, option: int, octets: bytes) -> list[Variable]:
        readings = [variables_of(octets, _VAR, _VALUE)]
        if option == ENVIRON:  # BSD has them the other way round
            readings.append(variables_of(octets, _VALUE, _VAR))
        found = max(readings, key=lambda variables: sum(one.value is not None for one in variables))
        for variable in found:
            name = variable.name.decode("latin-1")[:TEXT_MAX]
            if name not in self.variables and len(self.variables) < VARIABLES_MAX:
                self.variables.append(name)
            if variable.name == b"USER" and variable.value:
                self.user = variable.value.decode("utf-8", "replace")[:TEXT_MAX]
        return found

    def _authentication(self, side: int, octets: bytes) -> None:
        """RFC 2941; what a REPLY means depends on the type (RFC 2942, 2943, 2944, 2953)."""
        if octets[:1] == bytes([_NAME]) and side == CLIENT:
            self.account = octets[1:].decode("utf-8", "replace")[:TEXT_MAX]
        elif octets[:2] == bytes((IS, _NTLM)) and side == CLIENT:
            self.account = _ntlm_account(octets) or self.account
        elif octets[:2] == bytes((IS, _SRA)) and octets[3:4] == bytes([_SRA_PASS]):
            self._sent_password = True
        elif octets[:1] == bytes([_REPLY]) and side == SERVER and len(octets) >= 4:
            kind, code = octets[1], octets[3]
            if kind == _SSL and code == _SSL_ACCEPT:
                self.is_dark = True
            elif _ACCEPTS.get(kind) == code:
                self.authenticated = "accepted"
            elif ((kind == _SRA and self._sent_password and code in (_SRA_CONTINUE, _SRA_REJECT))
                  or (kind in _TICKETS and code == _TICKET_REJECT and self.account)):
                self.authenticated = "rejected"


def triplets_of(octets: bytes) -> list[bytes]:
    """The whole triplets in a list of special characters: function, flags and value."""
    return [octets[at : at + 3] for at in range(0, len(octets) - 2, 3)]


def variables_of(octets: bytes, var: int, value: int) -> list[Variable]:
    """The variables in a suboption, behind IS or INFO; `var` and `value` are the codes used.

    ESC quotes an octet that would be a code (RFC 1572).
    """
    found: list[Variable] = []
    name, text = bytearray(), None
    started, at = False, 0
    while at < len(octets):
        octet = octets[at]
        if octet in (var, _USERVAR):
            if started and len(found) < VARIABLES_MAX:
                found.append(Variable(bytes(name), None if text is None else bytes(text)))
            name, text, started = bytearray(), None, True
        elif octet == value and started:
            text = bytearray()
        else:
            if octet == _ESC and at + 1 < len(octets):
                at += 1
            (name if text is None else text).append(octets[at])
        at += 1
    if started and len(found) < VARIABLES_MAX:
        found.append(Variable(bytes(name), None if text is None else bytes(text)))
    return found


def _ntlm_account(octets: bytes) -> str | None:
    """The account in an AUTHENTICATE message (MS-NLMP 2.2.1.3)."""
    start = octets.find(_NTLM_MARK)
    if start < 0 or len(octets) < start + _NTLM_FLAGS_AT + 4:
        return None
    field_at = start + _NTLM_USER_AT
    size = int.from_bytes(octets[field_at : field_at + 2], "little")
    at = start + int.from_bytes(octets[field_at + 4 : field_at + 8], "little")
    is_unicode = octets[start + _NTLM_FLAGS_AT] & 1
    name = octets[at : at + size]
    return name.decode("utf-16-le" if is_unicode else "latin-1", "replace")[:TEXT_MAX] or None


def client_kind(first: bytes) -> str | None:
    """What the first octets of a client are known from."""
    return next((kind for kind, start in _CLIENTS if first.startswith(start)), None)
