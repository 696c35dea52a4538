"""The fields of protocol events: what each protocol has of its own, and what it has of its flow."""

from __future__ import annotations

from sensor.ecs.field import Field

_SIDES = (("client", "the client"), ("server", "the server"))

SSH_FIELDS = tuple(
    Field(f"ssh.{side}.{name}", "keyword", meaning.format(who), origin="RFC 4253 4.2")
    for side, who in _SIDES
    for name, meaning in (
        ("protocol_version", "version of SSH that {} speaks: `2.0`, or `1.99` for both"),
        ("software", "software version in the identification string of {}"),
        ("comments", "comments behind it"),
    )
)

PROTOCOL_FIELDS = {"ssh": SSH_FIELDS}
"""By the protocol's name in `network.protocol`."""
PROTOCOL_ACTIONS = {"ssh": ("ssh_identification",)}
"""The values of `event.action` that events of a protocol have."""
PROTOCOL_EVENT_FIELDS = tuple(field for fields in PROTOCOL_FIELDS.values() for field in fields)
"""What flow documents do not have."""
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
