"""The ECS documents of protocol events: what was said, and of the flow what tells which it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sensor.ecs.event_batch import value_at
from sensor.ecs.field import put_at
from sensor.ecs.flow_batch import FlowBatch
from sensor.ecs.protocol_fields import FROM_THE_FLOW
from sensor.ecs.schema import context_names
from sensor.ecs.text import time_text
from sensor.model.columns import Document
from sensor.model.flow import FlowContext
from sensor.protocols import AnalyzedProtocol
from sensor.protocols.analyzer import ProtocolEvent

WHOLE = ("process", "user", "container", "orchestrator", "host", "sensor.process", "sensor.tunnel")
"""Objects of a flow's document that an event of it has too."""
OF_THE_DECISION = ("sensor.capture.frame", "sensor.capture.file")
"""Of a flow's document: where its verdict was decided. An event has its own."""


@dataclass(frozen=True, slots=True)
class FlowPart:
    """The members of a flow's document that its events have, by dotted names."""

    fields: Mapping[str, Any]
    context: FlowContext


def flow_parts(
    context: FlowContext, clock: Callable[[], int] | None
) -> Callable[[Any], FlowPart]:
    """A function that makes the part of a flow record; `clock` is the wall clock of a live run.

    Records are as the table has them: their events say themselves who logs in.
    """
    context = replace(context, logins=None)

    def part(record: Any) -> FlowPart:
        created_ns = clock() if clock is not None else 0
        records = np.frombuffer(bytearray(record.tobytes()), record.dtype)
        document = FlowBatch(records, context, created_ns).document(0)
        names = (name for name in (*FROM_THE_FLOW, *WHOLE) if name not in OF_THE_DECISION)
        fields = {name: value for name in names if (value := value_at(document, name)) is not None}
        return FlowPart(fields, context)

    return part


def document_of(
    event: ProtocolEvent, protocol: AnalyzedProtocol, flow: FlowPart, number: int
) -> Document:
    """The document of an event, the `number`-th of its flow."""
    dataset = f"network_traffic.{protocol.name}"
    fields = {
        **flow.fields,
        "@timestamp": time_text(event.moment.time_ns),
        "event.type": ["info", "protocol"],
        "event.dataset": dataset,
        "event.action": event.action,
        "event.id": f"{flow.fields['flow.id']}-{protocol.name}-{number}",
        "data_stream.dataset": dataset,
        **({"network.protocol": protocol.name} if event.is_proven else {}),
        **event.fields,
    }
    if event.moment.frame:
        fields["sensor.capture.frame"] = event.moment.frame
        files = context_names(flow.context, "files")
        if event.moment.file < len(files):
            fields["sensor.capture.file"] = files[event.moment.file]
    document: Document = {}
    for name, value in fields.items():
        put_at(document, name, value)
    return document
