"""A notice for the operator as one syslog message, in the form that alerts have. Pure.

A notice is no alert: it has no structured data of one, and its kind stands where receivers sort
messages (MSGID, `event.action`, the signature of CEF).
"""

from __future__ import annotations

from collections.abc import Callable

from sensor.base.escape import harmless
from sensor.ecs.alert_text import json_line, stamp
from sensor.ecs.schema import ECS_VERSION
from sensor.ecs.text import time_text
from sensor.model.status import Notice
from sensor.sinks.syslog.formats import (
    CEF_SEVERITIES,
    Origin,
    Renderer,
    bsd_head,
    cee,
    cef,
    cef_header,
    cef_value,
    cut,
    header_field,
    rfc3164,
    rfc5424,
)

WARNING, NOTICE = 4, 5
"""Severities of RFC 5424 table 2."""

NoticeRenderer = Callable[[Notice, Origin, int | None], bytes]


def notice_rfc5424(notice: Notice, origin: Origin, limit: int | None = None) -> bytes:
    """Version 1 of RFC 5424: MSGID is the notice's kind, there is no structured data."""
    text = harmless(notice.text)
    mark = "" if text.isascii() else "\ufeff"
    head = (
        f"<{_priority(notice, origin)}>1 {stamp(notice.time_ns)} "
        f"{header_field(origin.hostname, 255)} {header_field(origin.app, 48)} "
        f"{origin.pid or '-'} {header_field(notice.kind, 32)} - "
    )
    return cut((head + mark + text).encode(), limit)


def notice_rfc3164(notice: Notice, origin: Origin, limit: int | None = None) -> bytes:
    """The older BSD form: the kind, a colon, the text."""
    text = f"{harmless(notice.kind)}: {harmless(notice.text)}"
    return cut(_bsd_head(notice, origin) + text.encode(), limit)


def notice_cee(notice: Notice, origin: Origin, limit: int | None = None) -> bytes:
    """An ECS document as JSON behind `@cee:`; a text that does not fit is cut, the JSON is not."""
    head = _bsd_head(notice, origin) + b"@cee: "
    text = notice.text
    while True:
        message = head + json_line(notice_document(notice, origin, text))[:-1]
        if limit is None or len(message) <= limit or not text:
            return message
        text = text[: len(text) - max(1, (len(message) - limit) // 6)]


def notice_cef(notice: Notice, origin: Origin, limit: int | None = None) -> bytes:
    """ArcSight's Common Event Format: the kind is the signature."""
    severity = CEF_SEVERITIES["medium" if notice.warning else "low"]
    text = (
        f"CEF:0|sensor|sensor|0|notice-{cef_header(notice.kind)}|Sensor notice|{severity}|"
        f"rt={notice.time_ns // 1_000_000} cat={cef_value(notice.kind)} "
        f"msg={cef_value(notice.text)}"
    )
    return cut(_bsd_head(notice, origin, tag=False) + text.encode(), limit)


def notice_document(notice: Notice, origin: Origin, text: str) -> dict[str, object]:
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


def _priority(notice: Notice, origin: Origin) -> int:
    return origin.facility * 8 + (WARNING if notice.warning else NOTICE)


def _bsd_head(notice: Notice, origin: Origin, *, tag: bool = True) -> bytes:
    return bsd_head(_priority(notice, origin), notice.time_ns, origin, tag=tag)


NOTICE_FORMS: dict[Renderer, NoticeRenderer] = {
    rfc5424: notice_rfc5424,
    rfc3164: notice_rfc3164,
    cee: notice_cee,
    cef: notice_cef,
}
"""By the renderer of alerts that goes with it."""
