"""Logins of HTTP: the credentials that requests carry (RFC 7616, 7617), each told once.

A client repeats them with every request. An event tells of them when they, or what became of them,
are not those of the last one.
"""

from __future__ import annotations

import re

from sensor.protocols.analyzer import Moment, ProtocolEvent
from sensor.protocols.cleartext.login import (
    FAILURE,
    SUCCESS,
    UNKNOWN,
    Attempt,
    LoginTeller,
    text_of,
    unpacked,
)
from sensor.protocols.http.message import Message
from sensor.protocols.secrets import Secrets

LOGINS_MAX = 1_000
"""Logins of a connection that are told."""
_USER = re.compile(rb"\busername=(?:\"((?:[^\"\\]|\\.)*)\"|([^\s,\"]+))", re.I)


class Logins:
    """The logins of one connection."""

    def __init__(self, secrets: Secrets) -> None:
        self._teller = LoginTeller("http", secrets)
        self._last: tuple[Attempt, str] | None = None

    def event(self, request: Message, response: Message | None, phrase: str,
              moment: Moment) -> ProtocolEvent | None:
        """The event of a request that logs in; None if there is nothing new to tell.

        `phrase` is that of the response, masked.
        """
        attempt = attempt_of(request)
        if attempt is None or self._teller.attempts >= LOGINS_MAX:
            return None
        outcome = _outcome_of(response)
        if (attempt, outcome) == self._last:
            return None
        self._last = attempt, outcome
        reply = ""
        if response is not None:
            reply = f"{response.status} {phrase}".rstrip()
        return self._teller.event(attempt, outcome, reply, moment)


def attempt_of(request: Message) -> Attempt | None:
    """What a request logs in with."""
    for name in (b"authorization", b"proxy-authorization"):
        scheme, _, rest = request.headers.get(name, b"").partition(b" ")
        method = scheme.lower()
        if method == b"basic" and (content := unpacked(rest)) is not None:
            user, colon, secret = content.partition(b":")
            if colon:
                return Attempt("basic", text_of(user), text_of(secret))
        elif method == b"digest" and (found := _USER.search(rest)):
            return Attempt("digest", text_of(found[1] if found[1] is not None else found[2]))
    return None


def _outcome_of(response: Message | None) -> str:
    if response is None:
        return UNKNOWN
    if response.status in (401, 407):
        return FAILURE
    return SUCCESS if 200 <= response.status < 400 else UNKNOWN
