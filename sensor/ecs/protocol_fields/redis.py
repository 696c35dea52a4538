"""The fields of Redis: commands as Packetbeat and Elastic's integration have them, and logins."""

from __future__ import annotations

from sensor.ecs.field import Field
from sensor.ecs.protocol_fields.cleartext import login_fields
from sensor.model.protocol_values import STATUSES

_TYPES = ("connection", "protocol", "start", "info")

REDIS_FIELDS = (
    *(Field("event.type", "keyword", "", array=True, values=_TYPES) if field.name == "event.type"
      else field for field in login_fields("redis")),
    Field("network_traffic.redis.query", "keyword", "the command with its arguments, passwords"
          " masked, at most 4096 characters"),
    Field("network_traffic.redis.method", "keyword", "the command, in capital letters"),
    Field("network_traffic.redis.resource", "keyword", "its first argument: most often the key"),
    Field("network_traffic.redis.status", "keyword", "`OK` or `Error`; absent: nobody answered",
          values=STATUSES),
    Field("redis.return_value", "keyword", "what the server returned, at most 1024 characters"),
    Field("redis.error", "keyword", "the error that it returned"),
)
