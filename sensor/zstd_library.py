"""libzstd of the system: it writes straight into a buffer, and has the loops that are in assembler.

Nothing is built against it: it is loaded where it is present, and what is called has been part of
its stable interface since 1.4. The packages that bring a libzstd of their own leave the fast loops
out, or copy what came out once more.
"""

from __future__ import annotations

import ctypes
import sys
import weakref
from functools import cache
from typing import Any

NAMES = {"linux": "libzstd.so.1", "darwin": "libzstd.1.dylib"}
VERSION_MIN = 10501
"""The first with the fast loops; older ones are slower than what the packages bring."""
WINDOW_LOG_MAX = 100
"""The number of the parameter ZSTD_d_windowLogMax."""

_POINTER, _SIZE = ctypes.c_void_p, ctypes.c_size_t
FUNCTIONS: tuple[tuple[str, Any, list[Any]], ...] = (
    ("ZSTD_versionNumber", ctypes.c_uint, []),
    ("ZSTD_createDCtx", _POINTER, []),
    ("ZSTD_freeDCtx", _SIZE, [_POINTER]),
    ("ZSTD_DCtx_setParameter", _SIZE, [_POINTER, ctypes.c_int, ctypes.c_int]),
    ("ZSTD_decompressStream", _SIZE, [_POINTER, _POINTER, _POINTER]),
    ("ZSTD_isError", ctypes.c_uint, [_SIZE]),
    ("ZSTD_getErrorName", ctypes.c_char_p, [_SIZE]),
)


@cache
def library() -> Any:
    """The library, or None if there is none or only an old one."""
    try:
        found = ctypes.CDLL(NAMES[sys.platform])
        for name, result, arguments in FUNCTIONS:
            function = getattr(found, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError, KeyError):
        return None
    return found if found.ZSTD_versionNumber() >= VERSION_MIN else None


class Context:
    """What the library keeps of one stream. Errors: MemoryError."""

    def __init__(self, found: Any, window_bytes: int) -> None:
        """`window_bytes`, a power of 2, is the largest window that is believed."""
        self._library = found
        self.function: int = ctypes.cast(found.ZSTD_decompressStream, _POINTER).value or 0
        """Where ZSTD_decompressStream is."""
        self.address: int = found.ZSTD_createDCtx() or 0
        if not self.address:
            raise MemoryError("zstd: no memory")
        weakref.finalize(self, found.ZSTD_freeDCtx, self.address)
        refused = found.ZSTD_DCtx_setParameter(
            self.address, WINDOW_LOG_MAX, window_bytes.bit_length() - 1)  # fmt: skip
        assert not found.ZSTD_isError(refused), self.words(refused)

    def words(self, result: int) -> str:
        """What went wrong, in the library's words."""
        return str(self._library.ZSTD_getErrorName(result).decode("ascii", "replace"))
