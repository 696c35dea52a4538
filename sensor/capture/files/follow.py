"""Folder: the files of a folder as they become whole, for a capture that rotates its files.

On Linux the kernel tells when a file that was written is closed, or one is moved into the folder.
Elsewhere, and for files that were there first and may still be written, a file counts as whole when
a newer one exists or nothing was written for a while.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import select
import stat
import struct
import sys
import time
from collections import deque
from dataclasses import dataclass
from io import FileIO

from sensor.base.escape import harmless
from sensor.capture.files.discover import inspect
from sensor.capture.files.errors import reason_of
from sensor.capture.files.probe import FileProbe
from sensor.capture.files.reader import InputFile, input_file
from sensor.capture.files.streams import open_stream, read_start
from sensor.compression.formats import DecompressError
from sensor.errors import CaptureError, ConfigError

# linux/inotify.h, linux/fcntl.h
IN_CLOSE_WRITE, IN_MOVED_TO, IN_DELETE_SELF, IN_MOVE_SELF = 0x8, 0x80, 0x400, 0x800
IN_Q_OVERFLOW, IN_IGNORED, IN_ONLYDIR = 0x4000, 0x8000, 0x0100_0000
EVENT = struct.Struct("iIII")
F_SETLEASE = 1024

STILL_S = 10.0
"""A file that did not change for so long is taken for whole."""
LOOK_S = 0.5
"""The period at which a folder is looked at where nothing reports changes."""
START_BYTES = 4096
"""First octets by which a file is known that was read under another name or uncompressed."""
HELD_MAX = 64
"""Files that are held open until they are read; of more at a time, some may be gone by then."""
STARTS_MAX = 1024
"""Files of which that is known; the oldest are forgotten."""


@dataclass(slots=True)
class _Waiting:
    """A file that may still be written."""

    size: int
    changed_ns: int
    since_s: float


class Folder:
    """Gives each capture of a folder once, when it is whole. What lies in folders below is not
    looked at, nor names that start with a dot.
    """

    def __init__(self, path: str, still_s: float = STILL_S, inotify: bool = True) -> None:
        """Errors: ConfigError if there is no such folder."""
        self.path = path
        self.left_out: list[str] = []
        """Files that grew after they had been read, in words."""
        self._still_s = still_s
        self._closed = False
        self._waiting: dict[str, _Waiting] = {}
        self._known: dict[str, tuple[int, int]] = {}
        self._starts: deque[bytes] = deque(maxlen=STARTS_MAX)
        self._given: deque[tuple[str, int, int, int]] = deque(maxlen=STARTS_MAX)
        self._grown: deque[str] = deque(maxlen=STARTS_MAX)
        try:
            if not stat.S_ISDIR(os.stat(path).st_mode):
                raise ConfigError(f"--follow {harmless(path)}: not a folder")
            self._events = _Events(path) if inotify and sys.platform == "linux" else None
        except (OSError, ValueError) as error:
            raise ConfigError(f"--follow {harmless(path)}: {reason_of(error)}") from None
        self._is_new = True

    def wait(self) -> list[InputFile] | None:
        """Wait for captures, or for something in `left_out`; None when the folder is gone or
        `close` was called.

        Errors: stand in the last one.
        """
        while not self._closed:
            try:
                found: list[InputFile] = []
                for path in self._whole():
                    if each := self._unread(path, len(found) < HELD_MAX):
                        found.append(each)
            except OSError as error:
                self._closed = True
                problem = CaptureError(self.path, reason_of(error))
                return [input_file(FileProbe(self.path, problem))]
            if found or self.left_out:
                return found
        return None

    def close(self) -> None:
        """Wait no longer."""
        self._closed = True

    def _whole(self) -> list[str]:
        """The paths that have become whole, after a while at the latest. Errors: OSError."""
        whole: list[str] = []
        if self._is_new:
            self._is_new = False
            whole += self._listed(self._events is not None)
        elif self._events is not None:
            names, lost = self._events.take(LOOK_S)
            whole += [os.path.join(self.path, name) for name in names]
            for path in whole:
                self._waiting.pop(path, None)
            if lost:
                whole += self._listed(True)
        else:
            time.sleep(LOOK_S)
            self._listed(False)
        return whole + self._settled()

    def _listed(self, ask_kernel: bool) -> list[str]:
        """Those of the files that were not met before that nobody writes to; others wait."""
        whole = []
        for name in os.listdir(self.path):
            path = os.path.join(self.path, name)
            try:
                status = os.stat(path)
            except OSError:
                continue  # gone, or a link to nothing
            state = (status.st_size, status.st_mtime_ns)
            if not stat.S_ISREG(status.st_mode) or self._known.get(path) == state:
                continue
            is_written = _is_written(path) if ask_kernel else None
            self._known[path] = state
            if is_written is None:
                self._waiting[path] = _Waiting(*state, time.monotonic())
            elif not is_written:
                whole.append(path)
        for path in [path for path in self._known if not os.path.lexists(path)]:
            del self._known[path]
        return whole

    def _settled(self) -> list[str]:
        """Those of the waiting files that have become whole."""
        newest = max((each.changed_ns for each in self._waiting.values()), default=0)
        settled = []
        for path, waiting in list(self._waiting.items()):
            try:
                status = os.stat(path)
            except OSError:
                del self._waiting[path]
                continue
            state = (status.st_size, status.st_mtime_ns)
            if state != (waiting.size, waiting.changed_ns):
                self._waiting[path] = _Waiting(*state, time.monotonic())
            elif waiting.changed_ns < newest or (
                time.monotonic() - waiting.since_s >= self._still_s
            ):
                del self._waiting[path]
                settled.append(path)
        return settled

    def _unread(self, path: str, hold: bool) -> InputFile | None:
        """The file, if it is a capture that was not read before; held open if wanted: `tcpdump -z`
        packs and removes it at once.
        """
        probe, start, held = None, b"", None
        try:
            status = os.stat(path)
            state = (path, status.st_ino, status.st_size, status.st_mtime_ns)
            if state in self._given:
                return None  # closed once more, or told twice
            grew = any(before[:2] == state[:2] and before[2] < state[2] for before in self._given)
            self._given.append(state)
            if not os.path.basename(path).startswith("."):
                found = inspect(path)
                if not found.foreign:
                    probe = found
                    start, held = _start_of(path, hold)
        except (OSError, DecompressError):
            # What is gone was packed, and comes once more; the rest is reported when it is read.
            return input_file(probe) if probe and os.path.lexists(path) else None
        if probe is not None and self._is_new_start(path, start, grew):
            return input_file(probe, held)
        if held is not None:
            held.close()
        return None

    def _is_new_start(self, path: str, start: bytes, grew: bool) -> bool:
        """Return True if no file was read yet that begins so; notes of a file, once, that it
        `grew`.
        """
        for before in self._starts:
            if start.startswith(before):
                grew = grew or len(before) < min(len(start), START_BYTES)
                if grew and path not in self._grown:
                    self._grown.append(path)
                    self.left_out.append(f"{path}: it grew after it had been read: read it again "
                                         "by itself")  # fmt: skip
                return False
        if has_frames(start):
            self._starts.append(start)
        return True


def _start_of(path: str, hold: bool) -> tuple[bytes, FileIO | None]:
    """The first octets of a file's content, and the file, at its start, if it is to be held open
    and is not compressed. Errors: OSError, DecompressError.
    """
    stream = open_stream(path)
    try:
        start = read_start(stream, START_BYTES)
        if hold and isinstance(stream, FileIO):
            stream.seek(0)
            return start, stream
    except (OSError, DecompressError):
        stream.close()
        raise
    stream.close()
    return start, None


def has_frames(start: bytes) -> bool:
    """Return True if a capture is more than its header: without frames many are alike."""
    return len(start) > (1024 if start[:4] == b"\x0a\x0d\x0d\x0a" else 24)


def _is_written(path: str) -> bool | None:
    """Return True if somebody has the file open to write; None if that cannot be told.

    A lease is only given for a file that nobody writes to.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            fcntl.fcntl(file, F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(file, F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return True if error.errno == errno.EAGAIN else None
    return False


class _Events:
    """Changes of a folder as the kernel reports them (inotify(7))."""

    def __init__(self, path: str) -> None:
        """Errors: OSError."""
        libc = ctypes.CDLL(None, use_errno=True)
        self._fileno = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        wanted = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR
        if self._fileno < 0 or libc.inotify_add_watch(self._fileno, os.fsencode(path), wanted) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        self._poll = select.poll()
        self._poll.register(self._fileno, select.POLLIN)

    def take(self, seconds: float) -> tuple[list[str], bool]:
        """Names of files that were closed or moved here, each once, and whether some were lost.

        Errors: OSError if the folder is gone.
        """
        self._poll.poll(int(seconds * 1000))
        octets = b""
        with contextlib.suppress(BlockingIOError):
            octets = os.read(self._fileno, 1 << 16)
        names: dict[str, None] = {}
        lost, at = False, 0
        while at < len(octets):
            _, mask, _, length = EVENT.unpack_from(octets, at)
            name = octets[at + EVENT.size : at + EVENT.size + length].rstrip(b"\0")
            at += EVENT.size + length
            if mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED):
                raise OSError(errno.ENOENT, "the folder is gone")
            lost = lost or bool(mask & IN_Q_OVERFLOW)
            if name:
                names.pop(os.fsdecode(name), None)
                names[os.fsdecode(name)] = None
        return list(names), lost
