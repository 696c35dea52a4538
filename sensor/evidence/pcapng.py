"""Blocks of a pcapng file: a section, its interfaces, and their packets in nanoseconds.

Everything is little-endian, on every machine, so that the same packets make the same octets.
Source: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from sensor.base.units import MASK32

SECTION = 0x0A0D0D0A
INTERFACE = 1
ENHANCED_PACKET = 6
BYTE_ORDER = 0x1A2B3C4D
LENGTH_UNKNOWN = 0xFFFF_FFFF_FFFF_FFFF

COMMENT = 1
SECTION_APPLICATION = 4
INTERFACE_NAME, INTERFACE_DESCRIPTION, INTERFACE_TSRESOL = 2, 3, 9
NANOSECONDS = b"\x09"

TEXT_BYTES_MAX = 60_000
"""Octets of a text: the length of an option has 16 bits."""
CUT = " ..."
_PACKET_HEAD, _OPTION_HEAD, _SIZE = map(struct.Struct, ("<7I", "<HH", "<I"))
_END_OF_OPTIONS = b"\0\0\0\0"
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


def section(comment: str, application: str) -> bytes:
    """A section header: what the file is, and what wrote it."""
    body = struct.pack("<IHHQ", BYTE_ORDER, 1, 0, LENGTH_UNKNOWN)
    return _block(SECTION, body + _options((COMMENT, _text(comment)),
                                           (SECTION_APPLICATION, _text(application))))


def interface(link: int, name: str, description: str) -> bytes:
    """An interface, whose packets have nanoseconds and are of any length."""
    options = [(INTERFACE_NAME, _text(name))] if name else []
    options += [(INTERFACE_DESCRIPTION, _text(description)), (INTERFACE_TSRESOL, NANOSECONDS)]
    return _block(INTERFACE, struct.pack("<HHI", link, 0, 0) + _options(*options))


def packet(number: int, time_ns: int, octets: bytes, wire: int, comment: str = "") -> bytes:
    """A packet of the interface with this number, `wire` octets long before it was cut."""
    # Of all blocks this one is made often: in one go.
    captured = len(octets)
    padding, options = _PADDING[captured & 3], b""
    if comment:
        text = comment.encode()
        options = b"".join((_OPTION_HEAD.pack(COMMENT, len(text)), text, _PADDING[len(text) & 3],
                            _END_OF_OPTIONS))
    size = 32 + captured + len(padding) + len(options)
    head = _PACKET_HEAD.pack(ENHANCED_PACKET, size, number, time_ns >> 32, time_ns & MASK32,
                             captured, wire)
    return b"".join((head, octets, padding, options, _SIZE.pack(size)))


def packet_places(file: BinaryIO) -> Iterator[int]:
    """Where the octets of each packet begin in a file of such blocks. Errors: OSError."""
    at = 0
    while len(head := file.read(8)) == 8:
        kind, size = struct.unpack("<II", head)
        if kind == ENHANCED_PACKET:
            yield at + _PACKET_HEAD.size
        at += size
        file.seek(at)


def _block(kind: int, body: bytes) -> bytes:
    size = len(body) + 12
    return b"".join((struct.pack("<II", kind, size), body, struct.pack("<I", size)))


def _options(*options: tuple[int, bytes]) -> bytes:
    """The options, and the end of them."""
    found = b"".join(
        struct.pack("<HH", code, len(value)) + value + _PADDING[len(value) & 3]
        for code, value in options)
    return found + _END_OF_OPTIONS


def _text(text: str) -> bytes:
    """A text in UTF-8, cut between two characters where it is too long."""
    octets = text.encode("utf-8", "replace")
    if len(octets) <= TEXT_BYTES_MAX:
        return octets
    return octets[:TEXT_BYTES_MAX].decode("utf-8", "ignore").encode() + CUT.encode()
