"""FileReader: the frames of one capture file, batch by batch."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

from sensor.base.escape import harmless
from sensor.base.frozen import frozen
from sensor.capture.base import Input
from sensor.capture.files.discover import MAGIC_BYTES, PCAP_MAGICS, PCAPNG_MAGIC, Found, reason_of
from sensor.capture.files.errors import not_a_capture
from sensor.capture.files.pcap import PcapReader
from sensor.capture.files.pcapng import PcapngReader
from sensor.capture.files.process_blocks import ProcessNotes
from sensor.capture.files.streams import open_stream
from sensor.capture.files.window import PrefixedStream, RecordingStream, Stream, Window
from sensor.capture.files.zero_copy_window import LentWindow
from sensor.capture.interfaces import Interfaces
from sensor.compression.stream import DecompressedStream, DecompressError
from sensor.errors import CaptureError, ConfigError
from sensor.model.frames import FrameBatch
from sensor.model.processes import Processes

READERS: dict[bytes, type[PcapReader] | type[PcapngReader]] = {
    **dict.fromkeys(PCAP_MAGICS, PcapReader),
    PCAPNG_MAGIC: PcapngReader,
}
"""Reader by the first four octets of the file."""

PEEK_BYTES = 4096
DECOMPRESSED_AHEAD = 4
"""Reads that decompressing is ahead of a file's decoding, at most."""
LENT_WINDOWS = 2
"""What is lent at once, in windows: nothing is copied, and each part has its price."""
NO_TIME = -1


AnyWindow = Window | LentWindow


class SievePart(Protocol):
    """What leaves frames out of a batch (sieve.py)."""

    def apply(self, frames: FrameBatch, watermark_ns: int, /) -> None: ...


@dataclass(slots=True)
class InputFile:
    """One input and what is known of it before it is read."""

    found: Found
    input: Input
    first_ns: int = NO_TIME
    stream: Stream | None = None
    """What was opened ahead: a pipe, to peek, or a file that may be gone soon (`found.file`)."""
    compressed: DecompressedStream | None = None
    """The stream, if what is read is not what is in the file."""

    def peek(self) -> None:
        """Read the time of the first record; what a pipe gave for that is kept for reading."""
        if self.found.error is not None:
            return
        plain = self.found.file
        try:
            stream = plain or open_stream(self.found.path)
        except (OSError, DecompressError):
            return  # met again, and reported, when its turn comes
        recording = RecordingStream(stream)
        window = Window(recording, window_bytes=PEEK_BYTES, ahead=0)
        frames = FrameBatch(1)
        try:
            for _ in batches(window, self.found.path, frames, Interfaces(), NO_TIME):
                self.first_ns = int(frames.records["time_ns"][0])
                break
        except CaptureError:
            pass  # likewise
        if plain is not None:
            plain.seek(0)
        elif self.found.size is None:
            if isinstance(stream, DecompressedStream):
                self.compressed = stream
            self.stream = PrefixedStream(recording.recorded, stream)
        else:
            stream.close()

    def close(self) -> None:
        """Close what was opened ahead and not read since."""
        stream, self.stream = self.stream, None
        if stream is not None:
            stream.close()


@frozen
class Reading:
    """What the files of a run are read with."""

    thread: bool
    interfaces: Interfaces
    processes: Processes
    sieve: SievePart | None


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
        self._window: AnyWindow | None = None
        self._steps = self._read()
        frames.file = file.found.path
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
            if walked and self._reading.sieve is not None:
                self._reading.sieve.apply(self.frames, watermark_ns)
        except CaptureError as error:
            self.file.input.error = harmless(self._text_of(error))
            return False
        except ConfigError as error:  # the filter is not for frames of this link type
            self.file.input.error = harmless(f"{self.file.found.path}: {error}")
            return False
        return walked > 0

    def _read(self) -> Generator[int, None, None]:
        """Batches of the file, each with how many frames it has.

        Errors: CaptureError with everything that was wrong.
        """
        file, frames, reading = self.file, self.frames, self._reading
        if file.found.error is not None:
            raise file.found.error
        window = self._window = self._open()
        last_ns = frames.watermark_ns
        for _ in batches(window, file.found.path, frames, reading.interfaces, last_ns,
                         reading.processes):  # fmt: skip
            walked = frames.count
            yield walked
            frames.first_number += walked

    def _open(self) -> AnyWindow:
        file = self.file
        try:
            stream = file.stream or open_stream(file.found.path)
        except (OSError, ValueError) as error:
            raise CaptureError(file.found.path, reason_of(error)) from error
        file.stream = None
        if isinstance(stream, DecompressedStream):
            file.compressed = stream
        # Decompressing takes longer than all the rest: it has a thread of its own in any case.
        ahead = int(self._reading.thread) if file.compressed is None else DECOMPRESSED_AHEAD
        if isinstance(stream, DecompressedStream) and stream.lends:
            return LentWindow(stream, window_bytes=LENT_WINDOWS * self._window_bytes, ahead=ahead)
        return Window(stream, window_bytes=self._window_bytes, ahead=ahead)

    def _text_of(self, error: CaptureError) -> str:
        """What was wrong with the file, in words."""
        stream = self.file.compressed
        if stream is None or error.offset is None or f"{stream.kind} data" in error.reason:
            return str(error)
        return f"{error} (octets of what the {stream.kind} data holds)"

    @property
    def bytes_read(self) -> int:
        """Octets of the file that were read, compressed as they may be."""
        window = self._window
        if window is None:
            return 0
        if self.file.compressed is not None:
            return self.file.compressed.compressed_read
        return max(min(window.base + window.at, window.size), 0)

    def close(self) -> None:
        """Stop reading; the batch that was read last stays readable."""
        if self._window is not None:
            self._window.close()


def batches(
    window: AnyWindow, path: str, frames: FrameBatch, interfaces: Interfaces, last_ns: int,
    processes: Processes | None = None,
) -> Generator[None, None, None]:  # fmt: skip
    """Fill `frames` again and again with the frames of one stream, until it ends.

    `processes` takes those that the packets are told to belong to.

    `window.at` is where the next one will go on. Errors: CaptureError at the end, with everything
    that was wrong: what stopped the reading first, then what was odd before.
    """
    fill(window, window.at, MAGIC_BYTES, path)
    start = bytes(window.data[window.at : min(window.end, window.at + MAGIC_BYTES)])
    reader_type = READERS.get(start[:4])
    if reader_type is None:
        raise CaptureError(path, not_a_capture(start))
    reader = reader_type(path, interfaces, last_ns)
    frames.records["process"] = 0  # only one of the readers writes it
    if isinstance(reader, PcapngReader) and processes is not None:
        reader.process_notes = ProcessNotes(processes)
    problem: CaptureError | None = None
    while problem is None:
        frames.attach(memoryview(window.data)[: window.end])
        more = True
        while more:
            reader.walk(frames, window.at, window.end, window.base)
            window.at = reader.at
            if frames.count:
                frames.interfaces = interfaces.names
                yield
            more = reader.need == 0 and reader.problem is None
        problem = reader.problem
        if problem is None:
            try:
                if not fill(window, reader.at, reader.need, path):
                    problem = reader.finish(window.base + window.at, window.size)
                    break
            except CaptureError as error:
                problem = error
    raise_all(path, problem, reader.notes())


def fill(window: AnyWindow, at: int, need: int, path: str) -> bool:
    """Have `need` octets in the window, as `Window.fill`. Errors: CaptureError."""
    try:
        return window.fill(at, need)
    except DecompressError as error:
        raise CaptureError(path, str(error), error.offset) from error
    except (OSError, ValueError) as error:
        raise CaptureError(path, reason_of(error), window.size) from error


def raise_all(path: str, problem: CaptureError | None, notes: list[str]) -> None:
    """Raise one CaptureError for everything, if there is anything."""
    if problem is not None:
        raise CaptureError(path, "; ".join([problem.reason, *notes]), problem.offset)
    if notes:
        raise CaptureError(path, "; ".join(notes))
