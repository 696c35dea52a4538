"""LiveFiles: the files of flows that alert in a live run, written by a thread of their own.

A file grows while its flow goes on. When the flow is over, a line in the index says what the file
is. The disk is bounded: the oldest files are removed.
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

import orjson

from sensor.base.escape import harmless
from sensor.errors import ConfigError, reason_of
from sensor.evidence.folder import OURS
from sensor.model.columns import Document

INDEX, INDEX_BEFORE = "index.ndjson", "index.before.ndjson"
INDEX_BYTES_MAX = 64 << 20
WAITING_BYTES_MAX = 64 << 20
"""Octets that wait for the disk; what comes beyond them is left out."""
CLOSE_S = 10.0
"""How long the end of a run waits for the disk."""


class _Task(NamedTuple):
    """Octets for the end of a file, or the last word on it."""

    name: str
    octets: bytes
    entry: Document | None


class LiveFiles:
    """The folder of a live run. Errors: ConfigError if it cannot be used."""

    def __init__(self, path: str, disk_bytes: int) -> None:
        self.name = f"--evidence {harmless(path)}"
        self.error: str | None = None
        """What is wrong with the disk now."""
        self.removed = 0
        """Files that gave way to newer ones."""
        self.failed = 0
        """Pieces that could not be written."""
        self._path = Path(path)
        self._disk_bytes = disk_bytes
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._digests: dict[str, hashlib._Hash] = {}
        self._broken: set[str] = set()
        """Files that lack something."""
        self._sizes = self._sizes_before()
        self._bytes = sum(self._sizes.values())
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sensor-evidence", daemon=True)
        self._thread.start()

    def _sizes_before(self) -> dict[str, int]:
        """The files of earlier runs, the oldest first. Errors: ConfigError."""
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            found = [(place.stat().st_mtime_ns, place.name, place.stat().st_size)
                     for place in self._path.iterdir()]
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self.name}: {reason_of(error)}") from None
        for _, name, _ in found:
            if not OURS.fullmatch(name) and name not in (INDEX, INDEX_BEFORE):
                raise ConfigError(f"{self.name}: holds {harmless(name)}, which is no evidence of a"
                                  " live run: give a new or an empty folder")
        if not os.access(self._path, os.W_OK | os.X_OK):
            raise ConfigError(f"{self.name}: may not be written to")
        return {name: size for _, name, size in sorted(found) if OURS.fullmatch(name)}

    def put(self, name: str, octets: bytes) -> bool:
        """Have octets written at the end of a file, in any thread; False: there is no room."""
        with self._lock:
            if self._waiting_bytes + len(octets) > WAITING_BYTES_MAX:
                self.failed += 1
                self._broken.add(name)
                return False
            self._waiting_bytes += len(octets)
        self._tasks.put(_Task(name, octets, None))
        return True

    def end(self, name: str, entry: Document) -> None:
        """Have a line of the index written: nothing more comes for the file, or there is news."""
        self._tasks.put(_Task(name, b"", entry))

    def close(self) -> None:
        """Write what waits; a disk that hangs is given up after a while."""
        self._tasks.put(None)
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                if task.entry is None:
                    self._append(task.name, task.octets)
                else:
                    self._write_entry(task.name, task.entry)
                self.error = None
            except OSError as error:
                self.failed += 1
                self._broken.add(task.name)
                self.error = f"{self.name}: {reason_of(error)}"
            with self._lock:
                self._waiting_bytes -= len(task.octets)

    def _append(self, name: str, octets: bytes) -> None:
        if name in self._broken:
            return  # a file with a hole in it could not be read behind it
        is_new = name not in self._digests
        with open(self._path / name, "wb" if is_new else "ab", buffering=0) as file:
            before = file.tell()
            if file.write(octets) != len(octets):
                file.truncate(before)  # the disk is full: what is there stays readable
                raise OSError("the disk is full")
        if is_new:  # what had this name before is gone
            self._bytes -= self._sizes.pop(name, 0)
        self._digests.setdefault(name, hashlib.sha256()).update(octets)
        self._sizes[name] = self._sizes.get(name, 0) + len(octets)
        self._bytes += len(octets)
        while self._bytes > self._disk_bytes and len(self._sizes) > 1:
            self._remove(next(iter(self._sizes)))

    def _remove(self, name: str) -> None:
        self._bytes -= self._sizes.pop(name)
        (self._path / name).unlink(missing_ok=True)
        if name in self._digests:  # of what follows, no file could be read without its beginning
            self._broken.add(name)
        self.removed += 1

    def _write_entry(self, name: str, entry: Document) -> None:
        digest = self._digests.pop(name, None)
        if digest is not None:
            entry = {**entry, "is_whole": entry["is_whole"] and name not in self._broken,
                     "bytes": self._sizes.get(name, 0), "sha256": digest.hexdigest()}
        self._broken.discard(name)
        place = self._path / INDEX
        with open(place, "ab") as file:
            file.write(orjson.dumps(entry) + b"\n")
            size = file.tell()
        if size > INDEX_BYTES_MAX:
            place.replace(self._path / INDEX_BEFORE)
