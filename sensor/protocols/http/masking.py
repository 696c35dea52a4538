"""Masks passwords in what HTTP carries: those that stand in a place of theirs, and those that are
known from one, wherever they come again in the connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote_from_bytes, unquote_to_bytes

from sensor.model.http_headers import SCHEME_HEADERS, SECRET_HEADERS
from sensor.protocols.http.places import LEAD, Place, may_have, places
from sensor.protocols.secrets import KNOWN_CHARACTERS_MIN, KNOWN_MAX

MASK = b"***"
LEARNT_MIN = 6
"""Octets of a password of a field, or of a token, that is kept: shorter ones stand in many words.
"""
COOKIE_MIN = 16
"""Octets of a cookie that is kept: a session's has as many, and those with settings have fewer."""
LEARNT_MAX = 2048
_UNSURE = frozenset(("bare", "array"))
"""Kinds of places that hold more than one secret, or a word of a program."""
_OF_CONNECT = re.compile(
    rb"(?P<keep>(?:\ACONNECT +|(?<=[\r\n])[ \t]*host[^\w:\r\n-]{0,32}:" + LEAD + rb"*+)"
    rb"[^\s:/?#@]{0,256}:)[^\s/?#]+@", re.I)  # fmt: skip
_ORDINARY = re.compile(
    rb"\n(?:" + "|".join((*SCHEME_HEADERS, *SECRET_HEADERS)).encode()
    + rb")[ \t]*:[^\r\n]*(?=\r?\n[^ \t])", re.I)
"""Lines of header fields that are masked as a whole."""
_OF_AUTHORITY = re.compile(rb"\A(?P<keep>[^\s:/?#@]{0,256}:)[^\s/?#]+@")
_SCHEME = re.compile(r"[\w-]{1,24}[ \t]+(?=\S)")
_SCHEME_HEADERS = frozenset(name.encode() for name in SCHEME_HEADERS)
_SECRET_HEADERS = frozenset(name.encode() for name in SECRET_HEADERS)


class Masker:
    """Masks the passwords of one connection, those that it has learnt wherever they stand."""

    def __init__(self) -> None:
        self._passwords: dict[bytes, None] = {}
        self._cookies: dict[bytes, None] = {}
        """The last ones that were learnt, by themselves: a request has many of them."""
        self._known: list[bytes] = []

    @property
    def held_bytes(self) -> int:
        """About what it takes in memory."""
        return sum(map(len, self._known))

    def learn(self, secret: str) -> None:
        """Keep a password; short ones stand in too many words."""
        self._keep(self._passwords, secret.encode("utf-8", "surrogatepass"), KNOWN_CHARACTERS_MIN)

    def learn_from(self, octets: bytes, *, is_head: bool = False, is_answer: bool = False) -> None:
        """Keep the secrets of a head or a body; of an answer its cookies alone."""
        for place in places(octets, is_head=is_head):
            value = octets[place.first : place.end]
            if place.kind == "cookie":
                for crumb in value.split(b";", KNOWN_MAX):
                    self._keep(self._cookies, crumb.partition(b"=")[2].strip(b' \t"'), COOKIE_MIN)
            elif not is_answer and place.kind not in _UNSURE:
                self._keep(self._passwords, value.strip(), LEARNT_MIN)

    def _keep(self, kept: dict[bytes, None], secret: bytes, least: int) -> None:
        if not least <= len(secret) <= LEARNT_MAX or secret in kept:
            return
        plain = unquote_to_bytes(secret.replace(b"+", b" "))
        for one in (secret, plain, quote_from_bytes(plain).encode()):
            if len(one) >= least:
                kept[one] = None
        while len(kept) > KNOWN_MAX:
            del kept[next(iter(kept))]
        self._known = sorted({**self._passwords, **self._cookies}, key=len, reverse=True)

    def may_mask(self, octets: bytes) -> bool:
        """False if there is nothing in the octets, or in a part of them, that would be masked."""
        return may_have(octets) or any(secret in octets for secret in self._known)

    def may_mask_values(self, raw: bytes) -> bool:
        """False if nothing would be masked in a head but the fields that always are."""
        return self.may_mask(_ORDINARY.sub(b"", raw))

    def masked(self, octets: bytes, *, is_head: bool = False, is_joined: bool = False) -> bytes:
        """The octets without the passwords that are known, or that stand in a place of theirs."""
        found = places(octets, is_head=is_head, is_joined=is_joined)
        for secret in self._known:
            at = octets.find(secret)
            while at >= 0:
                found.append(Place(at, at + len(secret), "known"))
                at = octets.find(secret, at + len(secret))
        return _without(octets, sorted(found)) if found else octets

    def masked_head(self, raw: bytes, *, is_joined: bool = False) -> bytes:
        """The head of a message without them, and without what it logs in with."""
        if b"@" in raw:
            raw = _OF_CONNECT.sub(rb"\g<keep>" + MASK + b"@", raw)
        return self.masked(raw, is_head=True, is_joined=is_joined)

    def masked_authority(self, octets: bytes, *, is_joined: bool = False) -> bytes:
        """`user:password@host` without the password."""
        octets = _OF_AUTHORITY.sub(rb"\g<keep>" + MASK + b"@", octets)
        return self.masked(octets, is_head=True, is_joined=is_joined)


def masked_header(name: bytes, value: str) -> str | None:
    """What is told of a header field that one logs in with: the scheme at most; None: it is none.
    """
    if name in _SCHEME_HEADERS:
        found = _SCHEME.match(value)
        return (found[0] if found is not None else "") + MASK.decode()
    return MASK.decode() if name in _SECRET_HEADERS else None


def _without(octets: bytes, found: Iterable[Place]) -> bytes:
    """The octets with MASK in these places, of which some may overlap."""
    parts, at = [], 0
    for first, end, _ in found:
        if end <= at:
            continue
        parts += [octets[at : max(first, at)], MASK if first >= at else b""]
        at = end
    return b"".join((*parts, octets[at:]))
