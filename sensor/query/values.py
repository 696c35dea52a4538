"""Comparison of single values: equality and order of text, numbers, truth values, addresses, dates.

Values of `ip` and `date` fields are marked (`IpText`, `DateText`); a plain text that meets them is
read as an address, a network or a date. Everything else compares as itself, except that a text that
is a number equals that number, and `true` the truth value.
"""

from __future__ import annotations

import hashlib
import math
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from sensor.base.units import SECOND_NS
from sensor.model.addresses import Networks, address_halves

Value = str | int | float | bool
TEXT_MAX = 1024
"""Characters of a text that are remembered; Elasticsearch does not index longer keywords."""


class IpText(str):
    """A value of a field of type ip."""

    __slots__ = ()


class DateText(str):
    """A value of a field of type date."""

    __slots__ = ()


ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def holds(op: str, left: Value, right: Value) -> bool:
    """True if `left op right`, for `==`, `<`, `<=`, `>`, `>=`; false where they cannot be compared.
    """
    if isinstance(left, IpText) or isinstance(right, IpText):
        return _addresses_hold(op, left, right)
    if isinstance(left, DateText):
        return _dates_hold(op, left, right)
    if isinstance(right, DateText):
        return _dates_hold(MIRRORED[op], right, left)
    if isinstance(left, bool) or isinstance(right, bool):
        return op == "==" and _truth(left) is not None and _truth(left) == _truth(right)
    if isinstance(left, str) and isinstance(right, str):
        return bool(ORDER[op](left, right))
    first, second = number_of(left), number_of(right)
    return first is not None and second is not None and bool(ORDER[op](first, second))


def equal(left: Value, right: Value, insensitive: bool = False) -> bool:
    """True if two values are the same, for people who do or do not mind upper case."""
    if insensitive and isinstance(left, str) and isinstance(right, str) and not (
        isinstance(left, IpText) or isinstance(right, IpText)
    ):
        return left.lower() == right.lower()
    return holds("==", left, right)


def _truth(value: Value) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,2})?"
)


def number_of(value: Value) -> int | float | None:
    """The number that a value is or spells."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if not _NUMBER.fullmatch(value):
        return None
    return int(value) if value.lstrip("+-").isdigit() else float(value)


def term_text(text: str) -> str:
    """A text to group, join and remember by: a very long one by its beginning and its digest."""
    if len(text) <= TEXT_MAX:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[: TEXT_MAX - len(digest) - 1]}~{digest}"


def text_of(value: Value | None) -> str:
    """A value as text, as JSON would write it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


# --- addresses


@lru_cache(maxsize=4096)
def address_of(text: str) -> tuple[int, int] | None:
    """The halves of an address, or None."""
    try:
        return address_halves(text)
    except (ValueError, UnicodeError):
        return None


def is_network(text: str) -> bool:
    """True if a text is an address or an address with a prefix length."""
    address, slash, prefix = text.strip().partition("/")
    if address_of(address) is None:
        return False
    bits = 128 if ":" in address else 32
    return not slash or (prefix.isdecimal() and prefix.isascii()
                         and len(prefix) <= 3 and int(prefix) <= bits)


@lru_cache(maxsize=4096)
def network_of(text: str) -> Networks | None:
    """The one network (or address) that a text names, or None."""
    return Networks([text]) if is_network(text) else None


def inside(address: Value, network: Value) -> bool:
    """True if an address lies in a network; false where either is something else."""
    if not (isinstance(address, str) and isinstance(network, str)):
        return False
    halves, networks = address_of(address), network_of(network)
    return halves is not None and networks is not None and halves in networks


def _addresses_hold(op: str, left: Value, right: Value) -> bool:
    if not (isinstance(left, str) and isinstance(right, str)):
        return False
    if op == "==" and "/" in left + right:
        return inside(left, right) or inside(right, left)
    first, second = address_of(left), address_of(right)
    if first is None or second is None:
        return op == "==" and str(left) == str(right)
    return bool(ORDER[op](first, second))


# --- dates

_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})"
    r"(?:\.([0-9]{1,9}))?)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)


_MILLISECONDS = re.compile("-?[0-9]{5,15}")
"""Elasticsearch's other way to write a date: milliseconds since 1970; four digits are a year."""
_MILLISECOND_NS = SECOND_NS // 1000


def date_span_of(value: Value) -> tuple[int, int] | None:
    """The time that a constant covers where it meets a date: a number counts milliseconds."""
    if isinstance(value, str):
        return date_span(value)
    if isinstance(value, bool) or not math.isfinite(value):
        return None
    first = int(value) * _MILLISECOND_NS
    return first, first + _MILLISECOND_NS


@lru_cache(maxsize=4096)
def date_span(text: str) -> tuple[int, int] | None:
    """The time that a date text covers, by how exactly it is written: its first and last + 1.

    Units: nanoseconds since 1970 UTC. `2026-01-02` covers a day, `...T03:04:05Z` a second.
    """
    if _MILLISECONDS.fullmatch(text):
        first = int(text) * _MILLISECOND_NS
        return first, first + _MILLISECOND_NS
    found = _DATE.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        start = datetime(int(year), int(month), int(day or 1), int(hour or 0), int(minute or 0),
                         int(second or 0), tzinfo=_zone(zone))
        first = (start - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
        if day is None:
            size = ((start + timedelta(days=32)).replace(day=1) - start).days * 86400 * SECOND_NS
    except (ValueError, OverflowError):
        return None
    if fraction:
        return _fraction(first, fraction)
    if day is not None:
        seconds = 1 if second else 60 if minute else 86400
        size = seconds * SECOND_NS
    return first, first + size


def _fraction(first: int, fraction: str) -> tuple[int, int]:
    unit = 10 ** (9 - len(fraction))
    first += int(fraction) * unit
    return first, first + unit


def _zone(text: str | None) -> timezone:
    if not text or text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _dates_hold(op: str, instant: DateText, other: Value) -> bool:
    """A date of an event against a span of time: after it means after its end."""
    mine, span = date_span(instant), date_span_of(other)
    if mine is None or span is None:
        return op == "==" and isinstance(other, str) and str(instant) == str(other)
    if isinstance(other, DateText):
        span = (span[0], span[0] + 1)
    return span_holds(op, mine[0], span)


def span_holds(op: str, time_ns: int, span: tuple[int, int]) -> bool:
    """True if an instant stands in the given order to a span of time."""
    first, end = span
    return {
        "==": first <= time_ns < end, "<": time_ns < first, "<=": time_ns < end,
        ">": time_ns >= end, ">=": time_ns >= first,
    }[op]
