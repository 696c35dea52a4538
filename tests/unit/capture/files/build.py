"""Capture files written octet by octet, from the formats' own documents, and what is read back."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from pathlib import Path

from sensor.capture.files.batches import batches
from sensor.capture.files.window import Window
from sensor.capture.interfaces import Interfaces
from sensor.errors import CaptureError
from sensor.model.frames import FrameBatch

MICRO, NANO, KUZNETZOV = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34

Told = tuple[int, bytes, int, int, str]
"""Time, octets, wire length, link type, interface name of a frame."""


def pcap_header(
    order: str = "<", magic: int = MICRO, *, snaplen: int = 65535, link: int = 1
) -> bytes:
    return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link)


def record(
    octets: bytes,
    seconds: int = 1,
    fraction: int = 0,
    *,
    order: str = "<",
    wire: int | None = None,
    more: bytes = b"",
) -> bytes:
    """A pcap record; `more` is what Kuznetzov's variant has behind the lengths."""
    wire = len(octets) if wire is None else wire
    return struct.pack(order + "IIII", seconds, fraction, len(octets), wire) + more + octets


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def section(order: str = "<", options: bytes = b"") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options, order)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def interface(
    link: int = 1, snaplen: int = 0, *options: tuple[int, bytes], order: str = "<"
) -> bytes:
    body = struct.pack(order + "HHI", link, 0, snaplen)
    return block(1, body + b"".join(option(*each, order) for each in options), order)


def enhanced(
    octets: bytes, ticks: int, number: int = 0, *, order: str = "<", wire: int | None = None
) -> bytes:
    wire = len(octets) if wire is None else wire
    head = struct.pack(
        order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(octets), wire
    )
    return block(6, head + octets + bytes(-len(octets) % 4), order)


def obsolete(octets: bytes, ticks: int, number: int = 0, *, order: str = "<") -> bytes:
    head = struct.pack(
        order + "HHIIII", number, 7, ticks >> 32, ticks & 0xFFFFFFFF, len(octets), len(octets)
    )
    return block(2, head + octets + bytes(-len(octets) % 4), order)


def simple(octets: bytes, *, order: str = "<", wire: int | None = None) -> bytes:
    wire = len(octets) if wire is None else wire
    return block(3, struct.pack(order + "I", wire) + octets, order)


def told(frames: FrameBatch) -> list[Told]:
    """What a batch tells, copied."""
    rows: list[Told] = []
    for frame in frames.records[: frames.count]:
        start, captured = int(frame["offset"]), int(frame["captured"])
        assert start + captured <= frames.size
        octets = bytes(frames.data[start : start + captured])
        assert len(octets) == captured
        name = frames.interfaces[frame["interface"]]
        rows.append((int(frame["time_ns"]), octets, int(frame["wire"]), int(frame["link"]), name))
    return rows


class Drip(io.RawIOBase):
    """A stream that gives few octets at a time: the sizes, over and over."""

    def __init__(self, octets: bytes, sizes: Sequence[int]) -> None:
        self._octets = memoryview(octets)
        self._sizes = sizes
        self._reads = 0

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = self._sizes[self._reads % len(self._sizes)]
        self._reads += 1
        given = self._octets[: min(size, len(buffer))]
        buffer[: len(given)] = given
        self._octets = self._octets[len(given) :]
        return len(given)


def read(
    octets: bytes,
    sizes: Sequence[int] = (1 << 30,),
    *,
    window_bytes: int = 1 << 16,
    capacity: int = 2048,
    ahead: int = 0,
) -> tuple[list[Told], str | None]:
    """All frames of a file of these octets, and its error."""
    return frames_of(
        Window(Drip(octets, sizes), window_bytes=window_bytes, ahead=ahead), capacity)


def frames_of(window: Window, capacity: int) -> tuple[list[Told], str | None]:
    """All frames of a window, which is closed, and the error at their end."""
    frames = FrameBatch(capacity)
    rows: list[Told] = []
    try:
        for _ in batches(window, "FILE", frames, Interfaces(), 0):
            assert 0 < frames.count <= capacity
            rows += told(frames)
            assert frames.watermark_ns == max(0, *(row[0] for row in rows), 0)
    except CaptureError as error:
        return rows, str(error)
    finally:
        window.close()
    return rows, None


def write(path: Path, *parts: bytes) -> str:
    path.write_bytes(b"".join(parts))
    return str(path)
