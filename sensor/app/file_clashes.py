"""No file is written that the run reads, or that it also writes for something else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl

from sensor.app.options import ReplayOptions, RunOptions
from sensor.base.escape import harmless
from sensor.capture.files.discover import Discovery, discover
from sensor.capture.files.objects import is_object
from sensor.errors import ConfigError
from sensor.rules.files import find_files

NamedFile = tuple[str, str]
"""An option, and the path behind it."""


def check_run(options: RunOptions, captures: Discovery | None = None) -> None:
    """Errors: ConfigError where the files of a run clash, before any is opened for writing."""
    written = files_written(options)
    if written:
        check_files(written, files_read(options, captures))


def files_written(options: RunOptions) -> list[NamedFile]:
    """The files that the options of a run have written."""
    named = (("--alerts", options.alerts), ("--flows", options.flows),
             ("--protocol-events", options.protocol_events), ("--stats", options.stats))
    return [(option, path) for option, path in named if path]


def files_read(options: RunOptions, captures: Discovery | None = None) -> Iterator[NamedFile]:
    """The files that a run reads: what is in the folders that are named is looked for."""
    if captures is not None:
        yield from (("PATH", probe.path) for probe in captures.probes)
    if isinstance(options, ReplayOptions):
        yield from (("--events", path) for path in options.events)
        if options.follow:
            yield from (("--follow", probe.path) for probe in discover([options.follow]).probes)
    yield from (("--rules", str(path)) for path in find_files(options.rules)[0])
    for option, paths in (("--exceptions", options.exceptions), ("--allow", options.allow),
                          ("--indicators", options.indicators)):  # fmt: skip
        yield from ((option, path) for path in paths)
    for option, path in (("--hash-key-file", options.hash_key_file),
                         ("--config", options.settings_file)):  # fmt: skip
        if path:
            yield option, path
    for option, urls in (("--elasticsearch", options.elasticsearch), ("--kafka", options.kafka),
                         ("--syslog", options.syslog)):  # fmt: skip
        for name, path in (pair for url in urls for pair in parse_qsl(url.partition("?")[2])):
            if name.endswith("file"):  # a secret or certificates
                yield f"{option} {name}", path


def check_files(written: Iterable[NamedFile], read: Iterable[NamedFile]) -> None:
    """Errors: ConfigError for an output that is an input, or one file with another output."""
    outputs: dict[object, NamedFile] = {}
    for option, path in written:
        same = _identity(path)
        if same is not None and outputs.setdefault(same, (option, path))[0] != option:
            raise ConfigError(f"{_shown(*outputs[same])} and {_shown(option, path)} are one file:"
                              " give each output a file of its own")
    if not outputs:
        return
    for option, path in read:
        if (output := outputs.get(_identity(path))) is not None:
            raise ConfigError(f"{_shown(*output)} and {_shown(option, path)} are one file: what is"
                              " read there would be written over; give the output another one")


def _identity(path: str) -> object:
    """The same for all names of a file, and for all of one that is not there yet; None for what
    several may share: devices, pipes, folders, standard streams, object stores.
    """
    if path == "-" or is_object(path):
        return None
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return os.path.realpath(path)
    except (OSError, ValueError):  # said where it is opened
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def _shown(option: str, path: str) -> str:
    return f"{option} {harmless(path)}"
