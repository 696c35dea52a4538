"""The manifest: what was read, what was cut out of it, why, and how to check it.

Nothing in it is of the moment at which it was made: the same captures give the same octets.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from io import FileIO
from pathlib import Path

from sensor._version import __version__
from sensor.base.escape import utf8_text
from sensor.capture.files.objects import is_object, open_object
from sensor.ecs.text import time_text
from sensor.errors import reason_of
from sensor.evidence.display_filter import flow_filter, frame_filter
from sensor.evidence.flow_file import FlowFile
from sensor.evidence.folder import KIND
from sensor.evidence.request import AlertNote
from sensor.evidence.wanted import WantedFlow
from sensor.memory.records import RecordArray
from sensor.model.addresses import address_text
from sensor.model.columns import Document
from sensor.model.flow import VERDICTS
from sensor.model.status import Input

DIGEST_BYTES = 4 << 20
FORMAT = 1
"""The version of the manifest's own form."""


def manifest_of(
    command: Sequence[str], sources: Sequence[Document], flows: Sequence[Document],
    not_found: Sequence[str], *, is_masked: bool,
) -> Document:
    """The whole manifest."""
    return {
        "kind": KIND,
        "format": FORMAT,
        "tool": {"name": "sensor", "version": __version__},
        "command": [utf8_text(word) for word in command],
        "is_masked": is_masked,
        "sources": list(sources),
        "flows": list(flows),
        "not_found": list(not_found),
    }


class SourceDigests:
    """The SHA-256 of files as they lie on the disk, computed on a thread of their own."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = list(dict.fromkeys(paths))
        self._found: dict[str, Document] = {}
        self._thread = threading.Thread(target=self._run, name="sensor-digests", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for path in self._paths:
            found: Document
            try:
                found = digest_of(path)
            except (OSError, ValueError) as error:
                found = {"error": reason_of(error)}
            self._found[path] = found

    def entries(self, inputs: Iterable[Input]) -> list[Document]:
        """A source for each input, in order of reading; waits until all files were read."""
        self._thread.join()
        return [{"path": utf8_text(entry.path), **self._found.get(entry.path, {}),
                 **({"error": utf8_text(entry.error)} if entry.error else {})}
                for entry in inputs]


def digest_of(path: str | Path) -> Document:
    """The size and the SHA-256 of a file. Errors: OSError, ValueError."""
    # In large pieces, as hashlib.file_digest does not: after each one the interpreter is asked for,
    # which the threads that read and cut need all the time.
    digest, size, buffer = hashlib.sha256(), 0, bytearray(DIGEST_BYTES)
    file = open_object(str(path)) if is_object(str(path)) else FileIO(path)
    with contextlib.closing(file), memoryview(buffer) as view:
        while count := file.readinto(view):
            digest.update(view[:count])
            size += count
    return {"bytes": size, "sha256": digest.hexdigest()}


def flow_entry(
    file: FlowFile, name: str, size: int, sha256: str, alerts: Sequence[AlertNote]
) -> Document:
    """A flow, the file that its frames are in, and where they come from."""
    return {
        "id": file.flow.id,
        "community_id": file.flow.community_id,
        "file": name,
        "bytes": size,
        "sha256": sha256,
        "packets": file.frames,
        **flow_facts(file.flow, file.first_ns, file.last_ns),
        "frames": [_frames_entry(path, file) for path in file.sources],
        "alerts": [asdict(alert) for alert in alerts],
    }


def flow_facts(flow: WantedFlow, first_ns: int, last_ns: int) -> Document:
    """What a flow was that has ended, with the times of its first and last frames."""
    record = flow.record
    assert record is not None, "every flow has ended"
    return {
        "first_packet": time_text(first_ns),
        "last_packet": time_text(last_ns),
        "source": _end_of(record, "orig"),
        "destination": _end_of(record, "resp"),
        "protocol": int(record["protocol"][0]),
        "verdict": VERDICTS[int(record["verdict"][0])],
        "display_filter": flow_filter(record, first_ns, last_ns),
    }


def _frames_entry(path: str, file: FlowFile) -> Document:
    numbers = file.sources[path]
    return {"path": utf8_text(path), "packets": numbers.count, "numbers": numbers.text(),
            "display_filter": frame_filter(numbers)}


def _end_of(record: RecordArray, end: str) -> Document:
    hi, lo = int(record[f"{end}_hi"][0]), int(record[f"{end}_lo"][0])
    return {"ip": address_text(hi, lo, int(record["ip_version"][0])),
            "port": int(record[f"{end}_port"][0])}
