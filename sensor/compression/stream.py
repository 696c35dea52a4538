"""Decompression of a stream, told by its first octets: gzip, zstd, xz, bzip2, lz4.

Files of several parts, one behind the other, are one stream. What comes out is bounded by what is
asked for, whatever goes in, and what stands before damage comes out before the error.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any

from sensor.base.frozen import frozen
from sensor.compression import zstd_library
from sensor.compression.framing import (
    LZ4_MAGIC,
    SKIPPED_MAGIC,
    ZSTD_MAGIC,
    Blocks,
    Octets,
    Steps,
    lz4_steps,
    zstd_steps,
)
from sensor.compression.source import NOTHING, CompressedInput, Damaged, Lent, RawStream
from sensor.compression.zstd_blocks import BlockDecompressor
from sensor.compression.zstd_reader import WINDOW_BYTES_MAX, ZstdReader

CHUNK_BYTES = 128 * 1024
XZ_MEMORY_BYTES = 256 << 20
"""What a decompressor of xz may take; the strongest preset takes 65 MiB."""
OUT_MAX = 1 << 20
"""Octets that come out at once, at most."""
HELD_BYTES = 1 << 20
"""Input that is held until its part is over, where a decompressor cannot be copied."""
HELD_OUT_MAX = 64 * 1024
"""Octets that come out of such a one at once, and are lost if damage follows and more was read."""


class DecompressError(ValueError):
    """Compressed data is damaged, ends early, or cannot be read here.

    `offset` is how many octets of it had been read.
    """

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(reason)
        self.offset = offset


@frozen
class Kind:
    """A form of compression."""

    name: str
    magics: tuple[bytes, ...]
    """The octets that it may start with."""
    make: Callable[[], Any]
    """Makes a decompressor with the face of those of bz2 and lzma. Errors: DecompressError."""
    steps: Callable[[], Steps] | None = None
    """How it is cut into blocks, if it can be."""


class _Zlib:
    """zlib's object with the face of those of bz2 and lzma, and one method more."""

    def __init__(self, zlib_object: Any = None) -> None:
        self._object = zlib_object or zlib.decompressobj(wbits=31)
        self._tail = b""
        self.eof = False
        self.needs_input = True
        self.unused_data = b""

    def decompress(self, data: Octets, max_length: int) -> bytes:
        data = self._tail + data if self._tail else data
        result: bytes = self._object.decompress(data, max_length)
        self.eof, self.unused_data = self._object.eof, self._object.unused_data
        self._tail = self._object.unconsumed_tail
        # Full: there may be more inside even if all of the input was taken.
        self.needs_input = not self._tail and len(result) < max_length
        return result

    def copy(self) -> tuple[_Zlib, bytes]:
        """Another one in the same state, and the input that is still to be given to it."""
        return _Zlib(self._object.copy()), self._tail


def _zstd() -> Any:
    """A decompressor of zstd. Errors: DecompressError if no library is there."""
    found = zstd_library.library()
    if found is not None:
        return BlockDecompressor(zstd_library.Context(found))
    return zstd_of_package()


def zstd_of_package() -> Any:
    """A decompressor of zstd that does not need the system's library. Errors: DecompressError."""
    try:
        from compression import zstd  # type: ignore[import-not-found]  # noqa: PLC0415
    except ImportError:
        try:
            from backports import zstd  # type: ignore[no-redef]  # noqa: PLC0415
        except ImportError:
            raise DecompressError("compressed with zstd, which this Python cannot read: "
                                  "install backports.zstd, or use zstd -dc") from None
    return zstd.ZstdDecompressor(options={
        zstd.DecompressionParameter.window_log_max: WINDOW_BYTES_MAX.bit_length() - 1})


def _lz4() -> Any:
    """A decompressor of lz4. Errors: DecompressError if its library is not there."""
    try:
        import lz4.frame  # noqa: PLC0415
    except ImportError:
        raise DecompressError("compressed with lz4, which this Python cannot read: "
                              "install lz4, or use lz4 -dc") from None
    return lz4.frame.LZ4FrameDecompressor()


KINDS: tuple[Kind, ...] = (
    Kind("gzip", (b"\x1f\x8b",), _Zlib),
    Kind("zstd", (ZSTD_MAGIC, b"\x50" + SKIPPED_MAGIC), _zstd, zstd_steps),  # the latter: pzstd
    Kind("xz", (b"\xfd7zXZ\x00",),
         lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY_BYTES)),
    Kind("bzip2", (b"BZh",), bz2.BZ2Decompressor),
    Kind("lz4", (LZ4_MAGIC,), _lz4, lz4_steps),
)  # fmt: skip
MAGIC_BYTES = 6
DAMAGE = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError, RuntimeError)
"""What decompressors raise; those of zstd have a class of their own."""


def kind_of(octets: bytes) -> str:
    """The name of the compression of a file that starts with these octets; empty: none."""
    return next((kind.name for kind in KINDS if octets.startswith(kind.magics)), "")


class _Source:
    """The compressed octets: a chunk at a time, or no more than a block at a time."""

    def __init__(self, octets: CompressedInput, steps: Callable[[], Steps] | None) -> None:
        self._input = octets
        self._blocks = Blocks(steps) if steps is not None else None
        self._chunk = memoryview(bytearray(CHUNK_BYTES))

    def take(self) -> Octets:
        """The next octets, good until more are taken; none at the end.

        Errors: what the stream raises.
        """
        if self._blocks is None:
            return self._read()
        while not (piece := self._blocks.take()):
            octets = self._read()
            if not octets:
                return b""
            self._blocks.feed(octets)
        return piece

    def _read(self) -> Octets:
        return self._chunk[: self._input.readinto(self._chunk)]


class DecompressedStream:
    """The content of a compressed stream.

    Errors: DecompressError, from `readinto`; what was whole before it has been given.
    """

    def __init__(
        self, raw: RawStream, start: bytes, make: Callable[[], Any] | None = None
    ) -> None:
        """`start` is what was read of the stream already: enough to tell its kind. `make` makes
        another decompressor than the best one at hand.
        """
        self._raw = raw
        self._kind = next(kind for kind in KINDS if kind.name == kind_of(start))
        self._input = CompressedInput(raw, start)
        make = make or self._kind.make
        first = make()
        self._lender: ZstdReader | None = None
        if isinstance(first, BlockDecompressor):
            self._lender = ZstdReader(first, self._input)
        self._parts: _Parts | ZstdReader = self._lender or _Parts(
            make, first, _Source(self._input, self._kind.steps), self._kind.steps is not None)
        self._error: DecompressError | None = None
        self._ended = False

    @property
    def kind(self) -> str:
        """The name of the compression."""
        return self._kind.name

    @property
    def compressed_read(self) -> int:
        """How many octets went in."""
        return self._input.octets_read

    @property
    def lends(self) -> bool:
        """Whether it can lend what it decompressed, so that it need not be copied."""
        return self._lender is not None

    def lend(self, most: int, behind: int) -> Lent:
        """The next octets where they stand, as ZstdReader.lend; at the end none."""
        assert self._lender is not None
        lent = NOTHING
        if not self._ended:
            try:
                lent = self._lender.lend(most, behind)
            except Damaged as damage:
                self._error = self._words(damage)
            self._ended = lent.start == lent.end
        self._raise(lent.end - lent.start)
        return lent

    def verified(self, lent: Lent) -> tuple[Lent, DecompressError | None]:
        """What was lent, up to what a checksum tells to be damaged, and that damage."""
        assert self._lender is not None
        lent, damage = self._lender.verified(lent)
        return lent, self._words(damage) if damage is not None else None

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer`, in part if more would have to be waited for; 0 at the end."""
        filled = 0
        while filled < len(buffer) and not self._ended:
            if filled and self._input.has_paused and self._parts.may_wait:
                break
            filled += self._fill(buffer[filled : filled + OUT_MAX])
        self._raise(filled)
        return filled

    def _fill(self, room: memoryview) -> int:
        """One stretch; at the end or where it is damaged, `_ended` is set."""
        try:
            count = self._parts.readinto(room)
            self._ended = not count
            return count
        except Damaged as damage:
            self._ended = True
            self._error = self._words(damage)
            room[: len(damage.octets)] = damage.octets
            return len(damage.octets)

    def _words(self, damage: Damaged) -> DecompressError:
        reason = f"damaged {self._kind.name} data: {damage.reason}"
        if not damage.reason:
            reason = f"the {self._kind.name} data ends in the middle"
        return DecompressError(reason, self._input.octets_read)

    def _raise(self, given: int) -> None:
        """Raise what went wrong, once, when all that was whole has been given."""
        if not given and self._error is not None:
            error, self._error = self._error, None
            raise error

    def close(self) -> None:
        """Close the stream below."""
        self._raw.close()


class _Parts:
    """The parts of a stream, one decompressor for each."""

    def __init__(
        self, make: Callable[[], Any], first: Any, source: _Source, is_cut: bool
    ) -> None:
        """`is_cut`: the source gives no more than one block at a time."""
        self._make = make
        self._source = source
        self._is_cut = is_cut
        self._object = first
        self._can_copy = hasattr(first, "copy")
        self._left_over = b""
        """Input behind the end of a part."""
        self._held = bytearray()
        self._given = 0
        """Octets that came out of this part."""

    @property
    def may_wait(self) -> bool:
        """Whether the next read may ask for more input."""
        return bool(self._object.needs_input or self._object.eof)

    def readinto(self, room: memoryview) -> int:
        """Fill the room in part; 0 at the end. Errors: Damaged."""
        if not self._can_copy and not self._is_cut:
            room = room[:HELD_OUT_MAX]
        while True:
            if self._object.eof and not self._next_part():
                return 0
            data: Octets = self._left_over
            self._left_over = b""
            if not data and self._object.needs_input:
                data = self._source.take()
                if not data:
                    raise Damaged("")
            octets = self._decompress(data, len(room))
            if octets:
                self._given += len(octets)
                room[: len(octets)] = octets
                return len(octets)

    def _next_part(self) -> bool:
        """Go on to the next part; False: there is none. Zeros may fill up the end (tar, xz)."""
        rest = (self._object.unused_data or b"").lstrip(b"\0")
        while not rest:
            more = self._source.take()
            if not more:
                return False
            rest = bytes(more).lstrip(b"\0")
        self._object, self._left_over = self._make(), rest
        self._held.clear()
        self._given = 0
        return True

    def _decompress(self, data: Octets, most: int) -> bytes:
        before = self._object.copy() if self._can_copy else None
        if not self._is_cut and not self._can_copy and len(self._held) <= HELD_BYTES:
            self._held += data
        try:
            octets: bytes = self._object.decompress(data, most)
        except Exception as error:
            if not isinstance(error, DAMAGE) and type(error).__name__ != "ZstdError":
                raise
            octets = b""
            if before is not None:
                octets = _octet_by_octet(before[0], before[1] + data, 0)
            elif 0 < len(self._held) <= HELD_BYTES:
                octets = _octet_by_octet(self._make(), bytes(self._held), self._given)
            raise Damaged(reason_of(error), octets[:most]) from None
        return octets


def _octet_by_octet(decompressor: Any, data: bytes, given: int) -> bytes:
    """What comes out of damaged data before the damage, behind the octets given before."""
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


def reason_of(error: Exception) -> str:
    """What a decompressor says, in one line."""
    return str(error) or type(error).__name__
