# cython: boundscheck=True, wraparound=True
"""Domain names: labels on the wire (RFC 1035 3.1, 4.1.4) and as text (RFC 4343 2.1)."""

from __future__ import annotations

LABEL_MAX = 63
NAME_MAX = 255
"""Octets of a name on the wire."""
STEPS_MAX = 256
"""Labels and pointers that are followed for one name."""
POINTER = 0xC0
ROOT = "."
_PLAIN = bytes(octet for octet in range(0x21, 0x7F) if octet not in b'.\\"')
"""Octets that stand for themselves."""
_QUOTED = b'.\\"'


class Malformed(ValueError):
    """The octets are no message of DNS; raised and caught within this package."""


def name_at(octets: bytes, at: int) -> tuple[str, int]:
    """The name that begins at `at`, and where what follows it begins.

    A pointer leads back only: what it leads to was there before (RFC 1035 4.1.4).

    Errors: Malformed, or IndexError where the octets end.
    """
    labels: list[bytes] = []
    after, size = 0, 0
    for _ in range(STEPS_MAX):
        count = octets[at]
        if count == 0:
            return text_of(labels), after or at + 1
        if count <= LABEL_MAX:
            size += count + 1
            labels.append(octets[at + 1 : at + 1 + count])
            at += count + 1
            if size >= NAME_MAX or at > len(octets):
                raise Malformed
        elif count >= POINTER:
            target = (count - POINTER) << 8 | octets[at + 1]
            after = after or at + 2
            if target >= at:
                raise Malformed
            at = target
        else:
            raise Malformed
    raise Malformed


def skip_name(octets: bytes, at: int) -> int:
    """Where what follows a name begins; what a pointer leads to is not looked at.

    Errors: Malformed, or IndexError where the octets end.
    """
    for _ in range(STEPS_MAX):
        count = octets[at]
        if count == 0:
            return at + 1
        if count >= POINTER:
            return at + 2
        if count > LABEL_MAX:
            raise Malformed
        at += count + 1
    raise Malformed


def text_of(labels: list[bytes]) -> str:
    """A name as text without the dot at its end; the root is a dot."""
    if not labels:
        return ROOT
    for label in labels:
        if label.translate(None, _PLAIN):
            return ".".join(map(escaped, labels))
    return b".".join(labels).decode("ascii")


def escaped(label: bytes) -> str:
    r"""A label in which dots, quotes and backslashes have a backslash in front, and what is not
    printable ASCII is `\DDD`.
    """
    return "".join(
        chr(octet) if octet in _PLAIN else f"\\{chr(octet)}" if octet in _QUOTED
        else f"\\{octet:03}" for octet in label)
