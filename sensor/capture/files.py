"""FileCapture: capture files, directories of them, globs and standard input, as one capture."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass

from sensor.capture.damage import not_a_capture
from sensor.capture.discover import (
    MAGIC_BYTES,
    PCAP_MAGICS,
    PCAPNG_MAGIC,
    Found,
    discover,
    reason_of,
)
from sensor.capture.interfaces import Interfaces
from sensor.capture.pcap import PcapReader
from sensor.capture.pcapng import PcapngReader
from sensor.capture.process_notes import ProcessNotes
from sensor.capture.protocol import Input
from sensor.capture.streams import open_stream
from sensor.capture.window import (
    WINDOW_BYTES,
    PrefixedStream,
    RecordingStream,
    Stream,
    Window,
)
from sensor.decompress import DecompressedStream, DecompressError
from sensor.errors import CaptureError
from sensor.escape import harmless
from sensor.frames import FRAMES_MAX, FrameBatch
from sensor.processes import Processes

READERS: dict[bytes, type[PcapReader] | type[PcapngReader]] = {
    **dict.fromkeys(PCAP_MAGICS, PcapReader),
    PCAPNG_MAGIC: PcapngReader,
}
"""Reader by the first four octets of the file."""

PEEK_BYTES = 4096
NO_TIME = -1


class FileCapture:
    """A Capture of recorded files.

    Several files are read in order of their first record's time; one whose first record cannot be
    read keeps the place where it was given. `inputs` has them in that order once the iteration has
    begun. It can be iterated once.
    """

    def __init__(
        self,
        paths: Iterable[str | os.PathLike[str]],
        *,
        thread: bool = True,
        window_bytes: int = WINDOW_BYTES,
        frames_max: int = FRAMES_MAX,
    ) -> None:
        discovery = discover(paths)
        self._thread = thread
        self._window_bytes = window_bytes
        self._frames = FrameBatch(frames_max)
        self._interfaces = Interfaces()
        self.processes = Processes()
        """Those that the packets were told to belong to."""
        self._window: Window | None = None
        self._reading: _File | None = None
        self._streams: list[Stream] = []
        self._files = [_File(found, Input(found.path)) for found in discovery.found]
        self._finished_bytes = 0
        self._closed = False
        self.skipped = discovery.skipped
        """Files in the given directories that are not captures."""
        self.inputs = [file.input for file in self._files]
        sizes = [found.size for found in discovery.found if found.error is None]
        self.bytes_total = 0 if None in sizes else sum(size or 0 for size in sizes)
        self.bytes_read = 0

    def __iter__(self) -> Iterator[FrameBatch]:
        self._sort()
        for file in self._files:
            if self._closed:
                return
            try:
                yield from self._read(file)
            except CaptureError as error:
                file.input.error = harmless(file.text_of(error))
            finally:
                self._finish()

    def close(self) -> None:
        """Stop reading and close what is open; the batch that was yielded last stays readable."""
        self._closed = True
        self._finish()
        while self._streams:
            self._streams.pop().close()

    def _sort(self) -> None:
        """Bring the files that tell their first record's time into its order, in their places."""
        if len(self._files) < 2:
            return
        for file in self._files:
            self._peek(file)
        places = [place for place, file in enumerate(self._files) if file.first_ns != NO_TIME]
        timed = sorted((self._files[place] for place in places), key=lambda file: file.first_ns)
        for place, file in zip(places, timed, strict=True):
            self._files[place] = file
        self.inputs[:] = [file.input for file in self._files]

    def _peek(self, file: _File) -> None:
        """Read the time of the first record; what a pipe gave for that is kept for reading."""
        if file.found.error is not None:
            return
        try:
            stream = open_stream(file.found.path)
        except OSError:
            return  # met again, and reported, when its turn comes
        recording = RecordingStream(stream)
        window = Window(recording, window_bytes=PEEK_BYTES, thread=False)
        frames = FrameBatch(1)
        try:
            for _ in batches(window, file.found.path, frames, Interfaces(), NO_TIME):
                file.first_ns = int(frames.records["time_ns"][0])
                break
        except CaptureError:
            pass  # likewise
        if file.found.size is None:
            if isinstance(stream, DecompressedStream):
                file.compressed = stream
            file.stream = PrefixedStream(recording.recorded, stream)
            self._streams.append(file.stream)
        else:
            stream.close()

    def _read(self, file: _File) -> Iterator[FrameBatch]:
        """All batches of one file. Errors: CaptureError with everything that was wrong."""
        path = file.found.path
        if file.found.error is not None:
            raise file.found.error
        frames = self._frames
        window = self._window = self._open(file)
        self._reading = file
        frames.file = path
        frames.first_number = 1
        last_ns = frames.watermark_ns
        for _ in batches(window, path, frames, self._interfaces, last_ns, self.processes):
            self.bytes_read = self._finished_bytes + file.bytes_read(window)
            yield frames
            if self._closed:
                return
            frames.first_number += frames.count

    def _open(self, file: _File) -> Window:
        try:
            stream = file.stream or open_stream(file.found.path)
        except (OSError, ValueError) as error:
            raise CaptureError(file.found.path, reason_of(error)) from error
        if file.stream is not None:
            self._streams.remove(file.stream)
        if isinstance(stream, DecompressedStream):
            file.compressed = stream
        # Decompressing takes longer than all the rest: it has a thread of its own in any case.
        thread = self._thread or file.compressed is not None
        return Window(stream, window_bytes=self._window_bytes, thread=thread)

    def _finish(self) -> None:
        window, self._window = self._window, None
        if window is not None and self._reading is not None:
            self._finished_bytes += self._reading.bytes_read(window)
            self.bytes_read = self._finished_bytes
            window.close()


@dataclass(slots=True)
class _File:
    """One input and what is known of it before it is read."""

    found: Found
    input: Input
    first_ns: int = NO_TIME
    stream: Stream | None = None
    """A pipe that was opened to peek."""
    compressed: DecompressedStream | None = None
    """The stream, if what is read is not what is in the file."""

    def text_of(self, error: CaptureError) -> str:
        """What was wrong with this file, in words."""
        stream = self.compressed
        if stream is None or error.offset is None or f"{stream.kind} data" in error.reason:
            return str(error)
        return f"{error} (octets of what the {stream.kind} data holds)"

    def bytes_read(self, window: Window) -> int:
        """Octets of the file that were read, compressed as they may be."""
        if self.compressed is not None:
            return self.compressed.compressed_read
        return max(min(window.base + window.at, window.size), 0)


def batches(
    window: Window, path: str, frames: FrameBatch, interfaces: Interfaces, last_ns: int,
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


def fill(window: Window, at: int, need: int, path: str) -> bool:
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
