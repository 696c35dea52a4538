"""Alerts, flow records and protocol events to Kafka (`--kafka BROKERS/TOPIC`).

Each is a record whose value is its ECS document and whose key is the Community ID, so that all that
is told of a connection is in one partition, in order. Flow records and protocol events go to the
topic, alerts to the one with `.alerts` behind its name.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence

from sensor.config import Config
from sensor.ecs.alert_text import json_line
from sensor.ecs.event_batch import EventBatch
from sensor.ecs.field_text import value_at
from sensor.ecs.flow_batch import FlowBatch
from sensor.ecs.identifiers import COMMUNITY, identifiers_of
from sensor.model.alert import Alert
from sensor.model.columns import Document
from sensor.model.status import Notice
from sensor.sinks.base import Batch
from sensor.sinks.delivery.direct_writer import DirectWriter
from sensor.sinks.kafka.transport import SEPARATOR, KafkaTransport
from sensor.sinks.kafka.url import parse_address
from sensor.sinks.syslog.formats import Origin
from sensor.sinks.syslog.notices import notice_document

ALERTS, RECORDS = ".alerts", ""
"""What stands behind the name of the topic."""
KEY_CHARACTERS = frozenset("0123456789:+/="
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


class KafkaWire:
    """Records for one topic, and the way there."""

    def __init__(self, brokers: str, topic: str, transport: KafkaTransport) -> None:
        self.name = f"kafka {brokers}/{topic}"
        self.place = f"Kafka at {brokers}"
        self.transport = transport
        self._origin = Origin(socket.gethostname(), pid=os.getpid())

    def render(self, alert: Alert) -> bytes:
        return _of_document(alert.document)

    def render_notice(self, notice: Notice) -> bytes:
        return _of_document(notice_document(notice, self._origin, notice.text))

    def render_records(self, batches: Sequence[Batch]) -> bytes:
        return b"".join(lines_of(batches))


def lines_of(batches: Sequence[Batch]) -> Iterator[bytes]:
    """A line for each record: key, separator, value."""
    for batch in batches:
        if isinstance(batch, FlowBatch):
            keys = identifiers_of(batch.records, COMMUNITY)
            lines = batch.to_json_lines().splitlines(keepends=True)
            for key, line in zip(keys, lines, strict=True):
                yield key.encode() + SEPARATOR + line
        elif isinstance(batch, EventBatch):
            yield from map(_of_document, batch.documents)


def _of_document(document: Document) -> bytes:
    """The line of one document; what is no Community ID, in an alert from elsewhere, is no key."""
    key = str(value_at(document, "network.community_id") or "")
    if not KEY_CHARACTERS.issuperset(key):
        key = ""
    return key.encode() + SEPARATOR + json_line(document)


def kafka_wire(target: str, config: Config, suffix: str) -> KafkaWire:
    """The wire to the topic of a target. Errors: ConfigError."""
    address = parse_address(target)
    topic = address.topic + suffix
    transport = KafkaTransport(address, topic, config.sink.request_timeout_s)
    return KafkaWire(address.brokers, topic, transport)


def open_kafka(target: str, config: Config) -> DirectWriter:
    """The sink of alerts, for a thread of its own, which connects. Errors: ConfigError."""
    return DirectWriter(kafka_wire(target, config, ALERTS), live=True)
