"""Decompression: any cut of the input, any size of the output, damage at any place."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import subprocess
from collections.abc import Callable

import lz4.frame
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from sensor.compression.formats import MAGIC_BYTES, DecompressError
from sensor.compression.stream import CHUNK_BYTES, HELD_BYTES, STEP_BYTES, DecompressedStream
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
    "zstd plain": zstandard.ZstdCompressor(write_content_size=False).compress,
    "lz4": lz4.frame.compress,
    "lz4 checked": lz4_checked,
}
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
    octets: bytes, sizes: tuple[int, ...] = (1 << 30,), room: int = 65_536
) -> tuple[bytes, str | None]:
    """The content of compressed octets, and what was wrong with them."""
    raw = Drip(octets[MAGIC_BYTES:], sizes)
    stream = DecompressedStream(raw, octets[:MAGIC_BYTES])
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
@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=4), st.integers(1, 100_000))
def test_any_cut_gives_the_same(kind: str, sizes: list[int], room: int) -> None:
    compress, more = COMPRESS[kind], LARGE[:20_000]
    whole = compress(SMALL) + compress(b"") + compress(more)
    assert read(whole, tuple(sizes), room) == (SMALL + more, None)


@KINDS
def test_large_content_in_large_reads(kind: str) -> None:
    assert read(COMPRESS[kind](LARGE), room=1 << 20) == (LARGE, None)


@KINDS
def test_zeros_may_fill_up_the_end(kind: str) -> None:
    assert read(COMPRESS[kind](SMALL) + bytes(1021)) == (SMALL, None)


@KINDS
def test_a_whole_read_is_filled_unless_the_stream_paused(kind: str) -> None:
    content = random.Random(3).randbytes(20 * CHUNK_BYTES)
    raw = io.BytesIO(COMPRESS[kind](content))
    stream = DecompressedStream(raw, raw.read(MAGIC_BYTES))
    buffer = memoryview(bytearray(300_000))
    assert stream.readinto(buffer) == len(buffer)
    assert buffer == content[: len(buffer)]


@KINDS
def test_cut_short_gives_what_is_there(kind: str) -> None:
    octets = COMPRESS[kind](LARGE)
    for cut in (len(octets) // 3, len(octets) // 2, len(octets) - 1):
        found, error = read(octets[:cut])
        assert error is not None and error.endswith("data ends in the middle")
        assert LARGE.startswith(found)
        if "bzip2" not in kind:  # its blocks are larger than this
            assert len(found) > cut  # more than was put in: it is compressed


TOOLS = {"gzip": "gzip", "bzip2": "bzip2", "xz": "xz", "zstd": "zstd", "zstd streamed": "zstd",
         "lz4 checked": "lz4"}


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
        found, error = read(bytes(damaged))
        assert (error is None) == (tool.returncode == 0), (place, error, tool.stderr)
        if error is not None:
            assert f"{kind.split(maxsplit=1)[0]} data" in error
        same = found[: len(tool.stdout)] == tool.stdout[: len(found)]
        assert same and len(found) >= len(tool.stdout), (place, len(found), len(tool.stdout))


@KINDS
def test_rubbish_behind_the_end(kind: str) -> None:
    found, error = read(COMPRESS[kind](SMALL) + b"rubbish, and some more of it")
    assert found == SMALL
    assert error is not None and f"damaged {kind.split(maxsplit=1)[0]} data: " in error


@KINDS
def test_no_octets_raise_anything_else(kind: str) -> None:
    octets = COMPRESS[kind](SMALL)
    chosen = random.Random(7)
    for _ in range(100):
        damaged = bytearray(octets)
        for _ in range(chosen.randrange(1, 4)):
            damaged[chosen.randrange(MAGIC_BYTES, len(damaged))] = chosen.randrange(256)
        read(bytes(damaged), room=chosen.choice([7, 4096, 1 << 20]))


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


def test_rubbish_behind_a_frame_that_is_for_others() -> None:
    other = b"\x50\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
    found, error = read(zstd(SMALL) + other + b"rubbish, and more")
    assert found == SMALL and error is not None


def test_a_window_that_is_too_large_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28, write_content_size=False)
    octets = zstandard.ZstdCompressor(compression_params=parameters).compressobj().compress(
        text(3 << 20))  # fmt: skip
    found, error = read(octets)
    assert found == b"" and error is not None and "too much memory" in error


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
    assert error is not None and "checksum" in error


@pytest.mark.needs("zstd")
def test_a_block_that_is_damaged_ends_a_run_behind_the_blocks_before_it() -> None:
    """Also where room is short: what waits for room in the library comes out as well."""
    content = text(1 << 20, seed=9)
    octets = bytearray(zstd_streamed(content))
    borders = [place for place in range(len(octets) // 2, len(octets) - 4)
               if int.from_bytes(octets[place : place + 3], "little") & 7 == 4]
    for place in borders[:: len(borders) // 12]:
        damaged = octets.copy()
        damaged[place] ^= 3 << 1
        rooms = {room: read(bytes(damaged), room=room) for room in (1000, 70_000, 1 << 22)}
        tool = subprocess.run(["zstd", "-dc"], input=damaged, capture_output=True, check=False)
        assert all(error for _, error in rooms.values()) == bool(tool.returncode)
        (found,) = {found for found, _ in rooms.values()}
        assert found[: len(tool.stdout)] == tool.stdout[: len(found)]
        # Another version of the library may see only by the checksum what this one sees at once.
        assert len(found) >= len(tool.stdout) or b"checksum" in tool.stderr


@pytest.mark.parametrize("kind", ["bzip2", "xz", "zstd", "lz4 checked"])
def test_behind_what_is_held_one_step_at_most_is_lost(kind: str) -> None:
    require(TOOLS[kind])
    content = random.Random(11).randbytes(4 * HELD_BYTES)
    octets = bytearray(COMPRESS[kind](content))
    octets[-HELD_BYTES // 2] ^= 0x55
    tool = subprocess.run([TOOLS[kind], "-dc"], input=octets, capture_output=True,
                          check=False)  # fmt: skip
    found, error = read(bytes(octets))
    assert error is not None and tool.returncode
    assert len(found) >= len(tool.stdout) - STEP_BYTES
    assert found[: len(tool.stdout)] == tool.stdout[: len(found)]
