"""discover: which files a run reads, from the paths that the operator gave."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sensor.capture.files.errors import reason_of
from sensor.capture.files.objects import is_object, list_objects
from sensor.capture.files.probe import FileProbe, probe_file
from sensor.capture.files.streams import STANDARD_INPUT
from sensor.compression.formats import DecompressError
from sensor.errors import CaptureError

CAPTURE_NAMES = (".pcap", ".pcapng", ".cap", ".ntar", ".dmp")


@dataclass(slots=True)
class Discovery:
    """Everything that the given paths stand for, in the order given."""

    probes: list[FileProbe] = field(default_factory=list)
    left_out: list[FileProbe] = field(default_factory=list)
    """Files in directories that are not captures, each with its reason."""

    @property
    def has_standard_input(self) -> bool:
        return any(probe.path == STANDARD_INPUT for probe in self.probes)

    @property
    def has_pipe(self) -> bool:
        """True if there is one input alone, and it is a pipe: it may be a live one."""
        return len(self.probes) == 1 and self.probes[0].size is None and not self.probes[0].error

    @property
    def has_process_info(self) -> bool:
        """True if any of the files has process info near its beginning; pipes are not looked at."""
        return any(probe.has_process_info for probe in self.probes)


def discover(paths: Iterable[str | os.PathLike[str]]) -> Discovery:
    """Expand files, directories, globs, `-` and `s3://`. Errors: stand in the result; ConfigError
    for a wrong URL.
    """
    discovery = Discovery()
    for given in paths:
        path = os.fspath(given)
        expanded = _expand(path)
        for each in expanded:
            _add(discovery, each, by_name=expanded == [path])
    return discovery


def _expand(path: str) -> list[str]:
    """Return the paths that a glob stands for; a path that exists stands for itself."""
    is_one = path == STANDARD_INPUT or is_object(path) or os.path.lexists(path)
    if is_one or not glob.has_magic(path):
        return [path]
    return sorted(glob.glob(path, recursive=True)) or [path]


def _add(discovery: Discovery, path: str, by_name: bool) -> None:
    """Add what a path stands for; a pipe that only a glob found would be waited for in vain."""
    if path == STANDARD_INPUT:
        discovery.probes.append(FileProbe(path))
        return
    if is_object(path):
        _add_objects(discovery, path)
        return
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = "no file matches" if glob.has_magic(path) else reason_of(error)
        discovery.probes.append(FileProbe(path, CaptureError(path, reason)))
        return
    if stat.S_ISDIR(status.st_mode):
        _add_directory(discovery, path)
    elif stat.S_ISREG(status.st_mode):
        _add_file(discovery, path, status.st_size)
    elif by_name:
        discovery.probes.append(FileProbe(path))
    else:
        problem = CaptureError(path, "a pipe or device, not read: name it by itself")
        discovery.probes.append(FileProbe(path, problem))


def _add_file(discovery: Discovery, path: str, size: int) -> None:
    """Add a file that is named, whatever is in it."""
    try:
        discovery.probes.append(probe_file(path, size))
    except (OSError, DecompressError):  # met again, and reported, when it is read
        discovery.probes.append(FileProbe(path, None, size))


def _add_objects(discovery: Discovery, url: str) -> None:
    """Add an object, or every capture among those below a prefix. Errors: ConfigError."""
    try:
        found = list_objects(url)
    except OSError as error:
        discovery.probes.append(FileProbe(url, CaptureError(url, reason_of(error))))
        return
    if [path for path, _ in found] == [url]:
        _add_file(discovery, *found[0])
        return
    probes = [_inspected(path, size) for path, size in found]
    captures = [probe for probe in probes if not probe.foreign]
    discovery.left_out += [probe for probe in probes if probe.foreign]
    if not captures:
        error_text = f"no captures under this prefix ({len(found)} other objects)"
        captures = [FileProbe(url, CaptureError(url, error_text))]
    discovery.probes += captures


def _add_directory(discovery: Discovery, directory: str) -> None:
    """Add every capture below a directory, by content; also those that cannot be read."""
    before = len(discovery.probes)
    left_out_before = len(discovery.left_out)
    for path in _files_below(directory, discovery):
        probe = inspect(path)
        (discovery.left_out if probe.foreign else discovery.probes).append(probe)
    if len(discovery.probes) == before:
        left_out = len(discovery.left_out) - left_out_before
        others = f" ({left_out} other files: -v names them)" if left_out else ""
        error = CaptureError(directory, f"no captures in this directory{others}")
        discovery.probes.append(FileProbe(directory, error))


def _files_below(directory: str, discovery: Discovery) -> Iterator[str]:
    """The files in a directory and below, sorted; links to directories are not followed."""

    def unreadable(error: OSError) -> None:
        path = str(error.filename)
        discovery.probes.append(FileProbe(path, CaptureError(path, reason_of(error))))

    for place, folders, names in os.walk(directory, onerror=unreadable):
        folders.sort()
        for name in sorted(names):
            yield os.path.join(place, name)


def inspect(path: str) -> FileProbe:
    """The probe of a file; `foreign` says why it is no capture, if it can be read and is none.

    What counts of a compressed file is its content. If that is damaged it is taken for a capture if
    its name is one of a capture: the damage is then reported.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            # Opening it could wait for ever.
            return FileProbe(path, foreign="a pipe, a socket or a device")
    except OSError as error:
        return FileProbe(path, CaptureError(path, reason_of(error)))
    return _inspected(path, status.st_size)


def _inspected(path: str, size: int) -> FileProbe:
    """The probe of a file that can be opened without waiting."""
    try:
        return probe_file(path, size)
    except OSError as error:
        return FileProbe(path, CaptureError(path, reason_of(error)))
    except DecompressError:
        named = any(part in os.path.basename(path).lower() for part in CAPTURE_NAMES)
        foreign = "" if named else "damaged at its beginning, and not named as a capture is"
        return FileProbe(path, None, size, foreign=foreign)
