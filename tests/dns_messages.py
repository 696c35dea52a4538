"""Messages of DNS as octets, built with `struct` alone (RFC 1035 4.1)."""

from __future__ import annotations

import struct

QUERY = 0x0100
"""Recursion is desired."""
ANSWER = 0x8180
A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, OPT, HTTPS, CAA = (
    1, 2, 5, 6, 12, 15, 16, 28, 33, 41, 65, 257)  # fmt: skip
FIRST_NAME = b"\xc0\x0c"
"""A pointer to the name of the first question."""


def name(text: str) -> bytes:
    """A name of plain labels."""
    labels = [label.encode() for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def question(text: str, kind: int = A, class_: int = 1) -> bytes:
    return name(text) + struct.pack("!HH", kind, class_)


def record(
    kind: int, data: bytes, owner: bytes = FIRST_NAME, *, ttl: int = 300, class_: int = 1
) -> bytes:
    return owner + struct.pack("!HHIH", kind, class_, ttl, len(data)) + data


def message(
    number: int, flags: int, *questions: bytes, answers: tuple[bytes, ...] = (),
    authorities: tuple[bytes, ...] = (), additionals: tuple[bytes, ...] = ()
) -> bytes:
    """A message whose header counts what it has."""
    sections = (questions, answers, authorities, additionals)
    return struct.pack("!6H", number, flags, *map(len, sections)) + b"".join(
        part for section in sections for part in section)


def query(number: int = 7, text: str = "www.example.com", kind: int = A) -> bytes:
    return message(number, QUERY, question(text, kind))


def answer(
    number: int = 7, text: str = "www.example.com", *addresses: bytes, flags: int = ANSWER
) -> bytes:
    return message(number, flags, question(text), answers=tuple(
        record(A, octets) for octets in addresses or (b"\xc0\0\2\x01",)))


def framed(*messages: bytes) -> bytes:
    """Messages as TCP carries them."""
    return b"".join(struct.pack("!H", len(one)) + one for one in messages)
