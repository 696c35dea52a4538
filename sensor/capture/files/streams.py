"""Streams: a path as octets, decompressed if it is compressed; nothing looked at is lost."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from io import FileIO

from sensor.capture.files.objects import is_object, open_object
from sensor.capture.files.window import PipeStream, PrefixedStream
from sensor.compression.formats import MAGIC_BYTES, kind_of
from sensor.compression.stream import DecompressedStream, RawStream

STANDARD_INPUT = "-"
PIPE_BYTES = 1024 * 1024
"""Room asked for in a pipe: the writer then fills whole windows, not 64 KiB at a time."""


def open_stream(path: str) -> RawStream:
    """Open the content of a path, an object or standard input. Errors: OSError, DecompressError;
    ConfigError if objects cannot be read here.
    """
    if is_object(path):
        return _unpacked(open_object(path))
    raw = FileIO(0, closefd=False) if path == STANDARD_INPUT else FileIO(path)
    try:
        return _content(raw)
    except Exception:
        raw.close()
        raise


def _unpacked(raw: RawStream) -> RawStream:
    """The content of a stream that cannot be wound back. Errors: OSError, DecompressError."""
    start = read_start(raw, MAGIC_BYTES)
    return DecompressedStream(raw, start) if kind_of(start) else PrefixedStream(start, raw)


def _content(raw: FileIO) -> RawStream:
    if stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
        start = read_start(raw, MAGIC_BYTES)
        if kind_of(start):
            return DecompressedStream(raw, start)
        raw.seek(-len(start), os.SEEK_CUR)
        return raw
    with contextlib.suppress(OSError):  # not a pipe, or more than this user may ask for
        fcntl.fcntl(raw.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return _unpacked(PipeStream(raw, raw.fileno()))


def read_start(stream: RawStream, wanted: int) -> bytes:
    """The first octets of a stream; fewer only if it has no more."""
    start = memoryview(bytearray(wanted))
    filled, count = 0, 1
    while count and filled < wanted:
        count = stream.readinto(start[filled:]) or 0
        filled += count
    return bytes(start[:filled])
