"""Capture files: whatever the octets, frames that lie inside the file, then one error or none.

How the file is cut into reads, windows and batches never shows.
"""

from __future__ import annotations

from collections.abc import Callable

from fuzz.targets.streams import Cut
from sensor.capture.files.batches import batches
from sensor.capture.files.errors import LINKS
from sensor.capture.files.window import Window
from sensor.capture.interfaces import Interfaces
from sensor.errors import CaptureError
from sensor.model.frames import FrameBatch
from sensor.model.processes import Processes

PCAP_MAGICS = (
    b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d",
    b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34",
)  # fmt: skip
"""Both orders of microseconds, nanoseconds and Kuznetzov's variant."""
SECTION = b"\x0a\x0d\x0d\x0a"

Told = tuple[int, bytes, int, int, str]


def read(octets: bytes, size: int, window_bytes: int, capacity: int) -> tuple[list[Told], str]:
    """All frames of a file of these octets, and what was wrong with it."""
    window = Window(Cut(octets, size), window_bytes=window_bytes, ahead=0)
    frames = FrameBatch(capacity)
    rows: list[Told] = []
    try:
        for _ in batches(window, "FILE", frames, Interfaces(), 0, Processes()):
            assert 0 < frames.count <= capacity
            for frame in frames.records[: frames.count].tolist():
                time_ns, start, captured, wire, link, interface = frame[:6]
                assert start + captured <= frames.size
                assert wire >= captured
                octets = bytes(frames.data[start : start + captured])
                rows.append((time_ns, octets, wire, link, frames.interfaces[interface]))
            assert frames.watermark_ns >= max(0, *(row[0] for row in rows[-frames.count :]), 0)
    except CaptureError as error:
        text = str(error)
        assert text.isprintable() and text.startswith("FILE")
        return rows, text
    finally:
        window.close()
    return rows, ""


def make(name: str) -> Callable[[bytes], None]:
    """`pcap`: the first octet chooses the kind of file; `pcapng`: the first four are given."""

    def check(octets: bytes) -> None:
        if name == "pcap":
            first = octets[0] if octets else 0
            file = PCAP_MAGICS[first % len(PCAP_MAGICS)] + octets[1:]
        else:
            file = SECTION + octets
        whole = read(file, 1 << 20, 4096, 64)
        assert read(file, 7 + len(octets) % 64, 64, 2) == whole
        if name == "pcap":
            assert {row[3] for row in whole[0]} <= LINKS.keys()

    return check
