"""EvidenceFolder: a file for each flow, and the manifest, in a folder that holds nothing else.

Everything is written under other names first and renamed at the end, so that what was there before
stays until the new is whole. A folder that holds evidence of an earlier run is used again: its
files are replaced. One that holds anything else is refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import orjson

from sensor.base.escape import harmless
from sensor.errors import ConfigError, reason_of
from sensor.evidence.flow_file import FlowFile
from sensor.evidence.frame_copies import FrameCopy
from sensor.evidence.request import AlertNote
from sensor.evidence.wanted import WantedFlow
from sensor.model.columns import Document

MANIFEST = "manifest.json"
KIND = "sensor-evidence"
PART = re.compile(r"\.part-[0-9]+(\.[a-z]+)?")
OURS = re.compile(r"[0-9a-f]{32}(-[0-9]+)?\.pcapng")
"""The only names that a flow's file ever has: nothing from outside is in them."""
GATHERED_BYTES_MAX = 64 << 20
"""Octets of all flows that are gathered in memory; more goes into files beside."""
MANIFEST_BYTES_MAX = 1 << 30


class EvidenceFolder:
    """The folder of one run. Errors: ConfigError if it cannot be used."""

    def __init__(self, path: str, option: str) -> None:
        self.files: dict[WantedFlow, FlowFile] = {}
        """What was gathered, by flow."""
        self._path = Path(path)
        self.name = f"{option} {harmless(path)}"
        self._gathered_bytes = 0
        self._is_new = not self._path.exists()
        self._before = self._files_before()
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            self._remove_parts()
        except OSError as error:
            raise ConfigError(f"{self.name}: {reason_of(error)}") from None
        if not os.access(self._path, os.W_OK | os.X_OK):
            raise ConfigError(f"{self.name}: may not be written to")

    def _files_before(self) -> list[str]:
        """The files of an earlier run that are there. Errors: ConfigError for any other."""
        try:
            names = sorted(place.name for place in self._path.iterdir())
        except FileNotFoundError:
            return []
        except NotADirectoryError:
            raise ConfigError(
                f"{self.name}: a file has this name, or a part of it: give a folder") from None
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self.name}: {reason_of(error)}") from None
        names = [name for name in names if not PART.fullmatch(name)]
        ours = _listed(self._path / MANIFEST) if MANIFEST in names else frozenset()
        for name in names:
            if name not in ours:
                raise ConfigError(
                    f"{self.name}: holds {harmless(name)}, which is no evidence of an earlier run:"
                    " give a new or an empty folder")
        return names

    def add(self, flow: WantedFlow, frame: FrameCopy) -> None:
        """Take the next frame of a flow. Errors: OSError."""
        file = self.files.get(flow)
        if file is None:
            number = len(self.files)
            file = self.files[flow] = FlowFile(flow, number, self._path / f".part-{number}")
        self._gathered_bytes += file.add(frame)
        if self._gathered_bytes > GATHERED_BYTES_MAX:
            for each in self.files.values():
                if each.gathered_bytes:
                    each.flush()
            self._gathered_bytes = 0

    def write(self, flow: WantedFlow, alerts: Sequence[AlertNote], note: str = "") -> str:
        """Write the file of a flow, still under another name; its SHA-256. Errors: OSError.

        The file's comment ends with `note`.
        """
        return self.files[flow].write(self.written(flow), alerts, note)

    def size_of(self, flow: WantedFlow) -> int:
        """Octets of a file that was written."""
        return self.written(flow).stat().st_size

    def written(self, flow: WantedFlow) -> Path:
        """Where the file of a flow is until it has its name."""
        return self._path / f".part-{self.files[flow].number}.pcapng"

    def finish(self, names: dict[WantedFlow, str], manifest: Document) -> None:
        """Give every file its name, and write the manifest; what was there before goes.

        Errors: OSError.
        """
        whole = self._path / ".part-0.json"
        whole.write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n")
        for name in {MANIFEST, *self._before}.difference(names.values()):
            (self._path / name).unlink(missing_ok=True)
        for flow, name in names.items():
            self.written(flow).rename(self._path / name)
        whole.rename(self._path / MANIFEST)

    def discard(self) -> None:
        """Leave the folder as it was: the run came to nothing."""
        self.files.clear()
        try:
            self._remove_parts()
            if self._is_new:
                self._path.rmdir()
        except OSError:  # the disk is in trouble: the next run removes them
            return

    def _remove_parts(self) -> None:
        for place in self._path.iterdir():
            if PART.fullmatch(place.name):
                place.unlink()


def _listed(manifest: Path) -> frozenset[str]:
    """The files that a manifest of ours names, itself among them; empty: it is not ours."""
    try:
        if manifest.stat().st_size > MANIFEST_BYTES_MAX:
            return frozenset()
        found = orjson.loads(manifest.read_bytes())
    except (OSError, ValueError):
        return frozenset()
    if not isinstance(found, dict) or found.get("kind") != KIND:
        return frozenset()
    flows = found.get("flows")
    names = [flow.get("file") for flow in flows if isinstance(flow, dict)] if isinstance(
        flows, list) else []  # fmt: skip
    return frozenset({MANIFEST, *(name for name in names
                                  if isinstance(name, str) and OURS.fullmatch(name))})
