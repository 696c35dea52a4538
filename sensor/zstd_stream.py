"""The interpreted twin of what stands in zstd_blocks.pxd: one call of the library."""

from __future__ import annotations

import ctypes
from typing import Any

from sensor.zstd_library import library

ERRORS = 1 << 16
"""Results that are less than this below the top of size_t are errors."""


class _Octets(ctypes.Structure):
    """ZSTD_inBuffer and ZSTD_outBuffer: they are alike."""

    _fields_ = (
        ("start", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("at", ctypes.c_size_t),
    )


def le24(data: Any, at: int) -> int:
    return int.from_bytes(data[at : at + 3], "little")


def call(decompressor: Any, data: Any, at: int, end: int) -> None:
    """Give the library data[at:end]; `given`, `taken` and `failed` tell what it did."""
    octets = (ctypes.c_char * (end - at)).from_buffer_copy(data[at:end])
    fed = _Octets(ctypes.addressof(octets), end - at, 0)
    room = ctypes.addressof(ctypes.c_char.from_buffer(decompressor.room))
    filled = _Octets(room, decompressor.room_bytes, decompressor.given)
    result = library().ZSTD_decompressStream(
        decompressor.address, ctypes.addressof(filled), ctypes.addressof(fed))  # fmt: skip
    decompressor.given = filled.at
    decompressor.taken = at + fed.at
    if result > ctypes.c_size_t(-ERRORS).value:
        decompressor.failed = result
