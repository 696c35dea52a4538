"""The captured sessions: who said what when, by connection, and the truth about them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sensor.protocols.analyzer import CLIENT, SERVER
from tests.running import CAPTURES
from tests.segments import in_order, read, segment_of

FOLDER = CAPTURES / "sessions"


class Said(NamedTuple):
    """A segment's octets."""

    time_ns: int
    side: int
    octets: bytes


@cache
def truth() -> list[dict[str, Any]]:
    """The captures in order, each with its sessions, which have what holds for all of them."""
    captures: list[dict[str, Any]] = tomllib.loads((FOLDER / "truth.toml").read_text())["capture"]
    for capture in captures:
        capture["session"] = [capture.get("all", {}) | one for one in capture["session"]]
    return captures


@cache
def conversations(path: Path) -> dict[int, list[Said]]:
    """What was said in each connection of a capture without losses, by the client's port."""
    found: dict[int, list[Said]] = {}
    following: dict[bytes, int] = {}
    for frame in in_order(read(path)):
        segment = segment_of(frame)
        if segment is None:
            continue
        source, number, payload = b"".join(segment.ends), segment.number, segment.payload
        if payload and number >= following.get(source, 0):
            following[source] = number + len(payload)
            port = int.from_bytes(segment.connection[0][-2:])
            found.setdefault(port, []).append(
                Said(frame.time_ns, CLIENT if segment.by_client else SERVER, payload))
    return found
