"""FileCapture: capture files, directories of them, globs and standard input, as one capture."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Protocol

from sensor.capture.files.discover import Discovery, discover
from sensor.capture.files.merge import Cursor, Merged
from sensor.capture.files.probe import NO_TIME
from sensor.capture.files.reader import FileReader, FilterPart, InputFile, Reading, input_file
from sensor.capture.files.unpack_ahead import Unpack, unpack_ahead
from sensor.capture.files.window import WINDOW_BYTES
from sensor.capture.interfaces import Interfaces
from sensor.model.frames import FRAMES_MAX, FrameBatch
from sensor.model.processes import Processes

OPEN_MAX = 256
"""Files that are merged at once; more only come behind them."""
MERGING_BYTES = 1024 * 1024
"""Octets read at once of all files that are merged, unless they are very many."""
WINDOW_MIN = 16 * 1024
INPUTS_MAX = 1000
"""Files of a folder that is followed that are remembered for the ledger."""


class FolderPart(Protocol):
    """A folder that goes on getting captures (follow.py)."""

    left_out: list[str]

    def wait(self) -> list[InputFile] | None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Cut:
    """Sizes by which the input is cut; they never show in what comes out."""

    thread: bool = True
    window_bytes: int = WINDOW_BYTES
    frames_max: int = FRAMES_MAX


class FileCapture:
    """A Capture of recorded files.

    Several files are read in order of their first record's time, and merged where they overlap; one
    whose first record cannot be read keeps the place where it was given. `inputs` has them in that
    order once the iteration has begun. It can be iterated once.
    """

    def __init__(  # noqa: PLR0913  most are left out
        self,
        paths: Iterable[str | os.PathLike[str]] | Discovery,
        *,
        thread: bool = True,
        window_bytes: int = WINDOW_BYTES,
        frames_max: int = FRAMES_MAX,
        frame_filter: FilterPart | None = None,
        folder: FolderPart | None = None,
        jobs: int = 1,
        unpack: Unpack | None = None,
    ) -> None:
        """`jobs` is how many compressed files are decompressed at once.

        Those but the first wait in temporary files: their content must find room there. With
        `unpack` others decompress.
        """
        discovery = paths if isinstance(paths, Discovery) else discover(paths)
        self._cut = Cut(thread, window_bytes, frames_max)
        self._frame_filter = frame_filter
        self._folder = folder
        self._interfaces = Interfaces()
        self.processes = Processes()
        """Those that the packets belong to."""
        self.notices: list[str] = []
        """What the operator should know at once, until somebody takes it."""
        self._reading = Reading(
            thread, self._interfaces, self.processes, frame_filter, self.notices)
        self._files = [input_file(probe) for probe in discovery.probes]
        self._readers: list[FileReader] = []
        self._spare = [FrameBatch(frames_max)]
        self._unpack = unpack or partial(unpack_ahead, files_max=jobs - 1)
        self._merged: Merged | None = None
        self._watermark_ns = 0
        self._finished_bytes = 0
        self._closed = False
        self._is_crowded = False
        self.skipped = len(discovery.left_out)
        """Files in the given directories that are not captures."""
        self.inputs = [file.input for file in self._files]
        sizes = [probe.size for probe in discovery.probes if probe.error is None]
        self.bytes_total = 0
        if None not in sizes and folder is None:
            self.bytes_total = sum(size or 0 for size in sizes)
        self.bytes_read = 0

    def __iter__(self) -> Iterator[FrameBatch]:
        self._files = self._sorted(self._files)
        self.inputs[:] = [file.input for file in self._files]
        yield from self._counted(self._batches(deque(self._files)))
        while self._folder is not None and (found := self._folder.wait()) is not None:
            self._files = self._sorted(found)
            self.inputs += [file.input for file in self._files]
            self._forget_inputs()
            self.notices += self._folder.left_out
            self._folder.left_out.clear()
            if not found:  # an empty batch: what is to be told is told now
                yield from self._counted(iter([self._nothing()]))
            yield from self._counted(self._batches(deque(self._files)))

    def _nothing(self) -> FrameBatch:
        """A batch without frames, up to the time that was reached."""
        frames = self._spare[-1]
        frames.count = 0
        frames.numbers, frames.files = None, ()
        frames.outside_window = frames.filtered = 0
        frames.watermark_ns = self._watermark_ns
        return frames

    def _forget_inputs(self) -> None:
        """Keep the number of inputs bounded: the oldest go first, the damaged ones last."""
        while len(self.inputs) > INPUTS_MAX:
            sound = (at for at, entry in enumerate(self.inputs) if entry.error is None)
            del self.inputs[next(sound, 0)]

    def _counted(self, batches: Iterator[FrameBatch]) -> Iterator[FrameBatch]:
        """The batches, and how far the run has come with each."""
        for frames in batches:
            self.bytes_read = self._finished_bytes + sum(
                reader.bytes_read for reader in self._readers)
            self._watermark_ns = max(self._watermark_ns, frames.watermark_ns)
            yield frames
            if self._closed:
                return

    def close(self) -> None:
        """Stop reading and close what is open; the batch that was yielded last stays readable."""
        self._closed = True
        if self._folder is not None:
            self._folder.close()
        while self._readers:
            self._end(self._readers[-1])
        for file in self._files:
            file.close()

    def _sorted(self, files: list[InputFile]) -> list[InputFile]:
        """The files that tell their first record's time in its order, the others in their places.

        Those that begin when no frame is wanted any more are left out.
        """
        if len(files) > 1 or self._frame_filter is not None:
            for file in files:
                file.peek()
        places = [place for place, file in enumerate(files) if file.first_ns != NO_TIME]
        timed = sorted((files[place] for place in places), key=lambda file: file.first_ns)
        ordered = list(files)
        for place, file in zip(places, timed, strict=True):
            ordered[place] = file
        return ordered

    def _batches(self, pending: deque[InputFile]) -> Iterator[FrameBatch]:
        """The batches of all files: one file after the other, unless they overlap."""
        while pending and not self._closed:
            file = pending.popleft()
            if self._is_too_late(file):
                file.close()
                self._finished_bytes += file.probe.size or 0
                self.bytes_read = self._finished_bytes
                continue
            reader: FileReader | None = self._start(file, pending)
            while reader is not None and self._advance(reader):
                following = _next_timed(pending)
                if following is not None and _goes_beyond(reader.frames, following.first_ns):
                    reader = yield from self._merge(reader, pending)
                else:
                    yield reader.frames

    def _merge(
        self, reader: FileReader, pending: deque[InputFile]
    ) -> Generator[FrameBatch, None, FileReader | None]:
        """Merge the batch that was read with the files behind it until but one is left: that one,
        or None if there is none.
        """
        merged = self._merged = self._merged or Merged(self._cut.frames_max)
        merged.frames.watermark_ns = self._watermark_ns
        cursors = [Cursor(reader)]
        cursors[0].take_over()
        self._count_left_out(merged.frames, reader.frames)
        while True:
            for cursor in list(cursors):
                while cursor.at == cursor.count:
                    if not self._advance(cursor.reader):
                        cursors.remove(cursor)
                        break
                    cursor.take_over()
                    self._count_left_out(merged.frames, cursor.reader.frames)
                    if not cursor.count:
                        merged.frames.count = 0
                        yield merged.frames
                        merged.frames.outside_window = merged.frames.filtered = 0
            if not cursors:
                return None
            following = _next_timed(pending)
            known = min(cursor.last_key for cursor in cursors)
            overlaps = following is not None and following.first_ns < known
            if overlaps and following is not None and self._may_open(cursors, following):
                pending.remove(following)
                cursors.append(Cursor(self._start(following, pending, len(cursors) + 1)))
                continue
            for frames in merged.fill(cursors):
                frames.interfaces = self._interfaces.names
                yield frames
                frames.outside_window = frames.filtered = 0
            if len(cursors) == 1 and not overlaps:
                return cursors[0].reader

    def _count_left_out(self, merged: FrameBatch, frames: FrameBatch) -> None:
        merged.outside_window += frames.outside_window
        merged.filtered += frames.filtered

    def _may_open(self, cursors: Sequence[Cursor], file: InputFile) -> bool:
        """Return True if one more file may be open; adds a notice if not."""
        if len(cursors) < OPEN_MAX:
            return True
        if not self._is_crowded:
            self.notices.append(f"more than {OPEN_MAX} files overlap in time: the others are not "
                                "merged with them, but read behind them")  # fmt: skip
        self._is_crowded = True
        return False

    def _is_too_late(self, file: InputFile) -> bool:
        return self._frame_filter is not None and file.first_ns >= self._frame_filter.to_ns

    def _start(
        self, file: InputFile, pending: Iterable[InputFile], shared_by: int = 1
    ) -> FileReader:
        """Begin to read a file, which is merged with so many in all, before those that wait."""
        share = max(WINDOW_MIN, MERGING_BYTES // shared_by)
        frames = self._spare.pop() if self._spare else FrameBatch(self._cut.frames_max)
        reader = FileReader(file, frames, self._reading, min(self._cut.window_bytes, share))
        self._readers.append(reader)
        self._unpack(chain((file,), pending))
        return reader

    def _advance(self, reader: FileReader) -> bool:
        """Read on; at the end of the file, or when all is to end, it is closed."""
        if not self._closed and reader.advance(self._watermark_ns):
            return True
        self._end(reader)
        return False

    def _end(self, reader: FileReader) -> None:
        if reader in self._readers:
            self._readers.remove(reader)
            if self._folder is not None and reader.file.input.error is not None:
                self.notices.append(reader.file.input.error)
            self._spare.append(reader.frames)
            self._finished_bytes += reader.bytes_read
            self.bytes_read = self._finished_bytes
            reader.close()


def _next_timed(pending: deque[InputFile]) -> InputFile | None:
    """The first file that tells its first record's time."""
    return next((file for file in pending if file.first_ns != NO_TIME), None)


def _goes_beyond(frames: FrameBatch, time_ns: int) -> bool:
    """Return True if any of these frames is from after that time."""
    if not frames.count or frames.watermark_ns <= time_ns:
        return False
    return bool(frames.records["time_ns"][: frames.count].max() > time_ns)
