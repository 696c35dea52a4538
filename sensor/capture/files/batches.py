"""batches: the frames of one stream, as the reader of its format walks them."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from sensor.base.escape import harmless
from sensor.capture.files.errors import LOOK_BYTES, NOTE_LONG, NOTES, not_a_capture, reason_of
from sensor.capture.files.pcap import PcapReader
from sensor.capture.files.pcapng import PcapngReader
from sensor.capture.files.process_blocks import ProcessNotes
from sensor.capture.files.window import Window
from sensor.capture.interfaces import Interfaces
from sensor.compression.formats import DecompressError
from sensor.errors import CaptureError
from sensor.model.frames import FrameBatch
from sensor.model.processes import Processes

MAGIC_BYTES = 8
"""Octets that are looked at to choose a reader, or shown if there is none."""
PCAP, PCAPNG = "pcap", "pcapng"
FORMATS = {
    b"\xa1\xb2\xc3\xd4": PCAP,
    b"\xd4\xc3\xb2\xa1": PCAP,
    b"\xa1\xb2\x3c\x4d": PCAP,
    b"\x4d\x3c\xb2\xa1": PCAP,
    b"\xa1\xb2\xcd\x34": PCAP,
    b"\x34\xcd\xb2\xa1": PCAP,
    b"\x0a\x0d\x0d\x0a": PCAPNG,
}
"""The format of a file by its first four octets."""
READERS: dict[str, type[PcapReader] | type[PcapngReader]] = {
    PCAP: PcapReader, PCAPNG: PcapngReader,
}  # fmt: skip


def format_of(octets: bytes) -> str:
    """The format of a file that starts with these octets; empty: it is no capture."""
    return FORMATS.get(octets[:4], "")


def batches(  # noqa: PLR0913  most callers want neither of the last two
    window: Window, path: str, frames: FrameBatch, interfaces: Interfaces, last_ns: int,
    processes: Processes | None = None, *, notices: list[str] | None = None,
) -> Generator[None, None, None]:  # fmt: skip
    """Fill `frames` again and again with the frames of one stream, until it ends.

    `processes` takes those that the packets belong to, `notices` what was odd and is no damage.

    `window.at` is where the next one will go on. Errors: CaptureError at the end, with everything
    that was wrong: what stopped the reading first, then what was odd before.
    """
    fill(window, window.at, MAGIC_BYTES, path)
    reader_type = READERS.get(format_of(beginning(window)))
    if reader_type is None:
        raise CaptureError(path, foreign_to(window, path))
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
    notes = reader.notes()
    if notices is not None and notes and NOTES[NOTE_LONG] in notes[0]:
        notices.append(harmless(f"{path}: {notes.pop(0)}"))
    raise_all(path, problem, notes)


def beginning(window: Window) -> bytes:
    """The next `LOOK_BYTES` octets of the window, or as many as it holds."""
    return bytes(window.data[window.at : min(window.end, window.at + LOOK_BYTES)])


def foreign_to(window: Window, path: str) -> str:
    """Why no reader is for what stands in the window, however little the first read gave."""
    with contextlib.suppress(CaptureError):  # what it is counts, not where it is damaged
        fill(window, window.at, LOOK_BYTES, path)
    return not_a_capture(beginning(window), path)


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
