"""Decode frames with the interpreted core, whatever is compiled beside it.

    python -m tests.unit.decode.interpreted < frames.json > records

Reads a JSON list of [link type, frame in hex, wire length]; writes the packet records' octets.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path

Case = tuple[int, str, int]


def source_only(package: str) -> None:
    """Let modules of `package` load from their sources alone, for the rest of this process."""
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.submodule_search_locations
    root = str(Path(next(iter(spec.submodule_search_locations))))

    def hook(path: str) -> FileFinder:
        if not str(path).startswith(root):
            raise ImportError(path)
        return FileFinder(path, (SourceFileLoader, [".py"]))

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()


def records_of(cases: list[Case]) -> bytes:
    """The packet records of the cases, one batch per link type in order of the numbers.

    Behind those of each batch come the records of the tunnels that its packets came through.
    """
    from sensor.memory.records import TUNNELS_MAX  # noqa: PLC0415
    from tests.unit.decode.batches import decode_all  # noqa: PLC0415  only once the hook is in

    octets = b""
    for link in sorted({case[0] for case in cases}):
        frames = [bytes.fromhex(case[1]) for case in cases if case[0] == link]
        wire = [case[2] for case in cases if case[0] == link]
        packets = decode_all(frames, link, wire=wire)
        octets += packets.records[: len(frames)].tobytes()
        for index, depth in enumerate(packets.records["tunnels"][: len(frames)].tolist()):
            first = index * TUNNELS_MAX
            octets += packets.tunnel_records[first : first + depth].tobytes()
    return octets


if __name__ == "__main__":
    source_only("sensor")
    records = records_of(json.load(sys.stdin))
    assert sys.modules["sensor.decode.ethernet"].__file__.endswith(".py")  # type: ignore[union-attr]
    sys.stdout.buffer.write(records)
