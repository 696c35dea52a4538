"""FileProbe: what the beginning of a capture file shows, found out once, before it is read."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from sensor.capture.files.batches import (
    MAGIC_BYTES,
    PCAP,
    batches,
    beginning,
    foreign_to,
    format_of,
)
from sensor.capture.files.streams import open_stream
from sensor.capture.files.window import Window
from sensor.capture.interfaces import Interfaces
from sensor.compression.stream import DecompressedStream
from sensor.errors import CaptureError
from sensor.model.frames import FrameBatch
from sensor.model.processes import Processes

NO_TIME = -1
PROBE_BYTES = 256 * 1024
"""Octets that are searched for processes, at least: recorders write of them from the beginning."""


@dataclass(frozen=True, slots=True)
class FileProbe:
    """One path to read, and what is known of it before that, or why it cannot be read.

    A pipe or standard input can be read only once: nothing is known of them.
    """

    path: str
    error: CaptureError | None = None
    size: int | None = None
    """Octets, None where they are not known (a pipe)."""
    format: str = ""
    """`pcap`, `pcapng`; empty: neither, or it cannot be told."""
    compression: str = ""
    """The name of the compression, empty if there is none."""
    first_ns: int = NO_TIME
    """The time of the first record."""
    has_process_info: bool = False
    """True if packets near the beginning belong to processes."""
    foreign: str = ""
    """Why it is no capture, if its beginning says so."""


def probe_file(path: str, size: int) -> FileProbe:
    """Look at the beginning of a file. Errors: OSError, DecompressError if there is no beginning
    of the content; other damage is met again, and reported, when the file is read.
    """
    stream = open_stream(path)
    compression = stream.kind if isinstance(stream, DecompressedStream) else ""
    window = Window(stream, window_bytes=PROBE_BYTES // 4, ahead=0)
    try:
        window.fill(window.at, MAGIC_BYTES)
        kind = format_of(beginning(window))
        foreign = "" if kind else foreign_to(window, path)
        first_ns, has_process_info = _look(window, path, kind) if kind else (NO_TIME, False)
        return FileProbe(path, None, size, kind, compression, first_ns, has_process_info, foreign)
    finally:
        window.close()


def _look(window: Window, path: str, kind: str) -> tuple[int, bool]:
    """The time of the first record, and whether any near the beginning has process info."""
    processes, frames = Processes(), FrameBatch()
    first_ns = NO_TIME
    with contextlib.suppress(CaptureError):
        for _ in batches(window, path, frames, Interfaces(), NO_TIME, processes):
            if first_ns == NO_TIME:
                first_ns = int(frames.records["time_ns"][0])
            if kind == PCAP or len(processes) or window.base + window.at > PROBE_BYTES:
                break
    return first_ns, bool(len(processes))
