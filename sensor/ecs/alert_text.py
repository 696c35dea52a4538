"""The pieces of text that several sinks write: endpoints, times, JSON lines.

Everything here that comes out as `str` went through `escape.harmless`.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import orjson

from sensor.base.escape import harmless
from sensor.ecs.field_text import field, value_at, value_text
from sensor.ecs.said_text import is_session, story_words
from sensor.model.addresses import endpoint_text
from sensor.model.alert import Alert

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_RISKY_IN_JSON = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Controls, bidirectional and zero-width characters that JSON allows raw within a string."""


def endpoint(document: Mapping[str, object], side: str) -> str:
    """`192.0.2.1:23`, `[2001:db8::1]:23`, or the bare address where there is no port."""
    address = field(document, f"{side}.ip") or field(document, f"{side}.address")
    port = field(document, f"{side}.port")
    if not port:
        return address
    return endpoint_text(address, port)


def endpoints(document: Mapping[str, object]) -> str:
    """`SRC -> DST`, as much of it as the document has."""
    source, destination = endpoint(document, "source"), endpoint(document, "destination")
    return f"{source} -> {destination}" if source and destination else source or destination


def verdict_words(document: Mapping[str, object]) -> str:
    """`tcp accepted (handshake) outbound`, as much of it as the document has."""
    evidence = field(document, "sensor.flow.evidence")
    words = (
        field(document, "network.transport"),
        _icmp_words(document),
        field(document, "sensor.flow.verdict"),
        f"({evidence})" if evidence and evidence != "none" else "",
        field(document, "network.direction"),
    )
    return " ".join(filter(None, words))


def flow_of(document: Mapping[str, object]) -> Mapping[str, object]:
    """The document that names a connection: that of a sequence's alert, or its last event's."""
    events = value_at(document, "sensor.alert.events")
    if not isinstance(events, list):
        return document
    candidates = [document, *reversed(events)]
    return next((each for each in candidates if isinstance(each, dict) and "->" in endpoints(each)),
                document)


def counted_words(document: Mapping[str, object]) -> str:
    """`host.name web-1: 250 events with 250 different destination.port` of what was counted; the
    addresses of the group stand before it anyway.
    """
    threshold = value_at(document, "sensor.alert.threshold")
    if not isinstance(threshold, dict):
        return ""
    names, values = threshold.get("field"), threshold.get("value")
    group = ""
    if isinstance(names, list) and isinstance(values, list):
        group = " ".join(f"{value_text(name)} {value_text(value)}"
                         for name, value in zip(names, values, strict=False)
                         if name not in ("source.ip", "destination.ip"))
    words = f"{value_text(threshold.get('count'))} event{'s'[:threshold.get('count') != 1]}"
    if different := field(threshold, "cardinality.field"):
        words += f" with {field(threshold, 'cardinality.value')} different {different}"
    return f"{group}: {words}" if group else words


def _icmp_words(document: Mapping[str, object]) -> str:
    kind = field(document, "icmp.request.type")
    code = field(document, "icmp.request.code")
    return f"{kind}/{code}" if kind and code else kind


def host_words(document: Mapping[str, object]) -> str:
    """`telnet (pid 42) as root on web-1` of a host's document, "" of a flow's."""
    if document.keys().isdisjoint(("process", "user", "host")) or is_session(document):
        return ""
    process = field(document, "process.name") or field(document, "process.executable")
    pid = field(document, "process.pid")
    user = field(document, "user.name")
    host = field(document, "host.hostname") or field(document, "host.name")
    words = (
        process,
        f"(pid {pid})" if pid else "",
        f"as {user}" if user else "",
        f"on {host}" if host else "",
    )
    return " ".join(filter(None, words))


def moment(time_ns: int) -> datetime:
    """The time in UTC, cut to microseconds; the ends of the calendar where it lies beyond them."""
    try:
        return EPOCH + timedelta(microseconds=time_ns // 1000)
    except OverflowError:
        return (datetime.min if time_ns < 0 else datetime.max).replace(tzinfo=UTC)


def stamp(time_ns: int) -> str:
    """The time in UTC as RFC 3339 has it: `2026-01-02T03:04:05.678901Z`."""
    return moment(time_ns).replace(tzinfo=None).isoformat("T", "microseconds") + "Z"


def score(alert: Alert) -> str:
    """The risk score as people write it: `47`, `47.5`."""
    return f"{alert.risk_score:g}"


def json_line(document: Mapping[str, object]) -> bytes:
    r"""The document as one line of JSON, UTF-8, newline included.

    Control, bidirectional and zero-width characters are JSON escapes, so that nothing is lost and
    nothing acts on a terminal. JSON in UTF-8 has no form for a lone surrogate that every reader
    takes: it becomes the text `\udc80`.
    Errors: TypeError, ValueError or RecursionError for a document that JSON cannot express.
    """
    try:
        line = orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:  # a lone surrogate, a number beyond 64 bits, a value of an unknown type
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=str)
        return _RISKY_IN_JSON.sub(_json_escape, text).encode() + b"\n"
    if line.isascii() and b"\x7f" not in line:
        return line
    return _RISKY_IN_JSON.sub(_json_escape, line.decode()).encode()


def _json_escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xD800 <= code < 0xE000:
        return f"\\\\u{code:04x}"
    if code < 0x1_0000:
        return f"\\u{code:04x}"
    code -= 0x1_0000
    return f"\\u{0xD800 | code >> 10:04x}\\u{0xDC00 | code & 0x3FF:04x}"


def alert_time(time_ns: int, *, local: bool) -> str:
    """`2026-01-02 03:04:05.678901` in UTC; `...+0100` follows a local time."""
    at = moment(time_ns)
    if local:
        with contextlib.suppress(OverflowError, OSError, ValueError):
            return at.astimezone().strftime("%Y-%m-%d %H:%M:%S.%f%z")
    # isoformat leaves out ".000000"; this does not.
    return at.replace(tzinfo=None).isoformat(" ", "microseconds")


def alert_details(alert: Alert) -> list[str]:
    """The parts of an alert's second line; at least one."""
    document = alert.document
    suppressed = field(document, "sensor.alert.suppressed_count")
    flow = flow_of(document)
    ends, host = endpoints(flow), host_words(document)
    parts = [
        ends or host,
        verdict_words(flow),
        story_words(document),
        field(flow, "network.community_id"),
        host if flow is not document and ends else "",
        counted_words(document),
        f"+{suppressed} suppressed" if suppressed not in ("", "0") else "",
    ]
    return [part for part in parts if part] or [harmless(alert.message) or harmless(alert.rule_id)]


def alert_text(alert: Alert, *, local_time: bool = False) -> str:
    """An alert as two lines, harmless, without a newline at the end."""
    when = alert_time(alert.time_ns, local=local_time)
    severity = harmless(alert.severity).upper()
    details = "  ".join(alert_details(alert))
    return f"{when}  {severity} {score(alert)}  {harmless(alert.rule_name)}\n    {details}"
