"""rlogin (RFC 1282): who logs in, on which terminal, and whether it works.

    client   NUL account of the client NUL account on the server NUL terminal/speed NUL
    server   NUL, or 1 and why not
    both     a terminal session, in which a window's size may come from the client:
             255 255 s s, and eight octets

A server that trusts the client's host asks for no password. What the session looks like is read as
Telnet's is (docs/telnet.md), up to the first login that works.
"""

from __future__ import annotations

import re

from sensor.base.escape import harmless
from sensor.protocols.analyzer import CLIENT, Moment, ProtocolEvent
from sensor.protocols.cleartext.analyzer import ATTEMPTS_MAX
from sensor.protocols.cleartext.login import (
    FAILURE,
    NAME_MAX,
    SUCCESS,
    UNKNOWN,
    Attempt,
    LoginTeller,
    text_of,
)
from sensor.protocols.secrets import Secrets
from sensor.protocols.telnet.keyboard import Keyboard
from sensor.protocols.telnet.login import Dialogue
from sensor.protocols.telnet.screen import Screen
from sensor.protocols.telnet.states import Surroundings

QUIET_NS = 50_000_000
"""So long a server is silent before a line that is not over counts as a prompt."""
HEADER_MAX = 512
"""Octets of what a client says ahead of its session."""
REFUSED = b"\1"
WINDOW_REQUEST = b"\x80"
"""Comes as urgent data, behind the server's NUL (RFC 1282)."""
_HEADER = re.compile(rb"\0([ -~]*)\0([ -~]+)\0([ -~]*)\0")
_TYPED = re.compile(
    rb"\xff\xffss.{8}|(?P<begun>\xff(?:\xff(?:s(?:s.{0,7})?)?)?\Z)|(?P<keys>[^\xff]+|\xff)",
    re.DOTALL)
"""The size of a window, or the beginning of one; keys."""


class RloginAnalyzer:
    """Tells of the logins of a connection."""

    def __init__(self, secrets: Secrets) -> None:
        self.done = False
        self.due_ns = 0
        self._teller = LoginTeller("rlogin", secrets)
        self._events: list[ProtocolEvent] = []
        self._client = bytearray()
        """Of the client, what is not read yet."""
        self._head = b""
        """The server's first octet."""
        self._client_user = self._user = self._terminal = ""
        self._screen, self._keyboard = Screen(), Keyboard()
        self._is_new = False
        """The server has printed something that was not judged yet."""
        self._moment = Moment(0)
        """When the server spoke last."""
        self._dialogue = Dialogue(Surroundings(
            user=lambda: self._user, bypass_user=lambda: (False, None),
            client_is_absent=lambda: False, echoes=lambda: True))  # fmt: skip

    @property
    def held_bytes(self) -> int:
        return len(self._client) + self._screen.held_bytes + self._dialogue.held_bytes

    def feed(self, side: int, octets: bytes, moment: Moment) -> None:
        if side == CLIENT:
            self._client += octets
            if self._user or self._read_header(moment):
                self._type(moment)
        elif not self._user:
            self.done = True  # the client speaks first
        else:
            self._moment = moment
            self._print(octets, moment)
        self._collect()

    def gap(self, side: int, count: int, moment: Moment) -> None:
        if count:
            self.close(moment)

    def turn(self) -> None:
        self.done = True  # whoever spoke first was not the client: what was read means nothing

    def expire(self) -> None:
        self._judge()
        self._collect()

    def close(self, moment: Moment) -> None:
        self._judge()
        if self._head == REFUSED:
            self._refuse(self._screen.pending, moment)
        elif self._head:
            self._dialogue.close(moment)
        self._collect()
        self.done = True

    def take(self) -> list[ProtocolEvent]:
        events, self._events = self._events, []
        return events

    def _read_header(self, moment: Moment) -> bool:
        """Take what the client says ahead; False if it is not whole, or none."""
        found = _HEADER.match(self._client)
        if found is None:
            header = self._client[:HEADER_MAX]
            self.done = (header[:1] != b"\0" or len(header) == HEADER_MAX
                         or header.count(b"\0") > 3)  # fmt: skip
            return False
        client_user, user, terminal = (text_of(part)[:NAME_MAX] for part in found.groups())
        self._client_user, self._user = client_user, user
        self._terminal = terminal.partition("/")[0]
        del self._client[: found.end()]
        self._dialogue.named(user, moment)
        return True

    def _type(self, moment: Moment) -> None:
        """Take keys of the client, without sizes of its window."""
        found = list(_TYPED.finditer(self._client))
        keys = b"".join(one["keys"] or b"" for one in found)
        self._client[:] = found[-1]["begun"] or b"" if found else b""
        if keys:
            self._judge()
        for line in self._keyboard.feed(keys):
            self._dialogue.typed(line, moment)
            self._screen.cut()
            self._is_new = False

    def _print(self, octets: bytes, moment: Moment) -> None:
        """Take text of the server."""
        if not self._head:
            self._head, octets = octets[:1], octets[1:]
            self.done = self._head not in (b"\0", REFUSED)
        for line in self._screen.feed(octets.replace(WINDOW_REQUEST, b"")):
            if self._head == REFUSED:
                self._refuse(line.text, moment)
                return
            self._dialogue.printed(line, moment)
        self._is_new = True
        self.due_ns = moment.time_ns + QUIET_NS

    def _judge(self) -> None:
        """Look at the line that the server has not ended, unless the client is typing."""
        self.due_ns = 0
        is_new, self._is_new = self._is_new, False
        if not is_new or not self._keyboard.is_empty or self._head == REFUSED:
            return
        if self._dialogue.judge(self._screen.pending, self._moment):
            self._screen.cut()  # what follows is no part of the prompt

    def _refuse(self, text: str, moment: Moment) -> None:
        """The server lets nobody in."""
        if not self.done:
            self._tell(Attempt("none", self._user), FAILURE, text.strip(), moment)
            self.done = True

    def _collect(self) -> None:
        """Make events of the logins that the dialogue has found."""
        logins, self._dialogue.logins = self._dialogue.logins, []
        for login in logins:
            if self.done:
                return
            outcome = login.outcome if login.outcome in (SUCCESS, FAILURE) else UNKNOWN
            attempt = Attempt(login.attempt.method, login.attempt.name or "", login.attempt.secret)
            self._tell(attempt, outcome, login.text, login.moment)
            self.done = outcome == SUCCESS or self._teller.attempts >= ATTEMPTS_MAX

    def _tell(self, attempt: Attempt, outcome: str, text: str, moment: Moment) -> None:
        event = self._teller.event(attempt, outcome, text, moment)
        users = [harmless(user) for user in (attempt.user, self._client_user) if user]
        more = {"rlogin.client.user": harmless(self._client_user),
                "rlogin.terminal.type": harmless(self._terminal)}  # fmt: skip
        self._events.append(ProtocolEvent(
            event.moment, event.action,
            {**event.fields, **{name: value for name, value in more.items() if value},
             "related.user": list(dict.fromkeys(users))},
            event.secret))  # fmt: skip
