"""What the logins of every protocol have in common."""

from __future__ import annotations

from sensor.ecs.field import Field
from sensor.model.protocol_values import OUTCOMES

PASSWORD = (
    ("password.length", "long", "characters of the password that was sent"),
    ("password.hash", "keyword", "keyed BLAKE2b: equal passwords of one run have equal hashes"),
    ("password.is_default", "boolean", "account and password are a pair that devices come with"),
    ("password.empty", "boolean", "an empty password was sent"),
    ("password.text", "keyword", "the password, with `--reveal-secrets` in the file of protocol"
     " events; never in alerts"),
)
"""What every protocol tells of a password."""

LOGIN_ECS = (
    Field("event.outcome", "keyword", "of a login: `success`, `failure` or `unknown`",
          values=OUTCOMES),
    Field("user.name", "keyword", "the account that logs in"),
    Field("related.user", "keyword", "the same", array=True),
)
