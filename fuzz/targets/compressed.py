"""Compressed streams: how they are cut never shows, and nothing but DecompressError is raised."""

from __future__ import annotations

from collections.abc import Callable

from fuzz.targets.streams import Cut
from sensor.compression.formats import MAGIC_BYTES, DecompressError, kind_of
from sensor.compression.stream import DecompressedStream

MAGICS = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00", b"BZh", b"\x04\x22\x4d\x18")
CONTENT_BYTES_MAX = 1 << 20


def content(file: bytes, size: int, room: int) -> tuple[bytes, bool]:
    """What a compressed file gives in reads of `room` octets, and whether it was damaged."""
    stream = DecompressedStream(Cut(file[MAGIC_BYTES:], size), file[:MAGIC_BYTES])
    buffer = memoryview(bytearray(room))
    found = bytearray()
    try:
        while len(found) < CONTENT_BYTES_MAX and (count := stream.readinto(buffer)):
            assert 0 < count <= room
            found += buffer[:count]
    except DecompressError as error:
        assert str(error)
        return bytes(found), True
    finally:
        stream.close()
    assert stream.compressed_read <= len(file)
    return bytes(found), False


def make(name: str) -> Callable[[bytes], None]:
    """The first octet chooses the kind; its magic number stands in front of the rest."""

    def check(octets: bytes) -> None:
        file = MAGICS[(octets[0] if octets else 0) % len(MAGICS)] + octets[1:]
        assert kind_of(file)
        whole, damaged = content(file, 1 << 20, 1 << 16)
        pieces, damaged_too = content(file, 1 + len(octets) % 29, 4096)
        if len(whole) >= CONTENT_BYTES_MAX or len(pieces) >= CONTENT_BYTES_MAX:
            return
        assert damaged == damaged_too
        # A library may keep what it has of a block that turns out to be damaged.
        if damaged:
            assert pieces.startswith(whole) or whole.startswith(pieces)
        else:
            assert pieces == whole

    return check
