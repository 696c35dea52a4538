"""Where the body of a message ends (RFC 9112 6.3), and what is not clear about it."""

from __future__ import annotations

import re
from typing import NamedTuple

from sensor.protocols.http.message import Message

NONE, LENGTH, CHUNKED, CLOSE, UNCLEAR = range(5)
"""No body; so many octets; chunks; all up to the end of the connection; nobody can say."""
_LENGTH = re.compile(rb"\d{1,18}")


class Framing(NamedTuple):
    """How a body is delimited."""

    kind: int
    length: int = 0


def of_request(message: Message) -> Framing:
    """The framing of a request's body; anomalies are noted in the message."""
    if b"transfer-encoding" in message.headers:
        return _by_coding(message, UNCLEAR)
    if b"content-length" in message.headers:
        return _by_length(message)
    return Framing(NONE)


def of_response(message: Message, method: str) -> Framing:
    """The framing of the body of a response to a request with this method, "" if not known."""
    status = message.status
    if status < 200 or status in (204, 304) or method == "HEAD":
        return Framing(NONE)
    if method == "CONNECT" and status < 300:
        return Framing(NONE)
    if b"transfer-encoding" in message.headers:
        return _by_coding(message, CLOSE)
    if b"content-length" in message.headers:
        return _by_length(message)
    return Framing(CLOSE)


def _by_coding(message: Message, otherwise: int) -> Framing:
    """Chunks if they are the last coding, else what that means for this kind of message."""
    if b"content-length" in message.headers:
        message.strange("length_and_coding")
    if message.version < "1.1":
        message.strange("transfer_coding_old_version")
    codings = [coding.strip(b" \t").lower()
               for coding in message.headers[b"transfer-encoding"].split(b",")]
    known = (b"gzip", b"x-gzip", b"deflate", b"compress", b"x-compress")
    if codings[-1] != b"chunked" or any(coding not in known for coding in codings[:-1]):
        message.strange("transfer_coding_unknown")
        return Framing(otherwise if b"chunked" not in codings[:-1] else UNCLEAR)
    return Framing(CHUNKED)


def _by_length(message: Message) -> Framing:
    lengths = [length.strip(b" \t") for length in message.headers[b"content-length"].split(b",")]
    if any(_LENGTH.fullmatch(length) is None for length in lengths):
        message.strange("content_length_invalid")
        return Framing(UNCLEAR)
    if len(lengths) > 1:
        message.strange("content_length_repeated")
    if len({int(length) for length in lengths}) > 1:
        message.strange("content_length_conflict")
        return Framing(UNCLEAR)
    return Framing(LENGTH, int(lengths[0]))
