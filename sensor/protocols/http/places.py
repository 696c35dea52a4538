"""Where passwords stand in what HTTP carries: in URLs and heads, in forms, JSON and XML.

Works on octets, and looks only where one of a few words stands: bodies are long and mostly have no
password in them. What is escaped (`p%61ssword`, `%3Fpassword%3Dx`) is looked at decoded, too.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

NESTED_MAX = 3
"""How often what is escaped may be escaped again."""
_WORDS = tuple(map(re.compile, (
    rb"p(?:ass|w|swd|sk|rivate_?key)", rb"secret", rb"token", rb"api[_-]?key", rb"signature",
    rb"authorization", rb"cookie", rb"session-id")))  # fmt: skip
"""What the name of a secret has in it, in lower case: one pattern for each way to begin."""
LEAD = rb"(?:[ \t]|\r(?!\n)|\r?\n(?=[ \t]))"
"""Between a colon and a value, which obsolete folding may have in the next line (RFC 9112 5.2)."""
_REST = rb"[^\r\n]+(?:\r(?!\n)[^\r\n]*|\r?\n[ \t][^\r\n]*)*"
_BARE = rb"[^\s,;&\"'<>(){}\[\]\\]"
_FIELD = re.compile(
    rb"(?:pass(?:word|wd|phrase|code)[\w.-]{0,24}"
    rb"|(?<!by)(?<!com)(?<!over)(?<!under)(?<!tres)(?<!sur)pass[\d_-]{0,3}"
    rb"|ps?wd[\w.-]{0,24}|(?<![a-z\d])pw[\d_-]{0,3}|secret[\w.-]{0,24}|(?<![a-z])psk|token\d{0,2}"
    rb"|api[_-]?key|private_?key|(?:(?<=amz-)|(?<=goog-))signature|authorization)"
    rb"(?:\[[\w$]{0,16}\]?|\]|%5D){0,4}"  # user[password], password[0]
    rb"(?:[ \t]{0,4}=[ \t]{0,4}(?:\"(?P<quoted>[^\"\r\n]+)\"|[\"']?(?P<form>[^&\s\"'<>;]+"
    rb"(?:[^&\s]{0,256}(?=&[\w.%-]{1,64}=|[ ]HTTP/1))?))"  # what looks like an end may be in it
    rb"|(?:\\?[\"'])?\s{0,8}:(?:\s{0,8}\\?\"(?P<json>(?:[^\"\\]|\\.)+)"
    rb"|\s{0,8}'(?P<single>[^'\r\n]+)"
    rb"|\s{0,8}\[\s{0,8}(?P<array>(?:\"(?:[^\"\\]|\\.)*+\"?|[^\]\"])++)"
    rb"|(?:[ \t]{0,8}|\r?\n[ \t]{1,8})(?P<bare>"
    rb"(?:(?:basic|bearer|digest|token)[ \t]{1,4})?" + _BARE + rb"+))"
    rb"|[\"'][^\r\n]{0,200}+(?:\r?\n[^\r\n:]{1,64}+:[^\r\n]{0,200}+){0,4}+\r?\n\r?\n"  # RFC 7578
    rb"(?P<part>[^\r\n]+)"
    rb"|(?:\s[^<>]{0,256})?>\s{0,64}+(?:<!\[CDATA\[(?P<cdata>.{1,1024}?)\]\]>"
    rb"|(?P<xml>[^<>]++)(?:<|\Z)))", re.I | re.S)  # fmt: skip
_ELEMENT = re.compile(rb"<[\w:.-]{0,64}\Z")
"""What stands before the word in the name of an element."""
_HEADER = re.compile(
    rb"(?:(?P<scheme>authorization)|(?P<crumbs>cookie2?)|token|secret|api[_-]?key|password"
    rb"|session-id)(?![\w-])(?P<junk>[^:\r\n]{0,64}):" + LEAD + rb"*+"
    rb"(?(scheme)(?:[\w-]{1,24}(?:[ \t]|\r?\n(?=[ \t]))+(?=\S))?)(?P<header>" + _REST + rb")", re.I)
_IN_HEAD = re.compile(rb"(?:\A|[^\w/?&=%;.,-])[\w-]{0,64}\Z")
_IN_BODY = re.compile(rb"(?:\A|[\r\n])[\w-]{0,64}\Z")
"""What stands before the word in the name of a header field."""
_BEFORE_MAX = 66
_USER_INFO = re.compile(rb"://[^\s:/?#@\"'<>]{0,256}:(?P<password>[^\s/?#\"'<>]+)@")
_ESCAPE = re.compile(rb"(?:%|\\u00)([0-9a-f]{2})", re.I)
_SPACE = re.compile(rb"(?:\r\n?|\n)?[ \t]+")
"""Within a value that has been folded, or a target with spaces."""


class Place(NamedTuple):
    """Of a secret: its first octet, the one behind it, and what it stands in."""

    first: int
    end: int
    kind: str


def may_have(octets: bytes) -> bool:
    """False if no secret stands in the octets, or in a part of them."""
    for _ in range(NESTED_MAX + 1):
        lowered = octets.lower()
        if b"@" in octets or any(word.search(lowered) for word in _WORDS):
            return True
        if b"%" not in octets and b"\\u00" not in octets:
            return False
        octets = _ESCAPE.sub(_decoded, octets)
    return False


def places(octets: bytes, *, is_head: bool = False, is_joined: bool = False) -> list[Place]:
    """Where secrets stand, in no order; `is_head`: in a head of a message or a value of one.

    With `is_joined` spaces do not end a value.
    """
    found = _nested(octets, NESTED_MAX, is_head)
    if is_joined:
        joined = _View(octets, _SPACE)
        found += [joined.back(one) for one in _nested(joined.octets, NESTED_MAX, is_head)]
    return found


def _nested(octets: bytes, depth: int, is_head: bool) -> list[Place]:
    found = _found(octets, _IN_HEAD if is_head else _IN_BODY, is_head)
    if depth and (b"%" in octets or b"\\u00" in octets) and _ESCAPE.search(octets):
        view = _View(octets, _ESCAPE)
        found += [view.back(one) for one in _nested(view.octets, depth - 1, is_head)]
    return found


def _found(octets: bytes, before: re.Pattern[bytes], is_head: bool) -> list[Place]:
    lowered = octets.lower()
    starts = {word.start() for words in _WORDS for word in words.finditer(lowered)}
    found, end = [], 0
    for at in sorted(starts):
        if at < end:  # within a password: looking at each word in it would take its square
            continue
        place = _header_at(octets, at, before, is_head) or _field_at(octets, at)
        if place is not None:
            found.append(place)
            end = place.end
    if b"@" in octets:
        found += [Place(*one.span("password"), "url") for one in _USER_INFO.finditer(octets)]
    return found


def _header_at(
    octets: bytes, at: int, before: re.Pattern[bytes], is_head: bool
) -> Place | None:
    found = _HEADER.match(octets, at)
    if found is None or not before.search(octets[max(at - _BEFORE_MAX, 0) : at]):
        return None
    if not is_head and found["junk"].strip(b" \t"):  # of JSON, and of running text
        return None
    return Place(*found.span("header"), "cookie" if found["crumbs"] else "header")


def _field_at(octets: bytes, at: int) -> Place | None:
    found = _FIELD.match(octets, at)
    if found is None or found.lastgroup is None:
        return None
    kind = found.lastgroup
    if kind in ("xml", "cdata") and not _ELEMENT.search(octets[max(at - _BEFORE_MAX, 0) : at]):
        return None
    return Place(*found.span(kind), kind)


def _decoded(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),)) if found.re is _ESCAPE else b""


class _View:
    """Octets without escapes, or without spaces, and where they stood."""

    def __init__(self, octets: bytes, pattern: re.Pattern[bytes]) -> None:
        parts: list[bytes] = []
        self._at: list[int] = []
        """Of each that was taken away: its place in the view."""
        self._removed = [0]
        """Octets that were taken away before it, and all at last."""
        last = length = 0
        for found in pattern.finditer(octets):
            new = _decoded(found)
            parts += octets[last : found.start()], new
            length += found.start() - last
            self._at.append(length)
            length += len(new)
            last = found.end()
            self._removed.append(last - length)
        self.octets = b"".join((*parts, octets[last:]))

    def back(self, place: Place) -> Place:
        """The place in the octets themselves."""
        first, end = (at + self._removed[bisect_left(self._at, at)]
                      for at in (place.first, place.end))
        return Place(first, end, place.kind)
