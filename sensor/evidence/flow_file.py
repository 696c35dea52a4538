"""FlowFile: the frames of one flow on their way into a pcapng file of their own.

The section header, which comes first, says what is in the file. So the rest is gathered behind it
before: in memory, and in a file beside where it is much.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from pathlib import Path

from sensor._version import __version__
from sensor.base.escape import harmless, utf8_text
from sensor.evidence import pcapng
from sensor.evidence.frame_copies import FrameCopy
from sensor.evidence.request import AlertNote
from sensor.evidence.wanted import WantedFlow

APPLICATION = f"sensor {__version__}"
COPY_BYTES = 1 << 20
ALERTS_SHOWN = 50
"""Alerts that the comment of a file names; the manifest has all."""
STRETCHES_MAX = 1_000
"""Stretches of frame numbers that are told; each packet has its number beside it too."""
PATH_MAX = 1024
"""Characters of a path that the description of an interface has."""


class Numbers:
    """The numbers of frames of one source, in stretches."""

    def __init__(self) -> None:
        self.count = 0
        self._first = array("Q")
        self._last = array("Q")

    def __len__(self) -> int:
        """How many stretches there are."""
        return len(self._first)

    def add(self, number: int) -> None:
        """Take the number of a frame; those of one source rise."""
        self.count += 1
        if self._last and self._last[-1] + 1 == number:
            self._last[-1] = number
        else:
            self._first.append(number)
            self._last.append(number)

    def text(self, to: str = "-") -> str:
        """The stretches, as in `1-3, 7`; of very many the first ones."""
        shown = zip(self._first[:STRETCHES_MAX], self._last, strict=False)
        text = ", ".join(f"{first}{to}{last}" if first != last else str(first)
                         for first, last in shown)
        return f"{text}, ..." if len(self) > STRETCHES_MAX else text


class FlowFile:
    """What was gathered of one flow."""

    def __init__(self, flow: WantedFlow, number: int, part: Path) -> None:
        self.flow = flow
        self.number = number
        self.sources: dict[str, Numbers] = {}
        """The frames of each path, in the order in which they came."""
        self.frames = 0
        self.first_ns = self.last_ns = 0
        self.gathered_bytes = 0
        self._part = part
        self._has_part = False
        self._gathered: list[bytes] = []
        self._interfaces: dict[tuple[str, int, str], int] = {}

    def add(self, frame: FrameCopy) -> int:
        """Take the next frame; returns how many octets that is."""
        blocks = []
        place = frame.path, frame.link, frame.interface
        if place not in self._interfaces:
            self._interfaces[place] = len(self._interfaces)
            path = harmless(utf8_text(frame.path))[:PATH_MAX]
            blocks.append(pcapng.interface(frame.link, frame.interface, path))
        blocks.append(pcapng.packet(self._interfaces[place], frame.time_ns, frame.octets,
                                    frame.wire, f"frame {frame.number}"))
        self._count(frame)
        size = sum(map(len, blocks))
        self._gathered += blocks
        self.gathered_bytes += size
        return size

    def _count(self, frame: FrameCopy) -> None:
        numbers = self.sources.get(frame.path)
        if numbers is None:
            numbers = self.sources[frame.path] = Numbers()
        numbers.add(frame.number)
        if not self.frames:
            self.first_ns = self.last_ns = frame.time_ns
        elif frame.time_ns > self.last_ns:
            self.last_ns = frame.time_ns
        elif frame.time_ns < self.first_ns:
            self.first_ns = frame.time_ns
        self.frames += 1

    def flush(self) -> None:
        """Put what was gathered into the file beside. Errors: OSError."""
        with open(self._part, "ab") as file:
            file.writelines(self._gathered)
        self._has_part = True
        self._gathered, self.gathered_bytes = [], 0

    def write(self, place: Path, alerts: Sequence[AlertNote], note: str = "") -> str:
        """Write the whole file, and remove the one beside; its SHA-256. Errors: OSError."""
        digest = hashlib.sha256()
        with open(place, "xb") as file:
            def put(octets: bytes) -> None:
                digest.update(octets)
                file.write(octets)

            put(pcapng.section(self._comment(alerts, note), APPLICATION))
            if self._has_part:
                with open(self._part, "rb") as part:
                    while octets := part.read(COPY_BYTES):
                        put(octets)
            for octets in self._gathered:
                put(octets)
        if self._has_part:
            self._part.unlink()
        self._gathered, self.gathered_bytes = [], 0
        return digest.hexdigest()

    def _comment(self, alerts: Sequence[AlertNote], note: str) -> str:
        """What the file holds, for whoever opens it."""
        lines = [f"All {self.frames} frames of flow {self.flow.id} ({self.flow.community_id})"]
        lines += [f"Alert {alert.id} of {alert.time}: {alert.message}"
                  for alert in alerts[:ALERTS_SHOWN]]
        if len(alerts) > ALERTS_SHOWN:
            lines.append(f"and {len(alerts) - ALERTS_SHOWN} other alerts")
        lines += [f"From {utf8_text(path)}, frames {numbers.text()}"
                  for path, numbers in self.sources.items()]
        lines += [note] if note else []
        return "\n".join(map(harmless, lines))
