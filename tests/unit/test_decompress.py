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

from sensor.compressed_blocks import Blocks, lz4_steps, zstd_steps
from sensor.decompress import (
    MAGIC_BYTES,
    RUN_BYTES,
    DecompressedStream,
    DecompressError,
    kind_of,
    zstd_of_package,
)
from sensor.zstd_blocks import BlockDecompressor
from sensor.zstd_library import Context, library
from tests.unit.capture.build import Drip

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
    """All but the last one, and the one whose end is its header, in one call."""
    content = random.Random(5).randbytes(1 << 20)
    octets = zstd_streamed(content)
    blocks = Blocks(zstd_steps)
    blocks.feed(octets)
    decompressor = BlockDecompressor(Context(library(), 1 << 27))
    room = memoryview(bytearray(2 << 20))
    decompressor.start(room)
    while blocks.run is None or not blocks.run[2]:
        decompressor.feed(blocks.take())
    decompressor.run(*blocks.run)
    assert decompressor.given == (1 << 20) - (2 * 128 << 10)  # and without the header of the last
    assert room[: decompressor.given] == content[: decompressor.given]
    assert not decompressor.failed


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
        assert not blocks.is_whole or len(b"".join([*pieces, piece])) in (
            len(octets), len(COMPRESS[kind](LARGE)))
        pieces.append(piece)
    assert b"".join(pieces) == octets and blocks.is_whole
    assert len(pieces) > len(LARGE) // (4 << 20) + 6
