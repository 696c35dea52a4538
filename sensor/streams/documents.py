"""The ECS documents of protocol events: what was said, and of the flow what tells which it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson

from sensor.ecs.field import put_at
from sensor.ecs.flow_batch import FlowBatch
from sensor.ecs.protocol_fields.flow import FROM_THE_FLOW
from sensor.ecs.text import time_text
from sensor.memory.records import FLOW_LAYOUT
from sensor.model.columns import Document
from sensor.model.flow import FlowContext
from sensor.protocols import AnalyzedProtocol
from sensor.protocols.analyzer import ProtocolEvent

OF_THE_EVENT = ("@timestamp", "event.type", "event.dataset", "event.action", "event.id",
                "data_stream.dataset", "sensor.capture.frame", "sensor.capture.file")  # fmt: skip
"""Of the fields that events have as flows do, those whose values are their own."""
ANCHOR = "sensor.flow.verdict"
"""An object of a document needs a member; this one gives way once processes and tunnels are in."""
RELATED = "related.ip"
OF_THE_FLOW = frozenset(FROM_THE_FLOW) - frozenset(OF_THE_EVENT) | {ANCHOR}


@dataclass(slots=True)
class FlowPart:
    """The members of a flow's document that its events have; `FlowParts.fill` writes them."""

    record: bytes
    """The flow, as it is in the table."""
    line: bytes = b""
    """Its document, as JSON: cheaper to read for each event than to copy object by object."""


class FlowParts:
    """Makes parts of flow records. Documents of many flows at once cost little more than one."""

    def __init__(self, context: FlowContext, clock: Callable[[], int] | None = None) -> None:
        """`clock` is the wall clock of a live run.

        Records are as the table has them: their events say themselves who logs in.
        """
        self.context = replace(context, logins=None, fields=OF_THE_FLOW)
        self._clock = clock
        self._empty: list[FlowPart] = []

    def of(self, record: Any) -> FlowPart:
        """The part of a flow as it is now; it has no document before `fill`."""
        part = FlowPart(record.tobytes())
        self._empty.append(part)
        return part

    def fill(self) -> None:
        """Write the documents of all parts since the last call."""
        parts, self._empty = self._empty, []
        if not parts:
            return
        octets = bytearray(b"".join(part.record for part in parts))
        created_ns = self._clock() if self._clock is not None else 0
        flows = FlowBatch(np.frombuffer(octets, FLOW_LAYOUT.dtype), self.context, created_ns)
        for part, line in zip(parts, flows.to_json_lines().splitlines(), strict=True):
            part.line = line


def document_of(
    event: ProtocolEvent, protocol: AnalyzedProtocol, flow: FlowPart, number: int,
    files: Sequence[str],
) -> Document:
    """The document of an event, the `number`-th of its flow, by a part that is filled."""
    of_flow = orjson.loads(flow.line)
    sensor = of_flow.pop("sensor")
    del sensor["flow"]
    document: dict[str, Any] = {"@timestamp": time_text(event.moment.time_ns), **of_flow}
    protocol_name = event.protocol or protocol.name
    dataset = f"network_traffic.{protocol_name}"
    document["event"] |= {
        "type": ["info", "protocol"],
        "dataset": dataset,
        "action": event.action,
        "id": f"{document['flow']['id']}-{protocol_name}-{number}",
    }
    document["data_stream"]["dataset"] = dataset
    if event.is_proven:
        document["network"]["protocol"] = protocol_name
    for name, value in event.fields.items():
        if name != RELATED:
            put_at(document, name, value)
        elif isinstance(value, list):  # beside the flow's own
            document["related"]["ip"] = list(dict.fromkeys((*document["related"]["ip"], *value)))
    if event.began_ns:
        document["event"] |= {
            "start": time_text(event.began_ns),
            "end": document["@timestamp"],
            "duration": max(event.moment.time_ns - event.began_ns, 0),
        }
    if event.moment.frame:
        sensor["capture"] = {"frame": event.moment.frame}
        if event.moment.file < len(files):
            sensor["capture"]["file"] = files[event.moment.file]
    sensor |= document.pop("sensor", {})  # what the analyzer has there stays beside it
    if sensor:
        document["sensor"] = sensor
    return document
