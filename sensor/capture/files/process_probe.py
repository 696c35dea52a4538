"""Whether capture files tell of processes, found out before they are read."""

from __future__ import annotations

from collections.abc import Iterable

from sensor.capture.files.discover import discover
from sensor.capture.files.reader import batches
from sensor.capture.files.streams import STANDARD_INPUT, open_stream
from sensor.capture.files.window import Window
from sensor.capture.interfaces import Interfaces
from sensor.errors import CaptureError
from sensor.model.frames import FrameBatch
from sensor.model.processes import Processes

LOOK_BYTES = 256 * 1024
"""What is looked at of each file, at least: the recorders that tell do so from the beginning."""


def tells_processes(paths: Iterable[str]) -> bool:
    """Whether any of the files tells of a process near its beginning.

    Pipes and standard input are left alone: True only for what can be read twice.
    """
    return any(
        found.error is None and found.size is not None and found.path != STANDARD_INPUT
        and _tells(found.path)
        for found in discover(paths).found
    )


def _tells(path: str) -> bool:
    processes = Processes()
    try:
        window = Window(open_stream(path), window_bytes=LOOK_BYTES // 4, ahead=0)
    except (OSError, ValueError):
        return False  # met again, and reported, when it is read
    try:
        for _ in batches(window, path, FrameBatch(), Interfaces(), 0, processes):
            if len(processes):
                return True
            if window.base + window.at > LOOK_BYTES:
                return False
    except CaptureError:
        pass  # likewise
    finally:
        window.close()
    return bool(len(processes))
