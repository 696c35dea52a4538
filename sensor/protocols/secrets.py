"""Passwords, as far as they may be told: how long, and a hash that only this run can make.

Analyzers keep passwords in memory alone, and give out what `Secrets.fields` makes of them.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from typing import Any

from sensor.model.columns import Document

KEY_BYTES_MIN = 16
MASK = "***"
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]{1,15}://)(?P<user>[^\s:/@]*):(?P<password>[^\s/@]+)@", re.I)
_ARGUMENTS = (
    re.compile(r"(?P<head>\b(?:mysql|mysqldump|mysqladmin|mariadb)\b.*?\s-p)(?P<password>\S+)"),
    re.compile(r"(?P<head>\b(?:sshpass)\s+-p\s?)(?P<password>\S+)"),
    re.compile(r"(?P<head>\b(?:curl|wget)\b.*?\s(?:-u|--user)[ =]?[^\s:]*:)(?P<password>\S+)"),
    re.compile(r"(?P<head>(?:^|[\s\"'-])(?:[a-z_-]*(?:password|passwd|passphrase|secret|pwd|psk|pass)"
               r"|auth-key|community)\s*[ =:]\s*(?:[0-9] )?)(?P<password>[^\s\"']+)", re.I),
    re.compile(r"(?P<head>\becho\s+[\"']?(?:[^\s\"':|]+:)?)(?P<password>[^\s\"'|]+)"
               r"(?=[\"']?\s*\|\s*(?:sudo|su|passwd|chpasswd)\b)"),
)  # fmt: skip
"""Commands with a password in them: its place."""


class Secrets:
    """What may be told of passwords in one run."""

    def __init__(self, key: bytes | None = None, *, reveal: bool = False) -> None:
        """`key` makes the hashes of runs with the same one alike; None: of this run alone.

        `reveal` has passwords told in the file of protocol events, and nowhere else.
        """
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
        telnet = document["telnet"]
        password = {**telnet["password"], "text": secret}
        return {**document, "telnet": {**telnet, "password": password}}

    def hash_of(self, secret: str) -> str:
        """A keyed hash (BLAKE2b) that tells whether two passwords are the same, and no more."""
        return hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), key=self._key,
                               digest_size=16).hexdigest()  # fmt: skip


def masked(text: str, known: list[str]) -> str:
    """A text without the passwords in it: those that are known, and those that its words show."""
    for secret in known:
        if len(secret) > 2:
            text = text.replace(secret, MASK)
    text = _URL.sub(rf"\g<scheme>\g<user>:{MASK}@", text)
    for pattern in _ARGUMENTS:
        text = pattern.sub(rf"\g<head>{MASK}", text)
    return text
