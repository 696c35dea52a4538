"""Forms of compression and their decompressors, all with one face: gzip, zstd, xz, bzip2, lz4."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MAGIC_BYTES = 6
ZSTD_WINDOW_LOG = 27
"""A window of 128 MiB: what `zstd --long` makes without further options."""
XZ_MEMORY_BYTES = 256 << 20
"""Octets of memory that a decompressor of xz may take; the strongest preset takes 65 MiB."""


class DecompressError(ValueError):
    """Compressed data is damaged, ends early, or cannot be read here.

    `offset` is how many octets of it had been read.
    """

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(reason)
        self.offset = offset


class Decompressor(Protocol):
    """The face that the decompressors of bz2, lzma, zstd and lz4 have in common.

    It is for one part of a stream: behind its end another one is needed.
    """

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes | None: ...

    def decompress(self, data: bytes | memoryview, max_length: int = -1) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Format:
    """A form of compression."""

    name: str
    magics: tuple[bytes, ...]
    """The octets that it may start with."""
    make: Callable[[], Decompressor]
    """Makes a decompressor. Errors: DecompressError."""


class GzipDecompressor:
    """zlib's object with the face of the others, and one method more."""

    def __init__(self) -> None:
        self._object = zlib.decompressobj(wbits=31)
        self._tail = b""
        self.eof = False
        self.needs_input = True
        self.unused_data = b""

    def decompress(self, data: bytes | memoryview, max_length: int = -1) -> bytes:
        data = self._tail + data if self._tail else data
        result = self._object.decompress(data, max_length)
        self.eof, self.unused_data = self._object.eof, self._object.unused_data
        self._tail = self._object.unconsumed_tail
        # Full: there may be more inside even if all of the input was taken.
        self.needs_input = not self._tail and len(result) < max_length
        return result

    def copy(self) -> tuple[GzipDecompressor, bytes]:
        """Another one in the same state, and the input that is still to be given to it."""
        other = GzipDecompressor()
        other._object = self._object.copy()
        return other, self._tail


def _zstd() -> Decompressor:
    """A decompressor of zstd. Errors: DecompressError if its library is not there."""
    try:
        from compression import zstd  # type: ignore[import-not-found]  # noqa: PLC0415  few need it
    except ImportError:
        try:
            from backports import zstd  # type: ignore[no-redef]  # noqa: PLC0415
        except ImportError:
            raise DecompressError("compressed with zstd, which this Python cannot read: "
                                  "install backports.zstd, or use zstd -dc") from None
    window = {zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
    decompressor: Decompressor = zstd.ZstdDecompressor(options=window)
    return decompressor


def _xz() -> Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY_BYTES)


def _lz4() -> Decompressor:
    """A decompressor of lz4. Errors: DecompressError if its library is not there."""
    try:
        import lz4.frame  # noqa: PLC0415  few need it
    except ImportError:
        raise DecompressError("compressed with lz4, which this Python cannot read: "
                              "install lz4, or use lz4 -dc") from None
    decompressor: Decompressor = lz4.frame.LZ4FrameDecompressor()
    return decompressor


FORMATS: tuple[Format, ...] = (
    Format("gzip", (b"\x1f\x8b",), GzipDecompressor),
    # The latter is a frame that is passed over: pzstd begins with one.
    Format("zstd", (b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"), _zstd),
    Format("xz", (b"\xfd7zXZ\x00",), _xz),
    Format("bzip2", (b"BZh",), bz2.BZ2Decompressor),
    Format("lz4", (b"\x04\x22\x4d\x18",), _lz4),
)


def kind_of(octets: bytes) -> str:
    """The name of the compression of a file that starts with these octets; empty: none."""
    return next((each.name for each in FORMATS if octets.startswith(each.magics)), "")
