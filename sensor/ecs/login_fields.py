"""The fields of final flow documents in whose flow somebody logged in, or tried to."""

from __future__ import annotations

from sensor.ecs.field import Entry, Field, Values
from sensor.model.logins import Login


def _user(login: Login) -> Values:
    return (login.user,) if login.user else ()


LOGIN_FIELDS = (
    Field("user.name", "keyword", "the account that logs in, unless the process is known",
          Entry(_user)),
    Field("telnet.login.outcome", "keyword", "of the last login of the flow",
          Entry(lambda login: (login.outcome,))),
)
