"""Fields of documents: name, type, meaning, and how the value is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sensor.model.columns import Document, Scalar

Values = tuple[Scalar, ...]

# When a field is present: one bit each, so that the renderer tests them all at once.
ALWAYS, PORTS, ICMP, TCP, MACS, VLAN_OUTER, VLAN_INNER, HISTORY, DECIDED, LIVE = (
    0, 1, 2, 4, 8, 16, 32, 64, 128, 256)
WHEN = {
    ALWAYS: "always",
    PORTS: "TCP, UDP, SCTP, DCCP, UDP-Lite",
    ICMP: "ICMP and ICMPv6",
    TCP: "TCP",
    MACS: "the link has MAC addresses",
    VLAN_OUTER: "the flow's first tagged packet had a tag",
    VLAN_INNER: "it had a second tag",
    HISTORY: "any packet of it was seen",
    DECIDED: "the verdict was decided by a frame",
    LIVE: "live capture only",
}


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value in every document."""

    values: Values


@dataclass(frozen=True, slots=True)
class ContextValue:
    """An attribute of the run's FlowContext, the same in every document."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Number:
    """A member of the record, or one of its pair; `text` where ECS wants a number as keyword."""

    member: str
    index: int = 0
    text: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the record; its subclasses say how it is read."""

    member: str


class Total(Member):
    """Both members of a pair, added."""


class Address(Member):
    """An address; the member named is its upper half, the lower follows."""


class Timestamp(Member):
    """A time, nanoseconds since 1970."""


class Mac(Member):
    """Six octets of a MAC address."""


@dataclass(frozen=True, slots=True)
class Code:
    """A member that is an index into a table of values; an empty tuple means: absent."""

    member: str
    table: tuple[Values, ...]
    index: int = 0


@dataclass(frozen=True, slots=True)
class ContextTable:
    """A member that is an index into a list of the run's FlowContext (file and interface names)."""

    member: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Computed:
    """A value with code of its own in ecs/columns.py and ecs/writer.py."""

    what: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The values of a group's field, taken from the entry that the record refers to."""

    values: Callable[[Any], Values]


@dataclass(frozen=True, slots=True)
class Absent:
    """A field that flow records do not give: no analyzer proves it yet, or only alerts have it."""


Reading = (
    Constant | ContextValue | Number | Total | Code | ContextTable | Address | Timestamp | Mac
    | Computed | Entry | Absent
)
ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a document."""

    name: str
    type: str
    """As ECS or, for fields that are not ECS, as an index template should map it."""
    meaning: str
    reading: Reading = ABSENT
    when: int = ALWAYS
    unit: str = ""
    array: bool = False
    origin: str = ""
    """The source of the value, if the reading does not show it."""
    values: Values = ()
    """All values that it can have, where they are few and the reading does not show them."""


def coded(names: tuple[str, ...], absent: int | None = None) -> tuple[Values, ...]:
    """A table of one value for each code, none for the code `absent`."""
    return tuple(() if code == absent else (name,) for code, name in enumerate(names))


def nested(fields: tuple[Field, ...], entry: object) -> Document:
    """The objects that an entry gives a document: fields without a value are absent."""
    found: Document = {}
    for field in fields:
        assert isinstance(field.reading, Entry), f"{field.name} is no field of a group"
        values = field.reading.values(entry)
        if values:
            put_at(found, field.name, list(values) if field.array else values[0])
    return found


@lru_cache(maxsize=1024)
def _path_of(name: str) -> tuple[list[str], str]:
    """The objects that a dotted name leads through, and the name in the last one."""
    *path, last = name.split(".")
    return path, last


def put_at(document: Document, name: str, value: object) -> None:
    """Set a dotted name in a nested document."""
    path, last = _path_of(name)
    target: dict[str, Any] = document
    for part in path:
        target = target.setdefault(part, {})
    target[last] = value
