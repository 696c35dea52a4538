"""Passwords, as far as they may be told: how long, and a hash that only this run can make.

Analyzers keep passwords in memory alone, and give out their length, `Secrets.hash_of` them, and
text that `Known` has masked.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sensor.model.columns import Document

KEY_BYTES_MIN = 16
MASK = "***"
KNOWN_MAX = 32
"""Passwords of a connection that are kept."""
KNOWN_CHARACTERS_MIN = 3
_URL = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]{1,15}://)(?P<user>[^\s:/@]{0,64}):(?P<password>[^\s/@]{1,256})@",
    re.I)
_VALUE = r"(?P<password>\"[^\"]*\"?|'[^']*'?|\S+)"
_PLAIN_WORDS = (r"(?!(?:is|has|was|for|to|or|and|but|of|in|on|required|expired|incorrect|invalid"
                r"|must|will|may|can|cannot|immediately|now|before|when|with|by|from|failed|failure"
                r"|policy|prompt|changed?|updated|again|authentication)\b)"
                )  # fmt: skip
"""What follows the word in running text."""
_ARGUMENTS = (
    re.compile(r"(?P<head>\b(?:ssh|scp|sftp|rsync|telnet|ftp)\b[^|;\n]{0,200}?\s[\w.-]{1,64}:)"
               r"(?P<password>(?!/)\S{1,256})(?=@[\w\[])"),
    re.compile(r"(?P<head>\b(?:mysql(?:dump|admin)?|mariadb)\b[^|;\n]{0,200}?\s-p)" + _VALUE),
    re.compile(r"(?P<head>\bsshpass\s{1,8}-p\s{0,8})" + _VALUE),
    re.compile(r"(?P<head>\b(?:curl|wget)\b[^|;\n]{0,200}?\s(?:-u|--user)[ =]?[^\s:]{0,64}:)"
               + _VALUE),
    re.compile(r"(?P<head>(?<![\w/.-])[\w.-]{0,64}?(?:password|passwd|passphrase|secret|pwd|psk|pass"
               r"|auth-key|community)[\"']?\s{0,8}[=:]\s{0,8})" + _VALUE, re.I),
    re.compile(r"(?P<head>(?<![\w/.-])(?:--?[\w-]{0,32}?(?:password|passwd|passphrase|secret|psk|pass)"
               r"|password|passphrase|secret|pass|auth-key|community|key-string)\s{1,8}"
               r"(?:level\s\d{1,2}\s)?(?:(?:\d|cipher|simple|irreversible-cipher|encrypted|plain)\s"
               rf"{{1,8}})?){_PLAIN_WORDS}" + _VALUE, re.I),
    re.compile(r"(?P<head>\becho\s{1,8}(?:-\w{1,4}\s)?[\"']?(?:[^\s\"':|]{1,64}:)?)"
               r"(?P<password>[^\s\"'|]{1,256})"
               r"(?=[\"']?\s{0,8}\|\s{0,8}(?:sudo|su|passwd|chpasswd)\b)"),
)  # fmt: skip
"""Commands with a password in them: its place."""
_PLACES = (_URL, *_ARGUMENTS)
_MAY_SHOW = re.compile(r"://|@|mysql|mariadb|pass|pwd|secret|psk|curl|wget|auth-key|community"
                       r"|key-string|echo", re.I)  # fmt: skip
"""What every text has that any of these patterns finds something in: most have nothing of it."""


@dataclass
class TypedLines:
    """The lines that were typed in sessions, by what is known of them, for whoever masks packets.
    """

    shown: set[str] = field(default_factory=set)
    """Accounts and commands."""
    hidden: set[str] = field(default_factory=set)
    """All others, and passwords."""


class Secrets:
    """What may be told of passwords in one run."""

    def __init__(
        self, key: bytes | None = None, *, reveal: bool = False, typed: TypedLines | None = None
    ) -> None:
        """`key` makes the hashes of runs with the same one alike; None: of this run alone.

        `reveal` has passwords told in the file of protocol events, and nowhere else. `typed` learns
        the lines of sessions that are transcribed.
        """
        self.typed = typed
        self._key = hashlib.sha256(key).digest() if key is not None else os.urandom(32)
        self.reveal = reveal
        self.revealed: dict[str, str] = {}
        """Passwords by `event.id`, for whoever writes that file."""

    def documents(self, documents: Sequence[Document]) -> Sequence[Document]:
        """The documents as the file of protocol events has them: with what is to be revealed."""
        if not self.revealed:
            return documents
        return [self._revealed(document) for document in documents]

    def _revealed(self, document: dict[str, Any]) -> Document:
        secret = self.revealed.pop(document["event"]["id"], None)
        if secret is None:
            return document
        protocol = document["event"]["action"].partition("_")[0]
        said = document[protocol]
        return {**document, protocol: {**said, "password": {**said["password"], "text": secret}}}

    def hash_of(self, secret: str) -> str:
        """A keyed hash (BLAKE2b) that tells whether two passwords are the same, and no more."""
        return hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), key=self._key,
                               digest_size=16).hexdigest()  # fmt: skip


class Known:
    """Passwords of one connection, the last ones: they are masked wherever they come again."""

    def __init__(self, most: int = KNOWN_MAX) -> None:
        self._secrets: list[str] = []
        self._most = most

    def learn(self, secret: str) -> None:
        """Keep one; single characters and pairs stand in too many words."""
        if len(secret) < KNOWN_CHARACTERS_MIN or secret in self._secrets:
            return
        self._secrets.append(secret)
        if len(self._secrets) > self._most:
            del self._secrets[0]

    @property
    def secrets(self) -> list[str]:
        """Those that are kept."""
        return list(self._secrets)

    def masked(self, text: str) -> str:
        """A text without those in it; one that begins another must not leave the rest of it."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, MASK)
        return masked(text)


def masked(text: str) -> str:
    """A text without the passwords that its own words show."""
    if not _MAY_SHOW.search(text):
        return text
    text = _URL.sub(rf"\g<scheme>\g<user>:{MASK}@", text)
    for pattern in _ARGUMENTS:
        text = pattern.sub(rf"\g<head>{MASK}", text)
    return text


def secret_places(text: str) -> list[tuple[int, int]]:
    """Where `masked` masks something in a text: first places, and those behind the last ones."""
    if not _MAY_SHOW.search(text):
        return []
    return [found.span("password") for pattern in _PLACES for found in pattern.finditer(text)]
