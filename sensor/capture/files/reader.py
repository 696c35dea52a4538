"""FileReader: the frames of one capture file, batch by batch."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

from sensor.base.escape import harmless
from sensor.capture.files.batches import batches
from sensor.capture.files.errors import reason_of
from sensor.capture.files.probe import NO_TIME, FileProbe
from sensor.capture.files.streams import open_stream
from sensor.capture.files.window import (
    WINDOW_BYTES,
    PrefixedStream,
    RecordingStream,
    Window,
)
from sensor.capture.interfaces import Interfaces
from sensor.compression.formats import DecompressError
from sensor.compression.stream import Packed, RawStream
from sensor.errors import CaptureError, ConfigError
from sensor.model.frames import FrameBatch
from sensor.model.processes import Processes
from sensor.model.status import Input

PEEK_BYTES = 4096
DECOMPRESSED_AHEAD = 4
"""Windows that decompressing is ahead of a file's decoding, at most; fewer where many files are
merged, and their windows are smaller."""


class FilterPart(Protocol):
    """Leaves frames out of a batch (frame_filter.py); `to_ns`: none from then on passes."""

    @property
    def to_ns(self) -> int: ...

    def apply(self, frames: FrameBatch, watermark_ns: int, /) -> None: ...


@dataclass(slots=True)
class InputFile:
    """One input: what was found out about it, and what is open of it."""

    probe: FileProbe
    input: Input
    first_ns: int = NO_TIME
    stream: RawStream | None = None
    """The stream, where it was opened ahead: a pipe, to peek, or a file that may be gone soon."""

    def peek(self) -> None:
        """Read the time of a pipe's first record; what it gave for that is kept for reading."""
        if self.probe.error is not None or self.probe.size is not None:
            return
        try:
            stream = open_stream(self.probe.path)
        except (OSError, DecompressError):
            return  # met again, and reported, when its turn comes
        recording = RecordingStream(stream)
        window = Window(recording, window_bytes=PEEK_BYTES, ahead=0)
        frames = FrameBatch(1)
        with contextlib.suppress(CaptureError):  # likewise
            if next(batches(window, self.probe.path, frames, Interfaces(), NO_TIME), True) is None:
                self.first_ns = int(frames.records["time_ns"][0])
        self.stream = PrefixedStream(recording.recorded, stream)

    def close(self) -> None:
        """Close what was opened ahead and not read since."""
        stream, self.stream = self.stream, None
        if stream is not None:
            stream.close()


def input_file(probe: FileProbe, stream: RawStream | None = None) -> InputFile:
    """An input of a run."""
    return InputFile(probe, Input(probe.path), probe.first_ns, stream)


@dataclass(frozen=True, slots=True)
class Reading:
    """Settings with which the files of a run are read."""

    thread: bool
    interfaces: Interfaces
    processes: Processes
    frame_filter: FilterPart | None
    notices: list[str]
    """What the operator should know of files that are sound."""


class FileReader:
    """Reads one file: after each `advance`, `frames` holds its next batch.

    What was wrong with the file stands in its input when `advance` has returned False.
    """

    def __init__(
        self, file: InputFile, frames: FrameBatch, reading: Reading, window_bytes: int
    ) -> None:
        self.file = file
        self.frames = frames
        self._reading = reading
        self._window_bytes = window_bytes
        self._window: Window | None = None
        self._compressed: Packed | None = None
        """The stream, if what is read is not what is in the file."""
        self._steps = self._read()
        frames.file = file.probe.path
        frames.first_number = 1
        frames.numbers, frames.files = None, ()
        frames.outside_window = frames.filtered = 0

    def advance(self, watermark_ns: int) -> bool:
        """Read the next batch; False at the end. Frames that are not wanted are not in it, so that
        it may be empty. `watermark_ns` is the packet time that was reached before.
        """
        self.frames.watermark_ns = max(self.frames.watermark_ns, watermark_ns)
        try:
            walked = next(self._steps, 0)
            if walked and self._reading.frame_filter is not None:
                self._reading.frame_filter.apply(self.frames, watermark_ns)
        except CaptureError as error:
            self.file.input.error = harmless(self._text_of(error))
            return False
        except ConfigError as error:  # the filter is not for frames of this link type
            self.file.input.error = harmless(f"{self.file.probe.path}: {error}")
            return False
        return walked > 0

    def _read(self) -> Generator[int, None, None]:
        """Batches of the file, each with how many frames it has.

        Errors: CaptureError with everything that was wrong.
        """
        file, frames, reading = self.file, self.frames, self._reading
        if file.probe.error is not None:
            raise file.probe.error
        window = self._window = self._open()
        last_ns = frames.watermark_ns
        for _ in batches(window, file.probe.path, frames, reading.interfaces, last_ns,
                         reading.processes, notices=reading.notices):  # fmt: skip
            walked = frames.count
            self._note(walked)
            yield walked
            frames.first_number += walked

    def _note(self, walked: int) -> None:
        """Write down what was read of the file."""
        if not walked:
            return
        told = self.file.input
        earliest, latest = self.frames.span_ns()
        told.first_ns = earliest if told.frames == 0 else min(told.first_ns, earliest)
        told.last_ns = latest if told.frames == 0 else max(told.last_ns, latest)
        told.frames += walked

    def _open(self) -> Window:
        file = self.file
        try:
            stream = file.stream or open_stream(file.probe.path)
        except (OSError, ValueError) as error:
            raise CaptureError(file.probe.path, reason_of(error)) from error
        file.stream = None
        content = getattr(stream, "raw", stream)
        if isinstance(content, Packed) and content.kind:
            self._compressed = content
        # Decompressing takes longer than all the rest: it has a thread of its own in any case.
        ahead = int(self._reading.thread)
        if self._compressed is not None:
            ahead = max(1, DECOMPRESSED_AHEAD * self._window_bytes // WINDOW_BYTES)
        return Window(stream, window_bytes=self._window_bytes, ahead=ahead)

    def _text_of(self, error: CaptureError) -> str:
        """Return what was wrong with the file, in words."""
        stream = self._compressed
        if stream is None or error.offset is None or f"{stream.kind} data" in error.reason:
            return str(error)
        return f"{error} (octets of what the {stream.kind} data holds)"

    @property
    def bytes_read(self) -> int:
        """Octets of the file that were read, compressed as they may be."""
        window = self._window
        if window is None:
            return 0
        if self._compressed is not None:
            return self._compressed.compressed_read
        return max(min(window.base + window.at, window.size), 0)

    def close(self) -> None:
        """Stop reading; the batch that was read last stays readable."""
        if self._window is not None:
            self._window.close()
