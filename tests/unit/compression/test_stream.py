"""Decompression: any cut of the input, any size of the output, damage at any place."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import subprocess
from collections.abc import Callable
from typing import Any

import lz4.frame
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from sensor.compression.framing import (
    ZSTD_BLOCK_MAX,
    ZSTD_BLOCK_ROOM,
    Blocks,
    lz4_steps,
    zstd_steps,
)
from sensor.compression.source import HEADROOM, CompressedInput, Damaged
from sensor.compression.stream import (
    MAGIC_BYTES,
    DecompressedStream,
    DecompressError,
    kind_of,
    zstd_of_package,
)
from sensor.compression.zstd_blocks import BlockDecompressor
from sensor.compression.zstd_library import Context, library
from sensor.compression.zstd_reader import MISMATCH, RUN_BYTES, ZstdReader
from tests.programs import require
from tests.unit.capture.files.build import Drip

Compress = Callable[[bytes], bytes]


def zstd(content: bytes) -> bytes:
    """With a checksum at the end, as the command makes it."""
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


def zstd_streamed(content: bytes) -> bytes:
    """As the command makes it of a pipe: nobody knows the size before."""
    return zstandard.ZstdCompressor(write_checksum=True, write_content_size=False).compress(content)


def lz4_checked(content: bytes) -> bytes:
    return lz4.frame.compress(content, content_checksum=True, block_checksum=True,
                              block_size=lz4.frame.BLOCKSIZE_MAX64KB)  # fmt: skip


COMPRESS: dict[str, Compress] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
    "zstd streamed": zstd_streamed,
    "zstd package": zstd_streamed,
    "zstd plain": zstandard.ZstdCompressor(write_content_size=False).compress,
    "lz4": lz4.frame.compress,
    "lz4 checked": lz4_checked,
}
MAKES: dict[str, Callable[[], Any]] = {"zstd package": zstd_of_package}
"""Decompressors that are not the first choice, but come in where that is missing."""
KINDS = pytest.mark.parametrize("kind", COMPRESS)


def text(size: int, seed: int = 1) -> bytes:
    """Content that compresses about as captures do."""
    chosen = random.Random(seed)
    words = [chosen.randbytes(chosen.randrange(3, 40)) for _ in range(200)]
    found = bytearray()
    while len(found) < size:
        found += chosen.choice(words)
    return bytes(found[:size])


SMALL = text(5_000)
LARGE = text(700_000)


def read(
    octets: bytes, sizes: tuple[int, ...] = (1 << 30,), room: int = 65_536, kind: str = ""
) -> tuple[bytes, str | None]:
    """The content of compressed octets, and what was wrong with them."""
    raw = Drip(octets[MAGIC_BYTES:], sizes)
    stream = DecompressedStream(raw, octets[:MAGIC_BYTES], MAKES.get(kind))
    buffer = memoryview(bytearray(room))
    found = bytearray()
    try:
        while count := stream.readinto(buffer):
            found += buffer[:count]
        assert stream.compressed_read == len(octets)
    except DecompressError as error:
        assert 0 < error.offset <= len(octets)
        return bytes(found), str(error)
    assert stream.readinto(buffer) == 0
    stream.close()
    return bytes(found), None


@KINDS
def test_the_kind_shows_in_the_first_octets(kind: str) -> None:
    assert kind_of(COMPRESS[kind](b"x")[:MAGIC_BYTES]) == kind.split(maxsplit=1)[0]
    assert kind_of(b"\xd4\xc3\xb2\xa1\x02\0") == ""


@KINDS
@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=4), st.integers(1, 100_000))
def test_any_cut_gives_the_same(kind: str, sizes: list[int], room: int) -> None:
    compress = COMPRESS[kind]
    whole = compress(SMALL) + compress(b"") + compress(LARGE[:90_000])
    assert read(whole, tuple(sizes), room, kind) == (SMALL + LARGE[:90_000], None)


@KINDS
def test_large_content_in_large_reads(kind: str) -> None:
    assert read(COMPRESS[kind](LARGE), room=1 << 20, kind=kind) == (LARGE, None)


@KINDS
def test_zeros_may_fill_up_the_end(kind: str) -> None:
    assert read(COMPRESS[kind](SMALL) + bytes(1021), kind=kind) == (SMALL, None)


@KINDS
def test_a_whole_read_is_filled_unless_the_stream_paused(kind: str) -> None:
    content = random.Random(3).randbytes(5 * RUN_BYTES)
    raw = io.BytesIO(COMPRESS[kind](content))
    stream = DecompressedStream(raw, raw.read(MAGIC_BYTES), MAKES.get(kind))
    buffer = memoryview(bytearray(300_000))
    assert stream.readinto(buffer) == len(buffer)
    assert buffer == content[: len(buffer)]


@KINDS
def test_cut_short_gives_what_is_there(kind: str) -> None:
    octets = COMPRESS[kind](LARGE)
    for cut in (len(octets) // 3, len(octets) // 2, len(octets) - 1):
        found, error = read(octets[:cut], kind=kind)
        assert error is not None and error.endswith("data ends in the middle")
        assert LARGE.startswith(found)
        if "bzip2" not in kind:  # its blocks are larger than this
            assert len(found) > cut  # more than was put in: it is compressed


TOOLS = {"gzip": "gzip", "bzip2": "bzip2", "xz": "xz", "zstd": "zstd", "zstd streamed": "zstd",
         "zstd package": "zstd", "lz4 checked": "lz4"}


@pytest.mark.parametrize("kind", TOOLS)
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_what_stands_before_damage_comes_out(kind: str, content: bytes) -> None:
    """At least all that the kind's own tool gives, and never anything else than the tool."""
    octets = bytearray(COMPRESS[kind](content))
    for place in (len(octets) // 3, len(octets) * 2 // 3, len(octets) - 6):
        damaged = octets.copy()
        damaged[place] ^= 0x55
        command = [TOOLS[kind], "-dc"]
        require(command[0])
        tool = subprocess.run(command, input=damaged, capture_output=True, check=False)
        found, error = read(bytes(damaged), kind=kind)
        assert (error is None) == (tool.returncode == 0), (place, error, tool.stderr)
        if error is not None:
            assert f"{kind.split(maxsplit=1)[0]} data" in error
        same = found[: len(tool.stdout)] == tool.stdout[: len(found)]
        assert same and len(found) >= len(tool.stdout), (place, len(found), len(tool.stdout))


@KINDS
def test_rubbish_behind_the_end(kind: str) -> None:
    found, error = read(COMPRESS[kind](SMALL) + b"rubbish, and some more of it", kind=kind)
    assert found == SMALL
    assert error is not None and f"damaged {kind.split(maxsplit=1)[0]} data: " in error


@KINDS
def test_no_octets_raise_anything_else(kind: str) -> None:
    octets = COMPRESS[kind](SMALL)
    chosen = random.Random(7)
    for _ in range(300):
        damaged = bytearray(octets)
        for _ in range(chosen.randrange(1, 4)):
            damaged[chosen.randrange(MAGIC_BYTES, len(damaged))] = chosen.randrange(256)
        read(bytes(damaged), room=chosen.choice([7, 4096, 1 << 20]), kind=kind)


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd", "lz4"])
def test_what_is_compressed_well_comes_out_bounded(kind: str) -> None:
    octets = COMPRESS[kind](bytes(32 << 20))
    stream = DecompressedStream(Drip(octets[MAGIC_BYTES:], (1 << 30,)), octets[:MAGIC_BYTES])
    buffer = memoryview(bytearray(1000))
    assert 0 < stream.readinto(buffer) <= 1000
    total = 1000
    while count := stream.readinto(memoryview(bytearray(1 << 20))):
        total += count
    assert total >= 32 << 20


def test_frames_that_are_for_others_are_passed_over() -> None:
    other = b"\x50\x2a\x4d\x18" + (70_000).to_bytes(4, "little") + bytes(range(100)) * 700
    assert read(other + zstd(SMALL) + other + zstd(SMALL) + other) == (SMALL * 2, None)


@pytest.mark.parametrize("kind", ["zstd", "zstd package"])
def test_rubbish_behind_a_frame_that_is_for_others(kind: str) -> None:
    other = b"\x50\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
    found, error = read(zstd(SMALL) + other + b"rubbish, and more", kind=kind)
    assert found == SMALL and error is not None


def test_blocks_are_taken_many_at_a_time() -> None:
    """All that are whole, in one call, behind each other, until one ends where it was to stop."""
    content = random.Random(5).randbytes(1 << 20)
    octets = zstd_streamed(content)
    decompressor = BlockDecompressor(Context(library()))
    room = memoryview(bytearray(2 << 20))
    decompressor.begin(room)
    decompressor.run(octets[:-200_000], 0, 1000, 1 << 20)
    assert decompressor.place == 1000 + (6 * ZSTD_BLOCK_MAX)
    decompressor.run(octets, decompressor.taken, decompressor.place, decompressor.place + 1)
    assert decompressor.place == 1000 + (7 * ZSTD_BLOCK_MAX) and not decompressor.is_over
    decompressor.run(octets, decompressor.taken, decompressor.place, 2 << 20)
    assert decompressor.is_over and not decompressor.failed
    assert decompressor.taken == len(octets)
    assert room[1000 : decompressor.place] == content


class Lending:
    """Reads what is lent, and sees to it that it stays as it was promised."""

    def __init__(self, octets: bytes, sizes: tuple[int, ...], most: int, behind: int) -> None:
        self.reader = ZstdReader(
            BlockDecompressor(Context(library())), CompressedInput(Drip(octets, sizes), b""))
        self.most = most
        self.behind = behind
        self.content = bytearray()
        self.rings: list[int] = []
        self._kept: list[tuple[memoryview, bytes]] = []

    def read(self) -> str | None:
        """All of it; what was wrong."""
        try:
            while self._step():
                pass
        except Damaged as damage:
            return damage.reason or "the end"
        return None

    def _step(self) -> bool:
        lent = self.reader.lend(self.most, self.behind)
        assert lent.end - lent.start <= self.most
        left = self.behind
        for view, before in reversed(self._kept):  # the newest first
            if left < len(before):
                break
            assert view == before
            left -= len(before)
        lent, damage = self.reader.verified(lent)
        view = lent.data[lent.start : lent.end]
        self._kept.append((view, bytes(view)))
        self.content += view
        self.rings.append(len(lent.data))
        if damage is not None:
            raise damage
        return lent.start < lent.end


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(10, 22), st.integers(0, 900_000), st.booleans()),
                min_size=1, max_size=4),
       st.sampled_from([(1 << 30,), (300_000,), (70_001, 5, 1)]),
       st.integers(1, 4), st.integers(0, 700_000))  # fmt: skip
def test_what_is_lent_is_the_content_and_stays(
    frames: list[tuple[int, int, bool]], sizes: tuple[int, ...], parts: int, behind: int
) -> None:
    """Frames of any window, one behind the other: the ring begins again, or gets larger."""
    octets, content = b"", b""
    for window_log, size, has_checksum in frames:
        piece = text(size, seed=size)
        parameters = zstandard.ZstdCompressionParameters(
            window_log=window_log, write_checksum=has_checksum, write_content_size=size % 2)
        octets += zstandard.ZstdCompressor(compression_params=parameters).compress(piece)
        content += piece
    lending = Lending(octets, sizes, parts * ZSTD_BLOCK_MAX, behind)
    assert lending.read() is None
    assert lending.content == content


def test_the_memory_is_bounded_by_the_window() -> None:
    for window_log in (17, 21, 23):
        parameters = zstandard.ZstdCompressionParameters(window_log=window_log)
        octets = zstandard.ZstdCompressor(compression_params=parameters).compressobj().compress(
            text(12 << 20))  # fmt: skip
        lending = Lending(octets, (1 << 30,), 1 << 19, 1 << 20)
        lending.read()
        most = max(1 << window_log, 3 << 19)
        assert set(lending.rings) == {most + HEADROOM + 2 * ZSTD_BLOCK_ROOM}


def test_a_window_that_is_too_large_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28, write_content_size=False)
    octets = zstandard.ZstdCompressor(compression_params=parameters).compressobj().compress(
        text(3 << 20))  # fmt: skip
    found, error = read(octets)
    assert found == b"" and error is not None and "window of 268435456 octets" in error


@pytest.mark.needs("zstd")
@pytest.mark.parametrize("room", [1000, 1 << 20])
def test_a_checksum_that_does_not_fit_ends_the_content_there(room: int) -> None:
    """The frames before it come out, and its own; what follows does not, as with `zstd -dc`."""
    wrong = bytearray(zstd(LARGE))
    wrong[-2] ^= 1
    octets = zstd(SMALL) + bytes(wrong) + zstd(SMALL)
    tool = subprocess.run(["zstd", "-dc"], input=octets, capture_output=True, check=False)
    assert tool.returncode == 1 and b"checksum" in tool.stderr
    found, error = read(octets, room=room)
    assert found == SMALL + LARGE and found.startswith(tool.stdout)
    assert error == f"damaged zstd data: {MISMATCH}"
    lending = Lending(octets, (1 << 30,), 1 << 20, 0)
    assert lending.read() == MISMATCH and lending.content == found


@pytest.mark.needs("zstd")
def test_a_block_that_is_damaged_ends_a_run_behind_the_blocks_before_it() -> None:
    """Also where room is short: what waits for room in the library comes out as well."""
    content = text(1 << 20, seed=9)
    octets = bytearray(zstd_streamed(content))
    borders = [place for place in range(len(octets) // 2, len(octets) - 4)
               if int.from_bytes(octets[place : place + 3], "little") & 7 == 4]
    for place in borders[:: len(borders) // 40]:
        damaged = octets.copy()
        damaged[place] ^= 3 << 1
        rooms = {room: read(bytes(damaged), room=room) for room in (1000, 70_000, 1 << 22)}
        tool = subprocess.run(["zstd", "-dc"], input=damaged, capture_output=True, check=False)
        assert all(error for _, error in rooms.values()) == bool(tool.returncode)
        (found,) = {found for found, _ in rooms.values()}
        assert found[: len(tool.stdout)] == tool.stdout


@pytest.mark.parametrize(("steps", "kind"), [
    (zstd_steps, "zstd"), (zstd_steps, "zstd plain"), (lz4_steps, "lz4"),
    (lz4_steps, "lz4 checked"),
])  # fmt: skip
def test_blocks_are_cut_at_their_borders(steps: Callable[[], object], kind: str) -> None:
    octets = COMPRESS[kind](LARGE) + COMPRESS[kind](SMALL)
    blocks = Blocks(steps)  # type: ignore[arg-type]
    blocks.feed(octets)
    pieces = []
    while piece := blocks.take():
        pieces.append(piece)
    assert b"".join(pieces) == octets
    assert len(pieces) > len(LARGE) // (4 << 20) + 6
