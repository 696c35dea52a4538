"""PcapReader: the frames of a classic pcap file.

A file header of 24 octets, then records: a header of 16 octets (24 in Kuznetzov's variant) with
seconds, fraction, captured and wire length, then the captured octets. The magic number tells byte
order, fraction and variant. Source: draft-ietf-opsawg-pcap.
"""

from __future__ import annotations

import struct
from array import array

try:
    import cython
except ImportError:
    from sensor.base import cython_stub as cython

from sensor.capture.files.errors import LINKS, RECORD_MAX, SNAPLEN_MAX, link_text, notes_texts
from sensor.capture.interfaces import Interfaces
from sensor.errors import CaptureError

if not cython.compiled:
    from sensor.memory.loads import be32, le32
    from sensor.memory.records import frame_at
    from sensor.model.frames import FrameBatch

MAGICS = {
    0xA1B2C3D4: (1000, 16),  # nanoseconds in one unit of the fraction, octets of a record header
    0xA1B23C4D: (1, 16),
    0xA1B2CD34: (1000, 24),
}
HEADER_BYTES = 24
BILLION = 1_000_000_000

# Indices into `noted`, as errors.py numbers them.
LONG = 0
TIME = 2


class PcapReader:
    """Walks the record headers of one file, window by window.

    After `walk`: `at` is where it stopped; `problem` why it cannot go on, or None; `need` how many
    octets must stand from `at` on before it can (0: it can, the batch was full).
    """

    def __init__(self, path: str, interfaces: Interfaces, last_ns: int) -> None:
        del interfaces, last_ns  # a classic file names no interface and times every record
        self.path = path
        self.problem: CaptureError | None = None
        self.noted = array("Q", bytes(64))
        self.at = 0
        self.need = HEADER_BYTES
        self.started = False
        self.too_long = 0
        self.record_header = 16

    def walk(self, frames: FrameBatch, at: int, end: int, base: int) -> None:
        """Fill `frames` from positions at..end of its window; `base + position` is the offset."""
        frames.count = 0
        self.at = at
        if not self.started:
            self._start(bytes(frames.data[at : min(end, at + HEADER_BYTES)]))
            if self.problem is not None or not self.started:
                return
        with cython.nogil:
            self._walk(frames, end, base)
        if self.too_long:
            self.problem = CaptureError(
                self.path,
                f"damaged: a record of {self.too_long} octets, more than {self.limit}",
                base + self.at,
            )

    def _start(self, header: bytes) -> None:
        """Read the file header."""
        self.need = HEADER_BYTES
        if len(header) < HEADER_BYTES:
            return
        self.big = int.from_bytes(header[:4], "big") in MAGICS
        order = ">" if self.big else "<"
        magic, major, minor, _, _, snaplen, link = struct.unpack(order + "IHHiIII", header)
        self.scale, self.record_header = MAGICS[magic]
        self.link = link & 0xFFFF  # the upper bits tell about frame check sequences
        self.snaplen = snaplen or SNAPLEN_MAX
        self.limit = max(RECORD_MAX, min(snaplen, SNAPLEN_MAX))
        self.started = True
        if major != 2:
            self.problem = CaptureError(
                self.path, f"version {major}.{minor} of the pcap format is not known", 4
            )
        elif self.link not in LINKS:
            self.problem = CaptureError(
                self.path, f"{link_text(self.link)} cannot be decoded", 20
            )
        self.at += HEADER_BYTES

    def _walk(self, frames: FrameBatch, end: int, base: int) -> None:
        octets = frames.octets
        capacity = frames.capacity
        at = self.at
        header = self.record_header
        watermark = frames.watermark_ns
        count = 0
        self.need = 0
        while count < capacity:
            if end - at < header:
                self.need = header
                break
            if self.big:
                seconds = be32(octets, at)
                fraction = be32(octets, at + 4)
                captured = be32(octets, at + 8)
                wire = be32(octets, at + 12)
            else:
                seconds = le32(octets, at)
                fraction = le32(octets, at + 4)
                captured = le32(octets, at + 8)
                wire = le32(octets, at + 12)
            if captured > self.limit:
                self.too_long = captured
                break
            if end - at - header < captured:
                self.need = header + captured
                break
            fraction_ns = fraction * self.scale
            if fraction_ns >= BILLION:
                self._note(TIME, base + at)
            if captured > self.snaplen:
                self._note(LONG, base + at)
            time_ns = seconds * BILLION + fraction_ns
            watermark = max(watermark, time_ns)
            frame = frame_at(frames.rows, count)
            frame.time_ns = time_ns
            frame.offset = at + header
            frame.captured = captured
            frame.wire = wire if wire > captured else captured
            frame.link = self.link
            frame.interface = 0
            count += 1
            at += header + captured
        frames.count = count
        frames.watermark_ns = watermark
        self.at = at

    def _note(self, note: int, offset: int) -> None:
        """Count something odd that does not stop the reading."""
        if self.noted[note] == 0:
            self.noted[note + 1] = offset
        self.noted[note] += 1

    def finish(self, offset: int, size: int) -> CaptureError | None:
        """Return the error of an input of `size` octets whose last record starts at `offset`."""
        left = size - offset
        header = self.record_header
        if not self.started:
            reason = f"file header cut short: {HEADER_BYTES} octets promised, {left} present"
        elif left == 0:
            return None
        elif left < header:
            reason = f"record header cut short: {header} octets promised, {left} present"
        else:
            reason = (
                f"record cut short: {self.need - header} octets promised, {left - header} present"
            )
        return CaptureError(self.path, reason, offset)

    def notes(self) -> list[str]:
        """Return what was odd in this file, although it was read on."""
        return notes_texts(self.noted, "records")
