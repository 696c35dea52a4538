"""The fields of final flow documents in whose flow somebody logged in, or tried to."""

from __future__ import annotations

from sensor.ecs.field import Entry, Field
from sensor.model.protocol_values import TELNET_OUTCOMES

LOGIN_FIELDS = (
    Field("user.name", "keyword", "the account that logs in, unless the process is known",
          Entry(lambda login: (login.user,) if login.user else ())),
    Field("telnet.login.outcome", "keyword", "of the last login of the flow",
          Entry(lambda login: (login.outcome,) if login.outcome else ()), values=TELNET_OUTCOMES),
)
