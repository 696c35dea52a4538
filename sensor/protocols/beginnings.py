"""How flows of each protocol begin: what tells by the first octets of a side that one is none.

These tests stand apart from the analyzers, which are imported when a flow first needs one. Each is
true if a flow that begins so is none of its protocol, or one of which nothing could be told.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sensor.protocols.analyzer import CLIENT, SERVER

Test = Callable[[int, bytes], bool]
"""Of a side and its first octets."""
WORD = 4
"""Octets that tell binary from text."""
METHOD_MAX = 24
"""Octets of a method of HTTP."""
_TEXT = bytes(range(32, 127)) + b"\r\n"
_METHOD = re.compile(rb"[!#-'*+.0-9A-Z^-z|~-]{1,%d}(?: |\Z)" % METHOD_MAX)
"""A token (RFC 9110 5.6.2) and a space, as far as they are there."""
_SSH = b"SSH-"
_REDIS = b"+-:_#,($!=*~>%|"
"""The types of RESP's values."""
_DNS_BYTES = 14
"""Of a length and a header."""


def begins_no_ssh(side: int, octets: bytes) -> bool:
    """A client says nothing before its identification string."""
    return side == CLIENT and octets[: len(_SSH)] != _SSH[: len(octets)]


def begins_no_dialogue(greeting: bytes, side: int, octets: bytes) -> bool:
    """Of a protocol of lines: a server begins with one of the octets of `greeting`, a client with
    text.
    """
    if side == SERVER:
        return octets[0] not in greeting
    return bool(octets[:WORD].translate(None, _TEXT))


def begins_no_tls(side: int, octets: bytes) -> bool:
    """A record of a handshake or an alert comes first (RFC 8446 5.1)."""
    return octets[0] not in (0x15, 0x16) or octets[1:2] not in (b"", b"\3")


def begins_no_redis(side: int, octets: bytes) -> bool:
    """A command is an array, or a line of words."""
    if side == SERVER:
        return octets[0] not in _REDIS
    return octets[:1] != b"*" and not octets[:1].isalpha()


def begins_no_rlogin(side: int, octets: bytes) -> bool:
    """The client speaks first, and begins with NUL (RFC 1282)."""
    return side == SERVER or octets[:1] != b"\0"


def begins_no_dns(side: int, octets: bytes) -> bool:
    """A message over TCP has its length before it (RFC 1035 4.2.2)."""
    if len(octets) < _DNS_BYTES:
        return False
    from sensor.protocols.dns.message import is_message  # noqa: PLC0415  as its analyzer

    return not is_message(octets, 2)


def begins_no_http(side: int, octets: bytes | bytearray) -> bool:
    """A client begins with a method, a server with HTTP/."""
    if side == CLIENT:
        return bool(octets) and _METHOD.match(octets) is None
    return not b"HTTP/".startswith(octets[:5])
