"""The fields of logins in the clear beside Telnet, and of FTP's transfers."""

from __future__ import annotations

from sensor.ecs.field import Field
from sensor.ecs.protocol_fields.logins import LOGIN_ECS, PASSWORD
from sensor.model.protocol_values import OUTCOMES, TRANSFERS

_LOGIN = (
    ("login.outcome", "keyword", "`success`, `failure` or `unknown`"),
    ("login.method", "keyword", "`password`, `apop`, the name of a SASL mechanism; `none`: no"
     " password was asked for"),
    ("login.attempt", "long", "number of the attempt in its connection, from 1"),
    ("login.text", "keyword", "what the server said to it, at most 80 characters"),
    *PASSWORD,
)
_CLEARTEXT_ECS = (
    Field("event.category", "keyword", "", array=True,
          values=("authentication", "network")),
    Field("event.type", "keyword", "", array=True, values=("start", "info")),
    *LOGIN_ECS,
)


def login_fields(protocol: str) -> tuple[Field, ...]:
    """The fields of logins in the clear."""
    return (*_CLEARTEXT_ECS, *(Field(f"{protocol}.{name}", kind, meaning,
                                     values=OUTCOMES if name == "login.outcome" else ())
                               for name, kind, meaning in _LOGIN))


FTP_FIELDS = (
    *login_fields("ftp"),
    Field("ftp.command", "keyword", "of a transfer: `RETR`, `STOR`, `APPE` or `STOU`",
          values=TRANSFERS),
    Field("ftp.reply", "keyword", "what the server said in the end"),
    Field("file.path", "keyword", "the file as the client named it"),
    Field("file.name", "keyword", "the last part of that"),
    Field("file.size", "long", "octets of it, as the server said"),
)
RLOGIN_FIELDS = (
    *login_fields("rlogin"),
    Field("rlogin.client.user", "keyword", "the account on the client's host", origin="RFC 1282"),
    Field("rlogin.terminal.type", "keyword", "the client's terminal", origin="RFC 1282"),
)
