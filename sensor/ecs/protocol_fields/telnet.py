"""The fields of Telnet: logins, commands, attacks, sessions."""

from __future__ import annotations

from sensor.ecs.field import Field, Values
from sensor.ecs.protocol_fields.logins import LOGIN_ECS, PASSWORD
from sensor.model.protocol_values import (
    BOT,
    CLIENT_KINDS,
    EXPLOIT_OUTCOMES,
    EXPLOITS,
    FETCHERS,
    LINE_MODES,
    OUTCOMES,
    TELNET_CONFIDENCE,
    TELNET_METHODS,
    TELNET_OUTCOMES,
    TERMINAL_KINDS,
)

_TELNET = (
    ("login.outcome", "keyword", "`success`, `failure`, `unknown`; `none`: a shell without a login;"
     " `bypass`: a shell behind an attack on the login"),
    ("login.evidence", "keyword", "what decided it; docs/telnet.md lists them"),
    ("login.text", "keyword", "what the server printed that decided it, at most 80 characters"),
    ("login.confidence", "float", "in the outcome, 0 to 1"),
    ("login.method", "keyword", "`password`, `environment`, `authentication` or `none`"),
    ("login.attempt", "long", "number of the attempt in its connection, from 1"),
    ("login.attempts", "long", "attempts in the connection"),
    ("login.failures", "long", "those that failed"),
    *PASSWORD,
    ("password_change", "boolean", "the server asked for a new password: the old one was right"),
    ("command.line", "keyword", "a line that was typed, passwords masked, at most 256 characters"),
    ("command.number", "long", "its number in the session, from 1"),
    ("command.count", "long", "lines that were typed in the session"),
    ("command.lines", "keyword", "the first of them, on the event of the session"),
    ("command.from_echo", "boolean", "keys were used whose outcome only the server's echo tells"),
    ("command.incomplete", "boolean", "part of the line is not known"),
    ("transfer.url", "keyword", "what a command fetches"),
    ("transfer.host", "keyword", "and from where"),
    ("transfer.method", "keyword", "and how: `wget`, `tftp`..."),
    ("exploit.name", "keyword", "the kind of attack"),
    ("exploit.outcome", "keyword", "`attempt`, or `bypass`: a shell followed"),
    ("exploit.evidence", "keyword", "the decisive value, escaped"),
    ("terminal.type", "keyword", "the terminal that the client names (RFC 1091)"),
    ("terminal.columns", "long", "width of its window (RFC 1073)"),
    ("terminal.rows", "long", "height of its window"),
    ("environment.names", "keyword", "variables that the client sent (RFC 1572)"),
    ("environment.user", "keyword", "the value of USER among them"),
    ("negotiated", "boolean", "options were negotiated; false: a dialogue in plain text"),
    ("mode", "keyword", "`character` or `line`: how lines are sent"),
    ("echo", "boolean", "the server echoes"),
    ("encrypted", "boolean", "the connection went on encrypted or compressed"),
    ("kind", "keyword", "`tn3270` or `tn5250`: a block terminal, whose text is not read"),
    ("proxy.destination", "keyword", "where the client asks a proxy to go, ahead of the session"),
    ("banner", "keyword", "what the server printed before a login, at most 256 characters"),
    ("client.kind", "keyword", "a client that is known by its first octets; no proof"),
    ("bot", "keyword", "`mirai_like`: typed by a bot of that kin"),
    ("elevation.kind", "keyword", "second logins of the session, in order: `su`, `sudo`..."),
    ("elevation.user", "keyword", "whose"),
    ("elevation.outcome", "keyword", "`success`, `failure` or `unknown`"),
    ("confused", "boolean", "octets were missing within a dialogue"),
)
_TELNET_LISTS = ("command.lines", "environment.names",
                 "elevation.kind", "elevation.user", "elevation.outcome")  # fmt: skip

_VALUES: dict[str, Values] = {
    "login.outcome": TELNET_OUTCOMES,
    "login.evidence": tuple(TELNET_CONFIDENCE),
    "login.method": TELNET_METHODS,
    "transfer.method": (*FETCHERS, "url"),
    "exploit.name": EXPLOITS,
    "exploit.outcome": EXPLOIT_OUTCOMES,
    "mode": LINE_MODES,
    "kind": TERMINAL_KINDS,
    "client.kind": CLIENT_KINDS,
    "bot": (BOT,),
    "elevation.outcome": OUTCOMES,
    # Absent instead of false.
    **dict.fromkeys(("password_change", "command.from_echo", "command.incomplete", "encrypted",
                     "confused"), (True,)),
}

TELNET_FIELDS = tuple(
    Field(f"telnet.{name}", kind, meaning, array=name in _TELNET_LISTS,
          values=_VALUES.get(name, ()))
    for name, kind, meaning in _TELNET
)
_TELNET_ECS = (
    Field("event.category", "keyword", "", array=True,
          values=("authentication", "session", "intrusion_detection", "network")),
    Field("event.type", "keyword", "", array=True, values=("start", "info", "end", "allowed")),
    *LOGIN_ECS,
    Field("vulnerability.id", "keyword", "the vulnerability that an attack is for"),
)

TELNET_EVENT_FIELDS = (*_TELNET_ECS, *TELNET_FIELDS)
