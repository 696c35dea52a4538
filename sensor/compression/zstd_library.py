"""libzstd of the system: it writes into memory of ours, and has the loops that are in assembler.

Nothing is built against it: it is loaded where it is present, and what is called has been in it
under the same names since 1.0. The packages that bring a libzstd of their own leave the fast loops
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
IGNORE_CHECKSUM = 1002
"""The number of the parameter ZSTD_d_forceIgnoreChecksum."""

_POINTER, _SIZE = ctypes.c_void_p, ctypes.c_size_t
FUNCTIONS: tuple[tuple[str, Any, list[Any]], ...] = (
    ("ZSTD_versionNumber", ctypes.c_uint, []),
    ("ZSTD_createDCtx", _POINTER, []),
    ("ZSTD_freeDCtx", _SIZE, [_POINTER]),
    ("ZSTD_DCtx_setParameter", _SIZE, [_POINTER, ctypes.c_int, ctypes.c_int]),
    ("ZSTD_decompressBegin", _SIZE, [_POINTER]),
    ("ZSTD_nextSrcSizeToDecompress", _SIZE, [_POINTER]),
    ("ZSTD_decompressContinue", _SIZE, [_POINTER, _POINTER, _SIZE, _POINTER, _SIZE]),
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
    """What the library keeps of one frame after the other. Errors: MemoryError.

    It does not look at checksums.
    """

    def __init__(self, found: Any) -> None:
        self._library = found
        self.next_size = _address(found.ZSTD_nextSrcSizeToDecompress)
        self.go_on = _address(found.ZSTD_decompressContinue)
        self.address: int = found.ZSTD_createDCtx() or 0
        if not self.address:
            raise MemoryError("zstd: no memory")
        refused = found.ZSTD_DCtx_setParameter(self.address, IGNORE_CHECKSUM, 1)
        assert not found.ZSTD_isError(refused), self.words(refused)
        weakref.finalize(self, found.ZSTD_freeDCtx, self.address)

    def begin(self) -> None:
        """A frame begins."""
        self._library.ZSTD_decompressBegin(self.address)

    def words(self, result: int) -> str:
        """What went wrong, in the library's words."""
        return str(self._library.ZSTD_getErrorName(result).decode("ascii", "replace"))


def _address(function: Any) -> int:
    return ctypes.cast(function, _POINTER).value or 0
