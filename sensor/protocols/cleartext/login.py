"""An attempt to log in, and the event that tells how it ended: of one form for all protocols."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from sensor.base.escape import harmless
from sensor.model.protocol_values import OUTCOMES
from sensor.protocols.analyzer import Moment, ProtocolEvent, Value
from sensor.protocols.secrets import Known, Secrets
from sensor.protocols.telnet.bots import DEFAULT_PAIRS

SUCCESS, FAILURE, UNKNOWN = OUTCOMES
TEXT_MAX = 80
NAME_MAX = 256
_OAUTH_USER = re.compile(rb"(?:^|[,\x01])(?:user|a)=([^,\x01]+)")
"""In a response of XOAUTH2, or of OAUTHBEARER (RFC 7628)."""


@dataclass
class Attempt:
    """What a client sent to log in."""

    method: str
    """As the protocol names it: `password`, `plain`, `cram-md5`..."""
    user: str = ""
    secret: str | None = None
    """None: none was sent that could be read."""


class LoginTeller:
    """Makes the events of one connection."""

    def __init__(self, protocol: str, secrets: Secrets) -> None:
        self._protocol = protocol
        self._secrets = secrets
        self._known = Known()
        self.attempts = 0

    def masked(self, text: str, most: int = NAME_MAX) -> str:
        """A text for people, without passwords."""
        return harmless(self._known.masked(text))[:most]

    def event(self, attempt: Attempt, outcome: str, reply: str, moment: Moment) -> ProtocolEvent:
        """The event of an attempt; `reply` is what the server said to it, empty: nothing."""
        self.attempts += 1
        fields: dict[str, Value] = {
            "event.category": ["authentication", "network"],
            "event.type": ["start"] if outcome == SUCCESS else ["info"],
            "event.outcome": outcome,
            self._name("login.outcome"): outcome,
            self._name("login.method"): attempt.method,
            self._name("login.attempt"): self.attempts,
        }
        if attempt.user:
            name = harmless(attempt.user)[:NAME_MAX]
            fields |= {"user.name": name, "related.user": [name]}
        if (secret := attempt.secret) is not None:
            self._known.learn(secret)
            fields |= {
                self._name("password.length"): len(secret),
                self._name("password.hash"): self._secrets.hash_of(secret),
                self._name("password.is_default"): (attempt.user, secret) in DEFAULT_PAIRS,
                self._name("password.empty"): not secret,
            }
        if reply:
            fields[self._name("login.text")] = self.masked(reply, TEXT_MAX)
        return ProtocolEvent(moment, f"{self._protocol}_login", fields,
                             (secret or "") if self._secrets.reveal else "")

    def _name(self, of: str) -> str:
        return f"{self._protocol}.{of}"


def text_of(octets: bytes) -> str:
    """Octets of a line as text; nothing fails."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def unpacked(octets: bytes) -> bytes | None:
    """What base64 packs; None if it is none."""
    try:
        return base64.b64decode(octets.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None


class Sasl:
    """The client's side of a SASL exchange (RFC 4422), as far as it tells an account.

    PLAIN (RFC 4616), LOGIN (a draft that all speak), CRAM-MD5 (RFC 2195), XOAUTH2; of others the
    name of the mechanism is all that is told.
    """

    def __init__(self, mechanism: bytes) -> None:
        self._mechanism = mechanism.upper()
        self.attempt = Attempt(text_of(mechanism).lower()[:NAME_MAX])
        self._answers = 0

    def answer(self, octets: bytes) -> None:
        """A response of the client, still packed."""
        self._answers += 1
        content = unpacked(octets)
        if content is None:
            return
        if self._mechanism == b"LOGIN":
            self._answer_login(content)
        elif self._mechanism == b"PLAIN":
            parts = content.split(b"\0")
            if len(parts) == 3:
                self.attempt.user, self.attempt.secret = map(text_of, parts[1:])
        elif self._mechanism == b"CRAM-MD5":
            self.attempt.user = text_of(content.rpartition(b" ")[0])
        elif found := _OAUTH_USER.search(content):
            self.attempt.user = text_of(found[1])

    def _answer_login(self, content: bytes) -> None:
        if self._answers == 1:
            self.attempt.user = text_of(content)
        elif self._answers == 2:
            self.attempt.secret = text_of(content)
