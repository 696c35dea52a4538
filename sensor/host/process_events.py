"""The documents of process events: a process started, ended, or was there already.

They are ECS documents like those of flows and go through the same rules; `host.*`, `process.*` and
`user.*` are the same objects as in the documents of the process's flows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from sensor.ecs.field import nested
from sensor.ecs.process_fields import PROCESS_FIELDS
from sensor.ecs.schema import ECS_VERSION
from sensor.ecs.text import time_text
from sensor.model.columns import Document
from sensor.model.processes import Process, clean

DATASET = "sensor.process"
MODULE = "sensor"


@dataclass(frozen=True, slots=True)
class Happening:
    """An event in the life of a process, as ECS has it."""

    action: str
    types: tuple[str, ...]
    reason: str = ""
    """An inference, for whoever reads the document."""


STARTED = Happening("process_started", ("start",))
ENDED = Happening("process_stopped", ("end",))
FIRST_OPENED = Happening(
    "process_started", ("start",),
    "inferred: its first packet in the capture opens a connection; the start was not recorded",
)  # fmt: skip
FIRST_SEEN = Happening(
    "existing_process", ("info",),
    "its first packet in the capture opens no connection: it may have been running long before",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Observer:
    """The sensor that tells."""

    hostname: str
    version: str


def process_event(
    process: Process, happening: Happening, time_ns: int, observer: Observer,
    *, created_ns: int = 0, exit_code: int | None = None,
) -> Document:  # fmt: skip
    """One process event as a nested ECS document."""
    document: dict[str, Any] = nested(PROCESS_FIELDS, process)
    event: Document = {
        "kind": "event", "category": ["process"], "type": list(happening.types),
        "action": happening.action, "module": MODULE, "dataset": DATASET,
        "provider": process.source, "id": _event_id(process, happening, time_ns),
    }  # fmt: skip
    if happening.reason:
        event["reason"] = happening.reason
    if created_ns:
        event["created"] = time_text(created_ns)
    if exit_code is not None:
        document.setdefault("process", {})["exit_code"] = exit_code
    document |= {
        "@timestamp": time_text(time_ns),
        "event": event,
        "ecs": {"version": ECS_VERSION},
        "data_stream": {"type": "logs", "dataset": DATASET, "namespace": "default"},
        "observer": {"type": "sensor", "product": "flow-sensor",
                     "hostname": clean(observer.hostname), "version": observer.version},
    }  # fmt: skip
    if process.user_name:
        document["related"] = {"user": [clean(process.user_name)]}
    return document


def _event_id(process: Process, happening: Happening, time_ns: int) -> str:
    """The same for the same process and event, whoever reads the capture."""
    words = f"{process.entity_id} {process.pid} {happening.action} {happening.types} {time_ns}"
    return hashlib.sha256(words.encode()).hexdigest()[:32]
