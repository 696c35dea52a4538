"""A document that a rule selects, and what is read of a file of such."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sensor.config import EventLimits
from sensor.events.files import EventFiles

SECOND = 1_000_000_000
AT = "2026-01-02T03:04:05Z"
AT_NS = 1_767_323_045 * SECOND
TELNET = {
    "@timestamp": AT, "event": {"category": "network", "type": "connection"},
    "destination": {"port": 23},
}


def read(path: Path, content: bytes | list[Any], **limits: Any) -> tuple[list[Any], EventFiles]:
    """The documents of a file, and what was counted."""
    if isinstance(content, list):
        content = b"".join(json.dumps(line).encode() + b"\n" for line in content)
    path.write_bytes(content)
    files = EventFiles([str(path)], None, EventLimits(**limits))
    documents = [document for rows in files for document in rows.documents(range(rows.count))]
    return documents, files
