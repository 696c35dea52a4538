"""The interpreted twin of what stands in compression/zstd_blocks.pxd: the calls of the library."""

from __future__ import annotations

import ctypes
from typing import Any

from sensor.compression.zstd_library import library

ERRORS = 1 << 16
"""Results that are less than this below the top of size_t are errors."""


def next_size(decompressor: Any) -> int:
    """How many octets the library wants next; 0: the frame is over."""
    return int(library().ZSTD_nextSrcSizeToDecompress(decompressor.address))


def go_on(decompressor: Any, data: Any, size: int, room_bytes: int) -> None:
    """Give the library what it wants; `place`, `taken` and `failed` tell what it did."""
    at, place = decompressor.taken, decompressor.place
    octets = (ctypes.c_char * size).from_buffer_copy(data[at : at + size])
    room = (ctypes.c_char * room_bytes).from_buffer(decompressor.ring, place)
    result = library().ZSTD_decompressContinue(
        decompressor.address, ctypes.addressof(room), room_bytes, ctypes.addressof(octets), size)
    if result > ctypes.c_size_t(-ERRORS).value:
        decompressor.failed = result
    else:
        decompressor.taken = at + size
        decompressor.place = place + result
