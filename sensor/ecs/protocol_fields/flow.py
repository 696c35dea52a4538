"""The fields of flow documents that protocol events have too."""

from __future__ import annotations

FROM_THE_FLOW = (
    "@timestamp", "event.kind", "event.category", "event.type", "event.module", "event.dataset",
    "event.action", "event.id", "event.created", "ecs.version", "data_stream.type",
    "data_stream.dataset", "data_stream.namespace", "flow.id",
    *(f"{peer}.{name}" for peer in ("source", "destination", "client", "server")
      for name in ("ip", "port", "mac")),
    "network.transport", "network.type", "network.iana_number", "network.community_id",
    "network.direction", "network.protocol", "network.vlan.id", "network.inner.vlan.id",
    "related.ip", "observer.type", "observer.product", "observer.hostname", "observer.version",
    "sensor.capture.frame", "sensor.capture.file",
)  # fmt: skip
"""Fields of flow documents that protocol events have too."""
