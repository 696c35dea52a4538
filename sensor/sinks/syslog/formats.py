"""An alert as one syslog message, in each form that receivers want. Pure: no socket, no clock.

Every renderer has the same shape: `(alert, origin, limit)` -> octets of at most `limit` (None: as
many as it takes), UTF-8, without control characters and without framing. What does not fit is cut
from the end of the readable text, on a character border; structured parts are never cut in two.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sensor.base.escape import harmless
from sensor.base.units import SECOND_NS
from sensor.ecs.alert_text import endpoints, json_line, score, stamp, verdict_words
from sensor.ecs.field_text import field
from sensor.model.alert import Alert
from sensor.model.columns import Document

SD_ID = "alert@32473"
"""The name of our structured data; 32473 is the enterprise number for examples (RFC 5612)."""
FACILITIES = {
    "kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7,
    "uucp": 8, "cron": 9, "authpriv": 10, "ftp": 11, "local0": 16, "local1": 17, "local2": 18,
    "local3": 19, "local4": 20, "local5": 21, "local6": 22, "local7": 23,
}  # fmt: skip
"""RFC 5424 table 1, by the names of syslog.conf."""
DEFAULT_FACILITY = "local0"
"""Not auth: tools that act on the auth log (fail2ban) must not meet text of attackers there."""
SYSLOG_SEVERITIES = {"low": 5, "medium": 4, "high": 3, "critical": 2}
"""Notice, warning, error, critical (RFC 5424 table 2)."""
CEF_SEVERITIES = {"low": 3, "medium": 5, "high": 8, "critical": 10}
"""CEF counts 0 to 10: 0-3 low, 4-6 medium, 7-8 high, 9-10 very high."""
VALUE_CHARACTERS_MAX = 256
"""Longer values of structured data are cut here: a receiver may refuse long messages whole."""

_FIELDS = (
    ("src", "source.ip"),
    ("sport", "source.port"),
    ("dst", "destination.ip"),
    ("dport", "destination.port"),
    ("proto", "network.transport"),
    ("verdict", "sensor.flow.verdict"),
    ("evidence", "sensor.flow.evidence"),
    ("direction", "network.direction"),
    ("community", "network.community_id"),
    ("host", "host.hostname"),
    ("process", "process.name"),
    ("pid", "process.pid"),
    ("user", "user.name"),
)
"""Our short keys and the fields of the document that they carry."""

DISPENSABLE = tuple(tuple(name.split(".")) for name in (
    "rule.description", "threat", "client", "server", "related", "data_stream", "rule.author",
    "rule.license", "rule.reference", "observer", "ecs", "event.type", "event.category",
    "sensor.alert.events", "rule.uuid", "rule.ruleset", "rule.category",
))  # fmt: skip
"""Fields that a CEE document that is too long loses, one after the other: the rule says it, or
other fields do, or it is the same in all documents."""
_NOT_HEADER = re.compile(r"[^\x21-\x7e]")
_SD_SPECIAL = re.compile(r'["\\\]]')
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sends the messages: the same for all of a run."""

    hostname: str = "-"
    app: str = "sensor"
    pid: int = 0
    facility: int = FACILITIES[DEFAULT_FACILITY]
    utc: bool = False
    """True if RFC 3164 times are UTC instead of this machine's local time (5424 always is UTC)."""
    clock: Callable[[], int] | None = None
    """Tells the time that headers carry; None: they carry the packet's."""

    def header_ns(self, alert: Alert) -> int:
        """The time in the header of an alert's message."""
        return alert.time_ns if self.clock is None else self.clock()


def key_values(alert: Alert, origin: Origin) -> list[tuple[str, str]]:
    """The key facts of an alert in a fixed order, harmless, only those that it has.

    The packet's time is one of them where the header has another.
    """
    facts = [("time", "" if origin.clock is None else stamp(alert.time_ns))]
    facts += [
        ("id", alert.id),
        ("rule", alert.rule_id),
        ("name", alert.rule_name),
        ("severity", alert.severity),
        ("score", score(alert)),
    ]
    facts += [(key, field(alert.document, name)) for key, name in _FIELDS]
    suppressed = field(alert.document, "sensor.alert.suppressed_count")
    facts.append(("suppressed", "" if suppressed == "0" else suppressed))
    return [(key, harmless(value)[:VALUE_CHARACTERS_MAX]) for key, value in facts if value]


def message_text(alert: Alert) -> str:
    """The readable part: the alert's own message, or one made of its name and its flow."""
    if alert.message:
        return harmless(alert.message)
    parts = (alert.rule_name, endpoints(alert.document), verdict_words(alert.document))
    return " ".join(harmless(part) for part in parts if part)


def rfc5424(alert: Alert, origin: Origin, limit: int | None = None) -> bytes:
    """Version 1 of RFC 5424: header, one SD-ELEMENT of the key facts, the message.

    The message starts with a byte order mark where it is not plain ASCII, as 6.4 demands.
    """
    head = (new_head(_severity(alert), origin.header_ns(alert), origin, "alert")
            + f"[{SD_ID}".encode())
    for key, value in key_values(alert, origin):
        parameter = f' {key}="{_SD_SPECIAL.sub(_escaped, value)}"'.encode()
        if limit is None or len(head) + len(parameter) < limit:
            head += parameter
    return cut(head + b"] " + marked(message_text(alert)), limit)


def rfc3164(alert: Alert, origin: Origin, limit: int | None = None) -> bytes:
    """The older BSD form: readable message, then `key=value` pairs, spaces quoted."""
    pairs = " ".join(
        f"{key}={_quoted(value)}" for key, value in key_values(alert, origin) if key != "name"
    )
    return cut(_alert_head(alert, origin) + f"{message_text(alert)} {pairs}".encode(), limit)


def cee(alert: Alert, origin: Origin, limit: int | None = None) -> bytes:
    """The alert document as JSON behind the `@cee:` cookie, in an RFC 3164 message.

    Nothing may follow the JSON. A document that does not fit loses fields until it does, first what
    can be had elsewhere; where that is not enough it is the key facts, as many of them as fit.
    """
    head = _alert_head(alert, origin) + b"@cee: "
    document, event = alert.document, alert.document.get("event")
    if origin.clock is not None and isinstance(event, dict):
        document = {**document, "event": {"created": stamp(origin.clock()), **event}}
    message = head + json_line(document)[:-1]
    if limit is None or len(message) <= limit:
        return message
    for path in DISPENSABLE:
        document = _without(document, path)
        message = head + json_line({**document, "truncated": True})[:-1]
        if len(message) <= limit:
            return message
    facts: dict[str, Any] = {"truncated": True}
    message = head + json_line(facts)[:-1]
    for key, value in [*key_values(alert, origin), ("message", message_text(alert))]:
        longer = head + json_line({**facts, key: value})[:-1]
        if len(longer) <= limit:
            facts[key], message = value, longer
    return message


def _without(document: Document, path: tuple[str, ...]) -> Document:
    """The document without one of its members; the one that was given stays as it is."""
    name, *rest = path
    if name not in document:
        return document
    member = document[name]
    if rest and isinstance(member, dict):
        return {**document, name: _without(member, tuple(rest))}
    return {key: value for key, value in document.items() if key != name}


def cef(alert: Alert, origin: Origin, limit: int | None = None) -> bytes:
    """ArcSight's Common Event Format, version 0, in an RFC 3164 message."""
    document = alert.document
    version = field(document, "observer.version") or "0"
    head = "|".join(
        ("CEF:0", "sensor", "sensor", *map(cef_header, (version, alert.rule_id, alert.rule_name)),
         str(CEF_SEVERITIES.get(alert.severity, 5)), "")
    )
    extension = " ".join(f"{key}={cef_value(value)}" for key, value in _cef_pairs(alert) if value)
    text = f"{head}{extension} msg={cef_value(message_text(alert))}"
    return cut(_alert_head(alert, origin, tag=False) + text.encode(), limit)


def _cef_pairs(alert: Alert) -> list[tuple[str, str]]:
    """The extension: CEF's own keys; it keeps IPv6 addresses in keys of their own."""
    facts = dict(key_values(alert, Origin()))
    source, destination = facts.get("src", ""), facts.get("dst", "")
    pairs = [("rt", str(alert.time_ns // 1_000_000)), ("externalId", facts.get("id", ""))]
    if ":" in source:
        pairs += [("c6a2Label", "Source IPv6 Address"), ("c6a2", source)]
    else:
        pairs += [("src", source)]
    pairs += [("spt", facts.get("sport", ""))]
    if ":" in destination:
        pairs += [("c6a3Label", "Destination IPv6 Address"), ("c6a3", destination)]
    else:
        pairs += [("dst", destination)]
    pairs += [("dpt", facts.get("dport", "")), ("proto", facts.get("proto", "").upper())]
    pairs += [("act", facts.get("verdict", "")), ("reason", facts.get("evidence", ""))]
    pairs += [("suser", facts.get("user", "")), ("sproc", facts.get("process", ""))]
    pairs += [("deviceDirection", {"inbound": "0", "outbound": "1"}.get(
        facts.get("direction", ""), ""))]
    if "community" in facts:
        pairs += [("cs1Label", "Community ID"), ("cs1", facts["community"])]
    return pairs


def cut(message: bytes, limit: int | None) -> bytes:
    """At most `limit` octets of a UTF-8 message, cut on a character border."""
    if limit is None or len(message) <= limit:
        return message
    while limit and message[limit] & 0xC0 == 0x80:
        limit -= 1
    short = message[:limit]
    # Half of an escape would take the next character into it; an escape is whole or gone.
    odd = (len(short) - len(short.rstrip(b"\\"))) & 1
    return short[:-1] if odd else short


def _severity(alert: Alert) -> int:
    return SYSLOG_SEVERITIES.get(alert.severity, 4)


def _alert_head(alert: Alert, origin: Origin, *, tag: bool = True) -> bytes:
    return bsd_head(_severity(alert), origin.header_ns(alert), origin, tag=tag)


def new_head(severity: int, time_ns: int, origin: Origin, kind: str) -> bytes:
    """The header of RFC 5424, a space behind it; `kind` is the MSGID."""
    return (f"<{origin.facility * 8 + severity}>1 {stamp(time_ns)}"
            f" {header_field(origin.hostname, 255)} {header_field(origin.app, 48)}"
            f" {origin.pid or '-'} {header_field(kind, 32)} ").encode()


def marked(text: str) -> bytes:
    """A text behind a byte order mark, where it is not plain ASCII."""
    return text.encode() if text.isascii() else f"\ufeff{text}".encode()


def bsd_head(severity: int, time_ns: int, origin: Origin, *, tag: bool = True) -> bytes:
    """`<132>Jan  2 03:04:05 host sensor[42]: `, the time in local time as the form has it."""
    seconds = time_ns // SECOND_NS
    try:
        at = time.gmtime(seconds) if origin.utc else time.localtime(seconds)
    except (OverflowError, OSError, ValueError):
        at = time.gmtime(0)
    day = f"{_MONTHS[at.tm_mon - 1]} {at.tm_mday:2d}"  # not strftime: the locale's month names
    clock = f"{day} {at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
    process = f" {header_field(origin.app, 32)}[{origin.pid}]:" if tag else ""
    host = header_field(origin.hostname, 255)
    return f"<{origin.facility * 8 + severity}>{clock} {host}{process} ".encode()


def header_field(text: str, characters_max: int) -> str:
    """Text as a field of a header: printable ASCII without spaces, `-` for nothing."""
    return _NOT_HEADER.sub("_", text)[:characters_max] or "-"


def _escaped(match: re.Match[str]) -> str:
    return "\\" + match[0]


def _quoted(value: str) -> str:
    """The value, in quotes where it holds a space, a quote, `=` or a backslash."""
    if not re.search(r'[\s"=\\]', value):
        return value
    return '"' + re.sub(r'["\\]', _escaped, value) + '"'


def cef_header(text: str) -> str:
    return re.sub(r"[|\\]", _escaped, harmless(text)[:VALUE_CHARACTERS_MAX])


def cef_value(text: str) -> str:
    return re.sub(r"[=\\]", _escaped, harmless(text))


Renderer = Callable[[Alert, Origin, int | None], bytes]

FORMATS: dict[str, Renderer] = {"rfc5424": rfc5424, "rfc3164": rfc3164, "cee": cee, "cef": cef}
"""By the names of `--syslog-format`; the first is the default."""
