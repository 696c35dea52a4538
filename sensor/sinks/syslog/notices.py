"""A notice for the operator as one syslog message, in the form that alerts have. Pure.

A notice is no alert: it has no structured data of one, and its kind stands where receivers sort
messages (MSGID, `event.action`, the signature of CEF).
"""

from __future__ import annotations

from collections.abc import Callable

from sensor.base.escape import harmless
from sensor.ecs.alert_text import json_line
from sensor.ecs.schema import ECS_VERSION
from sensor.ecs.text import time_text
from sensor.model.status import Notice
from sensor.sinks.syslog import formats

WARNING, NOTICE = 4, 5
"""Severities of RFC 5424 table 2."""

NoticeRenderer = Callable[[Notice, formats.Origin, int | None], bytes]


def notice_rfc5424(notice: Notice, origin: formats.Origin, limit: int | None = None) -> bytes:
    """Version 1 of RFC 5424: MSGID is the notice's kind, there is no structured data."""
    head = formats.new_head(_severity(notice), notice.time_ns, origin, notice.kind) + b"- "
    return formats.cut(head + formats.marked(harmless(notice.text)), limit)


def notice_rfc3164(notice: Notice, origin: formats.Origin, limit: int | None = None) -> bytes:
    """The older BSD form: the kind, a colon, the text."""
    text = f"{harmless(notice.kind)}: {harmless(notice.text)}"
    return formats.cut(_bsd_head(notice, origin) + text.encode(), limit)


def notice_cee(notice: Notice, origin: formats.Origin, limit: int | None = None) -> bytes:
    """An ECS document as JSON behind `@cee:`; a text that does not fit is cut, the JSON is not."""
    head = _bsd_head(notice, origin) + b"@cee: "
    text = notice.text
    while True:
        message = head + json_line(notice_document(notice, origin, text))[:-1]
        if limit is None or len(message) <= limit or not text:
            return message
        text = text[: len(text) - max(1, (len(message) - limit) // 6)]


def notice_cef(notice: Notice, origin: formats.Origin, limit: int | None = None) -> bytes:
    """ArcSight's Common Event Format: the kind is the signature."""
    severity = formats.CEF_SEVERITIES["medium" if notice.warning else "low"]
    text = (
        f"CEF:0|sensor|sensor|0|notice-{formats.cef_header(notice.kind)}|Sensor notice|{severity}|"
        f"rt={notice.time_ns // 1_000_000} cat={formats.cef_value(notice.kind)} "
        f"msg={formats.cef_value(notice.text)}"
    )
    return formats.cut(_bsd_head(notice, origin, tag=False) + text.encode(), limit)


def notice_document(notice: Notice, origin: formats.Origin, text: str) -> dict[str, object]:
    """A notice in ECS: an event of the sensor itself, told apart by `event.dataset`."""
    return {
        "@timestamp": time_text(notice.time_ns),
        "message": text,
        "log": {"level": "warning" if notice.warning else "notice"},
        "event": {
            "kind": "event",
            "module": "sensor",
            "dataset": "sensor.notice",
            "action": notice.kind,
        },
        "ecs": {"version": ECS_VERSION},
        "observer": {"type": "sensor", "hostname": origin.hostname},
    }


def _severity(notice: Notice) -> int:
    return WARNING if notice.warning else NOTICE


def _bsd_head(notice: Notice, origin: formats.Origin, *, tag: bool = True) -> bytes:
    return formats.bsd_head(_severity(notice), notice.time_ns, origin, tag=tag)


NOTICE_FORMS: dict[formats.Renderer, NoticeRenderer] = {
    formats.rfc5424: notice_rfc5424,
    formats.rfc3164: notice_rfc3164,
    formats.cee: notice_cee,
    formats.cef: notice_cef,
}
"""By the renderer of alerts that goes with it."""
