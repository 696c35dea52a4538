"""Alerts, flow records and protocol events to Elasticsearch or OpenSearch (`--elasticsearch`)."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from sensor.config import Config
from sensor.model.alert import Alert
from sensor.model.status import Notice
from sensor.sinks.base import Batch
from sensor.sinks.delivery.direct_writer import DirectWriter
from sensor.sinks.elasticsearch import bulk
from sensor.sinks.elasticsearch.transport import BulkTransport, tls_of
from sensor.sinks.elasticsearch.url import Address, parse_address
from sensor.sinks.syslog.formats import Origin
from sensor.sinks.syslog.notices import notice_document


class BulkWire:
    """Documents for one server, and the way there. `what` tells two wires to it apart."""

    def __init__(self, address: Address, transport: BulkTransport, what: str) -> None:
        self.name = f"elasticsearch {address} {what}"
        self.place = f"Elasticsearch at {address.place()}"
        self.transport = transport
        self._namespace = address.namespace
        self._origin = Origin(socket.gethostname(), pid=os.getpid())

    def render(self, alert: Alert) -> bytes:
        return bulk.packed([bulk.of_alert(alert, self._namespace)])

    def render_notice(self, notice: Notice) -> bytes:
        document = notice_document(notice, self._origin, notice.text)
        return bulk.packed([bulk.of_notice(document, self._namespace)])

    def render_records(self, batches: Sequence[Batch]) -> bytes:
        return bulk.packed(bulk.records_of(batches, self._namespace))


def bulk_wire(url: str, config: Config, what: str) -> BulkWire:
    """The wire to the server of a URL. Errors: ConfigError."""
    address = parse_address(url)
    transport = BulkTransport(address, config.sink.request_timeout_s, tls_of(url, address))
    return BulkWire(address, transport, what)


def open_elasticsearch(url: str, config: Config) -> DirectWriter:
    """The sink of alerts, for a thread of its own, which connects. Errors: ConfigError."""
    return DirectWriter(bulk_wire(url, config, "alerts"), live=True)
