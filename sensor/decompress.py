"""Decompression of a stream, told by its first octets: gzip, zstd, xz, bzip2.

Files of several parts, one behind the other, are one stream. What comes out is bounded by what is
asked for, whatever goes in.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Protocol

CHUNK_BYTES = 128 * 1024
XZ_MEMORY_BYTES = 256 << 20
"""What a decompressor of xz may take; the strongest preset takes 65 MiB."""
ZSTD_WINDOW_BYTES = 128 << 20
"""The window of zstd that is believed: what `zstd --long` makes without further options."""


class DecompressError(ValueError):
    """Compressed data is damaged, ends early, or cannot be read here."""


class RawStream(Protocol):
    """An unbuffered binary file, or a fake of one."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...

    def close(self) -> None: ...


class _Zlib:
    """zlib's object with the face of those of bz2 and lzma."""

    def __init__(self) -> None:
        self._object = zlib.decompressobj(wbits=31)
        self.eof = False
        self.needs_input = True
        self.unused_data = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        result = self._object.decompress(self._object.unconsumed_tail + data, max_length)
        self.eof, self.unused_data = self._object.eof, self._object.unused_data
        # Full: there may be more inside even if all of the input was taken.
        self.needs_input = not self._object.unconsumed_tail and len(result) < max_length
        return result


class _Zstandard:
    """The package's object with the same face.

    It takes no bound for what comes out: a block of 128 KiB may stand in four octets. So it is fed
    a little at a time.
    """

    def __init__(self, zstandard: Any) -> None:
        options = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES)
        self._object = options.decompressobj()
        self._input = b""
        self._at = 0
        self._output = memoryview(b"")
        self.unused_data = b""
        self.needs_input = True
        self.eof = False

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if data:
            self._input, self._at = self._input[self._at :] + data, 0
        while not self._output and self._at < len(self._input) and not self._object.eof:
            piece = self._input[self._at : self._at + ZSTD_FEED_BYTES]
            self._at += len(piece)
            self._output = memoryview(self._object.decompress(piece))
        result, self._output = self._output[:max_length], self._output[max_length:]
        self.eof = self._object.eof and not self._output
        if self.eof:
            self.unused_data = self._object.unused_data + self._input[self._at :]
        self.needs_input = not self._output and self._at == len(self._input)
        return bytes(result)


def _zstd() -> Any:
    """A decompressor of zstd. Errors: DecompressError if neither library is there."""
    try:
        from compression import zstd  # type: ignore[import-not-found]  # noqa: PLC0415

        return zstd.ZstdDecompressor(options={
            zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_BYTES.bit_length() - 1})
    except ImportError:
        pass
    try:
        import zstandard  # noqa: PLC0415
    except ImportError:
        raise DecompressError("compressed with zstd, which this Python cannot read: "
                              "install zstandard, or use zstd -dc") from None
    return _Zstandard(zstandard)


KINDS: tuple[tuple[bytes, str, Callable[[], Any]], ...] = (
    (b"\x1f\x8b", "gzip", _Zlib),
    (b"\x28\xb5\x2f\xfd", "zstd", _zstd),
    (b"\xfd7zXZ\x00", "xz", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY_BYTES)),
    (b"BZh", "bzip2", bz2.BZ2Decompressor),
)
"""First octets, name, and what makes a decompressor."""
MAGIC_BYTES = 6
ZSTD_FEED_BYTES = 256


def kind_of(octets: bytes) -> str:
    """The name of the compression of a file that starts with these octets; empty: none."""
    return next((name for magic, name, _ in KINDS if octets.startswith(magic)), "")


class DecompressedStream:
    """The content of a compressed stream; `compressed_read` is how many octets went in.

    Errors: DecompressError, from `readinto`; what was whole before it has been given.
    """

    def __init__(self, raw: RawStream, start: bytes) -> None:
        """`start` is what was read of the stream already: enough to tell its kind."""
        self._raw = raw
        self._name = kind_of(start)
        self._make = next(make for _, name, make in KINDS if name == self._name)
        self._object = self._make()
        self._input = start
        self._chunk = bytearray(CHUNK_BYTES)
        self._ended = False
        self.compressed_read = len(start)

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer`, at least in part; 0 at the end."""
        if not len(buffer):
            return 0
        while not self._ended:
            octets = b""
            try:
                if not self._object.eof:
                    octets = self._object.decompress(self._input, len(buffer))
            except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
                raise DecompressError(f"damaged {self._name} data: {error}") from None
            except Exception as error:
                if type(error).__name__ not in ("ZstdError", "MemoryError"):
                    raise
                raise DecompressError(f"damaged {self._name} data: {error}") from None
            self._input = b""
            if octets:
                buffer[: len(octets)] = octets
                return len(octets)
            self._go_on()
        return 0

    def _go_on(self) -> None:
        """More input for the part that is being read, or the next part."""
        if self._object.eof:
            # Zeros may fill up the end (tar, xz).
            rest = self._object.unused_data.lstrip(b"\0") or self._read().lstrip(b"\0")
            self._ended = not rest
            if rest:
                self._object, self._input = self._make(), rest
        elif self._object.needs_input:
            self._input = self._read()
            if not self._input:
                self._ended = True
                raise DecompressError(f"the {self._name} data ends in the middle")

    def _read(self) -> bytes:
        count = self._raw.readinto(memoryview(self._chunk)) or 0
        self.compressed_read += count
        return bytes(self._chunk[:count])

    def close(self) -> None:
        """Close the stream below."""
        self._raw.close()
