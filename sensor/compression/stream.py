"""DecompressedStream: the content of a stream that is compressed, as its first octets show.

Files of several parts, one behind the other, are one stream. What comes out is bounded by what is
asked for, whatever goes in, and what stands before damage comes out before the error: all of it
from gzip, whose decompressor can be copied, and from the first HELD_BYTES of a part; behind those
all but what came out in the step that met the damage, STEP_BYTES at most.
"""

from __future__ import annotations

import lzma
import zlib
from typing import Protocol, runtime_checkable

from sensor.compression.formats import FORMATS, DecompressError, Decompressor, GzipDecompressor

CHUNK_BYTES = 64 * 1024
"""Compressed octets that are read at once."""
GZIP_STEP_BYTES = 1 << 20
"""Octets that come out at once, at most."""
STEP_BYTES = 64 * 1024
"""The same of a decompressor that cannot be copied: they are lost where damage follows."""
HELD_BYTES = 256 * 1024
"""Input of a part that is held, so that it can be decompressed once more up to the damage."""
DAMAGE = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError, RuntimeError)
"""The exceptions of decompressors; zstd has a class of its own."""


class RawStream(Protocol):
    """An unbuffered binary file, or a fake of one."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...

    def close(self) -> None: ...


@runtime_checkable
class Packed(Protocol):
    """What is read is not what is in the file."""

    @property
    def kind(self) -> str: ...

    @property
    def compressed_read(self) -> int: ...


class DecompressedStream:
    """The content of a compressed stream.

    Errors: DecompressError, from `readinto`; what was whole before it has been given.
    """

    def __init__(self, raw: RawStream, start: bytes) -> None:
        """`start` is what was read of the stream already: enough to show its kind."""
        self._raw = raw
        self._format = next(each for each in FORMATS if start.startswith(each.magics))
        self._decompressor: Decompressor | None = self._format.make()
        """None at the end, so that its memory is free."""
        self._input = start
        """Octets that were read and not yet decompressed."""
        self._held: bytearray | None = bytearray()
        """The input of this part; None where it is too much, or not needed."""
        self._given = 0
        """Octets that came out of this part."""
        self._ready = b""
        """What came out and was not asked for yet: how much is asked for must not show in what
        is lost where damage follows."""
        self._has_paused = False
        """True if the stream gave less than it was asked for: it may have to be waited for."""
        self._error: DecompressError | None = None
        self.compressed_read = len(start)
        """Octets of the compressed stream that were read."""

    @property
    def kind(self) -> str:
        """The name of the compression."""
        return self._format.name

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer`, in part if more would have to be waited for; 0 at the end."""
        filled = 0
        while filled < len(buffer) and (self._ready or self._decompressor is not None):
            if not self._ready and self._decompressor is not None:
                if filled and self._has_paused and not self._has_more(self._decompressor):
                    break
                self._ready = self._step(self._decompressor, len(buffer) - filled)
            octets = self._ready[: len(buffer) - filled]
            self._ready = self._ready[len(octets) :]
            buffer[filled : filled + len(octets)] = octets
            filled += len(octets)
        if not filled and self._error is not None:
            error, self._error = self._error, None
            raise error
        return filled

    def _has_more(self, decompressor: Decompressor) -> bool:
        """True if the next step needs no input that was not read yet."""
        return bool(self._input) or not (decompressor.needs_input or decompressor.eof)

    def _step(self, decompressor: Decompressor, most: int) -> bytes:
        """The next octets; maybe none. At the end and at damage the decompressor is let go.

        `most` is a bound only where nothing is lost by damage.
        """
        if decompressor.eof:
            self._next_part(decompressor)
            return b""
        data = self._input
        self._input = b""
        if not data and decompressor.needs_input and not (data := self._read()):
            self._fail(f"the {self.kind} data ends in the middle")
            return b""
        before = None
        if isinstance(decompressor, GzipDecompressor):
            before, most = decompressor.copy(), min(most, GZIP_STEP_BYTES)
        else:
            self._hold(data)
            most = STEP_BYTES
        try:
            octets = decompressor.decompress(data, most)
        except Exception as error:
            if not isinstance(error, DAMAGE) and type(error).__name__ != "ZstdError":
                raise
            reason = str(error) or type(error).__name__
            if before is not None:
                octets = _up_to_damage(before[0], before[1] + data, 0)
            else:
                octets = _up_to_damage(self._format.make(), bytes(self._held or b""), self._given)
            self._fail(f"damaged {self.kind} data: {reason}")
            return octets[:most]
        self._given += len(octets)
        return octets

    def _hold(self, data: bytes) -> None:
        if self._held is not None:
            self._held += data
            if len(self._held) > HELD_BYTES:
                self._held = None

    def _read(self) -> bytes:
        """Compressed octets; none at the end. Errors: as the stream raises them."""
        chunk = memoryview(bytearray(CHUNK_BYTES))
        count = self._raw.readinto(chunk) or 0
        self.compressed_read += count
        self._has_paused = count < CHUNK_BYTES
        return bytes(chunk[:count])

    def _next_part(self, decompressor: Decompressor) -> None:
        """Go on to the next part, if there is one. Zeros may fill up the end (tar, xz)."""
        rest = (decompressor.unused_data or b"").lstrip(b"\0")
        while not rest:
            more = self._read()
            if not more:
                self._decompressor = self._held = None
                return
            rest = more.lstrip(b"\0")
        self._decompressor, self._input = self._format.make(), rest
        self._held, self._given = bytearray(), 0

    def _fail(self, reason: str) -> None:
        self._decompressor = self._held = None
        self._error = DecompressError(reason, self.compressed_read)

    def close(self) -> None:
        """Close the stream below, and free the decompressor."""
        self._decompressor = self._held = None
        self._raw.close()


def _up_to_damage(decompressor: Decompressor, data: bytes, given: int) -> bytes:
    """The content of damaged data before the damage, behind the octets given before."""
    found = bytearray()
    try:
        for at in range(len(data)):
            octet = data[at : at + 1]
            while octet or not (decompressor.needs_input or decompressor.eof):
                octets = decompressor.decompress(octet, given or 1)
                octet = b""
                if given:
                    given -= len(octets)
                else:
                    found += octets
    except Exception:  # the damage
        pass
    return bytes(found)
