"""discover: which files a run reads, from the paths that the operator gave."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import FileIO

from sensor.capture.files.streams import STANDARD_INPUT, start_of
from sensor.compression.stream import DecompressError
from sensor.errors import CaptureError

MAGIC_BYTES = 8
PCAP_MAGICS = (
    b"\xa1\xb2\xc3\xd4",
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x4d\x3c\xb2\xa1",
    b"\xa1\xb2\xcd\x34",
    b"\x34\xcd\xb2\xa1",
)
PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
CAPTURE_NAMES = (".pcap", ".pcapng", ".cap", ".ntar", ".dmp")


@dataclass(slots=True)
class Found:
    """One path to read, or why it cannot be."""

    path: str
    error: CaptureError | None = None
    size: int | None = None
    """Octets, None where they are not known (a pipe)."""
    file: FileIO | None = None
    """The file, open at its start, where it may be gone before its turn comes."""


@dataclass(slots=True)
class Discovery:
    """Everything that the given paths stand for, in the order given."""

    found: list[Found] = field(default_factory=list)
    skipped: int = 0
    """Files in directories that are not captures."""


def discover(paths: Iterable[str | os.PathLike[str]]) -> Discovery:
    """Expand files, directories, globs and `-`. Errors: stand in the result, never raised."""
    discovery = Discovery()
    for given in paths:
        path = os.fspath(given)
        for each in _expand(path):
            _add(discovery, each)
    return discovery


def _expand(path: str) -> list[str]:
    """What a glob stands for; a path that exists is itself, whatever characters it has."""
    if path == STANDARD_INPUT or os.path.lexists(path) or not glob.has_magic(path):
        return [path]
    return sorted(glob.glob(path, recursive=True)) or [path]


def _add(discovery: Discovery, path: str) -> None:
    if path == STANDARD_INPUT:
        discovery.found.append(Found(path))
        return
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = "no file matches" if glob.has_magic(path) else reason_of(error)
        discovery.found.append(Found(path, CaptureError(path, reason)))
        return
    if stat.S_ISDIR(status.st_mode):
        _add_directory(discovery, path)
    else:
        size = status.st_size if stat.S_ISREG(status.st_mode) else None
        discovery.found.append(Found(path, None, size))


def _add_directory(discovery: Discovery, directory: str) -> None:
    """Add every capture below a directory: told by content, those that cannot be read included."""
    before = len(discovery.found)
    skipped = 0
    for path in _files_below(directory, discovery):
        found = inspect(path)
        if found is None:
            skipped += 1
        else:
            discovery.found.append(found)
    discovery.skipped += skipped
    if len(discovery.found) == before:
        others = f" ({skipped} other files)" if skipped else ""
        error = CaptureError(directory, f"no captures in this directory{others}")
        discovery.found.append(Found(directory, error))


def _files_below(directory: str, discovery: Discovery) -> Iterator[str]:
    """The files in a directory and below, sorted; links to directories are not followed."""

    def unreadable(error: OSError) -> None:
        path = str(error.filename)
        discovery.found.append(Found(path, CaptureError(path, reason_of(error))))

    for place, folders, names in os.walk(directory, onerror=unreadable):
        folders.sort()
        for name in sorted(names):
            yield os.path.join(place, name)


def inspect(path: str) -> Found | None:
    """A capture by its first octets, or one that cannot be told; None: something else.

    A compressed file is told by its content. If that is damaged it is taken for a capture if its
    name says so: what is wrong with it is then reported.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return None  # opening a pipe or a device could wait for ever
        octets = start_of(path, MAGIC_BYTES)
    except OSError as error:
        return Found(path, CaptureError(path, reason_of(error)))
    except DecompressError:
        named = any(part in os.path.basename(path).lower() for part in CAPTURE_NAMES)
        return Found(path, None, status.st_size) if named else None
    return Found(path, None, status.st_size) if is_capture(octets) else None


def is_capture(octets: bytes) -> bool:
    """Whether a file that starts with these octets is pcap or pcapng."""
    return octets[:4] in PCAP_MAGICS or octets[:4] == PCAPNG_MAGIC


def reason_of(error: Exception) -> str:
    """The machine's words for what went wrong, without the path."""
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror.lower()}"
    return f"cannot be read: {error}"
