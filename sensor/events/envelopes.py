"""Forms of a line of JSON: a document, a hit, a response, an action; and a document's time."""

from __future__ import annotations

import re
from calendar import monthrange, timegm
from functools import lru_cache
from typing import Any

from sensor.base.units import SECOND_NS
from sensor.model.columns import Document
from sensor.model.recoding import date_text
from sensor.query.document_rows import values_at
from sensor.query.values import date_span

DEPTH_MAX = 64
"""Levels of a document, dots in its names counted: what is deeper cannot be written out again."""
TIME_FIELDS = ("@timestamp", "timestamp", "event.created", "event.start")
"""Fields in which a document's time may stand; the first one that is a time is it."""

_ACTIONS = frozenset({"index", "create", "update", "delete"})
_ACTION_KEYS = frozenset({
    "routing", "pipeline", "version", "version_type", "retry_on_conflict", "require_alias",
    "require_data_stream", "if_seq_no", "if_primary_term", "dynamic_templates", "parent",
    "list_executed_pipelines",
})
_UPDATE_KEYS = frozenset({
    "doc", "doc_as_upsert", "detect_noop", "upsert", "script", "scripted_upsert", "_source"})
_WRAPPERS = ("_source", "hits", "responses", "doc", "_index", "expected")


class FormError(ValueError):
    """JSON that is no document."""


def documents_of(value: Any) -> list[Document]:
    """The documents in a line; none in an action line of a bulk file. Errors: FormError."""
    if value.__class__ is not dict:
        if isinstance(value, list):
            return [document for item in value for document in documents_of(item)]
        raise FormError("not an object")
    if len(value) == 1 and _is_action(value):
        return []
    if any(key in value for key in _WRAPPERS):
        return _unwrapped(value)
    return [value]


def _unwrapped(value: Document) -> list[Document]:  # noqa: PLR0911  one line per form
    """A hit's document, the hits of a response, the document of an update; else the value."""
    if isinstance(source := value.get("_source"), dict):
        return [source]
    hits = value.get("hits")
    if isinstance(hits, dict) and isinstance(hits.get("hits"), list):
        return documents_of(hits["hits"])
    if isinstance(value.get("responses"), list) and "@timestamp" not in value:
        return documents_of(value["responses"])
    if isinstance(expected := value.get("expected"), list) and len(value) == 1:
        return documents_of([item for item in expected if item is not None])  # null: dropped
    if isinstance(changed := value.get("doc"), dict) and value.keys() <= _UPDATE_KEYS:
        return [changed]
    if "_index" in value and isinstance(fields := value.get("fields"), dict):
        return [fields]
    return [value]


def _is_action(value: Document) -> bool:
    ((name, target),) = value.items()
    return name in _ACTIONS and isinstance(target, dict) and all(
        key.startswith("_") or key in _ACTION_KEYS for key in target)


def is_too_deep(value: object) -> bool:
    """Return True if a document has more than DEPTH_MAX levels."""
    waiting = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if depth > DEPTH_MAX:
            return True
        if isinstance(item, dict):
            waiting += [(below, depth + 1 + key.count(".")) for key, below in item.items()]
        elif isinstance(item, list):
            waiting += [(below, depth + 1) for below in item]
    return False


# --- time


def date_of(document: Document) -> int | None:
    """The time of a document, which then has it as text in `@timestamp`; None if it has none.

    Units: nanoseconds since 1970 UTC.
    """
    stamp = document.get("@timestamp")
    if stamp.__class__ is str and (time_ns := time_of_text(stamp)) is not None:
        if not _USUAL.fullmatch(stamp) and date_span(stamp) is None:  # no query could read it
            set_date(document, time_ns)
        return time_ns
    for name in TIME_FIELDS:
        for value in _values(document, name):
            found = time_of(value)
            if found is not None:
                set_date(document, found)
                return found
    return None


_USUAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(?:\.\d{1,9})?Z", re.ASCII)


def _values(document: Document, name: str) -> list[Any]:
    direct = document.get(name)
    if direct is not None:
        return direct if isinstance(direct, list) else [direct]
    return values_at(document, name)


def set_date(document: Document, time_ns: int) -> None:
    """Give a document its `@timestamp`."""
    document["@timestamp"] = date_text(time_ns)


def time_of(value: object) -> int | None:
    """The time that a value says: text of RFC 3339, or a number since 1970; None if neither.

    A number is in the unit in which it is a time between 1973 and 5138.
    """
    if isinstance(value, str):
        found = time_of_text(value)
        if found is not None or not _NUMBER.fullmatch(value):
            return found
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _TOO_LATE:
        return None
    unit = next((unit for limit, unit in _UNITS if value < limit), 1)
    if isinstance(value, int):
        return value * unit
    # A float of seconds has no nanoseconds: what it has is rounded to microseconds.
    return round(value * unit / 1000) * 1000 if unit > 1000 else int(value * unit)


_NUMBER = re.compile(r"[0-9]{1,19}(?:\.[0-9]{1,9})?")
_UNITS = ((1e11, SECOND_NS), (1e14, 1_000_000), (1e17, 1_000))
_TOO_LATE = 1 << 63
_TAIL = re.compile(r"(?::(\d\d))?(?:[.,](\d+))?[ ]?(?:([zZ])|([+-])(\d\d):?(\d\d)?)?")


def time_of_text(text: str) -> int | None:
    """The time of RFC 3339 and its kin: any number of decimals, any offset, UTC without one."""
    minute_s = _minute_s(text[:16])
    if minute_s is None:
        return None
    found = _TAIL.fullmatch(text, 16)
    if found is None:
        return None
    second, fraction, _, sign, hours, minutes = found.groups()
    time_s = minute_s + (int(second) if second else 0)
    if sign:
        offset_s = int(hours) * 3600 + int(minutes or 0) * 60
        time_s += offset_s if sign == "-" else -offset_s
    time_ns = time_s * SECOND_NS
    if fraction:
        time_ns += int(fraction[:9].ljust(9, "0"))
    return time_ns if 0 <= time_ns < _TOO_LATE else None


_MINUTE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d))?", re.ASCII)


@lru_cache(maxsize=4096)
def _minute_s(text: str) -> int | None:
    found = _MINUTE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute = (int(part or 0) for part in found.groups())
    if not (year >= 1970 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]
            and hour < 24 and minute < 60):
        return None
    return timegm((year, month, day, hour, minute, 0))
