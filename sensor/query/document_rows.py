"""Rows over ECS documents held in memory: tests, nested objects, and events read from files.

A field becomes a column when it is first asked for: its distinct values are coded. Nothing else of
the documents is looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from sensor.model.columns import (
    AddressColumn,
    CodedColumn,
    Column,
    Document,
    Kept,
    NumberColumn,
    Rows,
    Scalar,
)
from sensor.query.ecs_names import is_ecs

_LONG_ENDINGS = (
    ".port", ".bytes", ".packets", ".pid", ".duration", ".severity", ".sequence", ".size",
    ".status_code", ".args_count", ".number", ".ttl", ".risk_score", ".risk_score_norm",
    ".exit_code",
)
_KEYWORD_ENDINGS = (".data.bytes", "vulnerability.severity")
"""ECS's own exceptions from its endings."""
_DATE_ENDINGS = (
    ".start", ".end", ".created", ".ingested", ".first_seen", ".last_seen", ".not_after",
    ".not_before",
)
_ADDRESSES = ("ip", "related.ip", "sensor.tunnel.source", "sensor.tunnel.destination")
KEPT_BYTES = 160
"""Octets that a kept event takes besides its JSON."""
DEPTH_MAX = 32
"""Levels of objects in a document; what lies deeper is not seen."""


def ecs_type_of(name: str) -> str:
    """The ECS type of a field, by how ECS names its fields; those of others have none.

    But whoever's field ends in `.ip`: addresses are read there, and anything else is text.
    """
    if name in _ADDRESSES or name.endswith((".ip", ".forwarded_ip", ".resolved_ip")):
        return "ip"
    if not is_ecs(name) or name.endswith(_KEYWORD_ENDINGS):
        return "keyword"
    if name == "@timestamp" or name.endswith(_DATE_ENDINGS):
        return "date"
    if name.endswith(_LONG_ENDINGS):
        return "long"
    return "keyword"


class KeptDocument:
    """One document that outlives its batch, as JSON: its objects would take several times that."""

    __slots__ = ("_octets", "known_ns")

    def __init__(self, document: Document, known_ns: int) -> None:
        try:
            self._octets = orjson.dumps(document)
        except TypeError:  # an integer of more than 64 bits, in a rule's own test
            self._octets = json.dumps(document, default=str).encode()
        self.known_ns = known_ns

    @property
    def size(self) -> int:
        """About how many octets of memory it takes."""
        return len(self._octets) + KEPT_BYTES

    def document(self) -> Document:
        """The document, with its dotted keys unfolded into objects."""
        return nested(orjson.loads(self._octets))


class DocumentRows:
    """ECS documents, nested or with dotted keys, as `Rows`.

    `known_ns` says when each became known; without it the row number stands in.
    """

    def __init__(
        self, documents: Sequence[Document], known_ns: Sequence[int] | None = None,
        type_of: Callable[[str], str] = ecs_type_of
    ) -> None:
        self.count = len(documents)
        self._documents = documents
        self._known_ns = known_ns
        self._type_of = type_of
        self._columns: dict[str, Column | None] = {}

    def fields(self) -> Iterable[str]:
        """The fields that any of the documents has."""
        names: dict[str, None] = {}
        for document in self._documents:
            _collect(document, "", names, 0)
        return names

    def column(self, name: str) -> Column | None:
        """The column of a field; None if no document has it."""
        if name not in self._columns:
            self._columns[name] = self._coded(name)
        return self._columns[name]

    def known_ns(self, row: int) -> int:
        return row if self._known_ns is None else self._known_ns[row]

    def times_ns(self) -> NDArray[np.int64]:
        return np.array(range(self.count) if self._known_ns is None else self._known_ns, np.int64)

    def part(self, first: int, last: int) -> DocumentRows:
        """Rows first..last - 1."""
        times = range(first, last) if self._known_ns is None else self._known_ns[first:last]
        return DocumentRows(self._documents[first:last], times, self._type_of)

    def keep(self, row: int) -> KeptDocument:
        return KeptDocument(self._documents[row], self.known_ns(row))

    def documents(self, rows: Sequence[int]) -> list[Document]:
        """The documents, with their dotted keys unfolded into objects."""
        return [nested(self._documents[row]) for row in rows]

    def _coded(self, name: str) -> CodedColumn | None:
        ecs_type = self._type_of(name)
        table: list[tuple[Scalar, ...]] = [()]
        code_of: dict[object, int] = {}
        codes: list[int] = []
        for document in self._documents:
            values: list[Scalar] = []
            _gather(document, name, values)
            if not values:
                codes.append(0)
                continue
            # True == 1 == 1.0 in Python: the types belong to the key.
            key: object = values[0]
            if len(values) > 1 or key.__class__ is not str:
                key = (*values, *map(type, values))
            code = code_of.get(key)
            if code is None:
                code = code_of[key] = len(table)
                table.append(tuple(map(_coerced, values) if ecs_type == "long" else values))
            codes.append(code)
        if len(table) == 1:
            return None
        return CodedColumn(np.array(codes, dtype=np.int32), tuple(table), ecs_type)


class Selection:
    """Some rows of other rows, as `Rows` of their own."""

    def __init__(self, rows: Rows, chosen: NDArray[np.intp]) -> None:
        self.count = len(chosen)
        self.rows = rows
        self.chosen = chosen
        own: Any = getattr(rows, "fields", None)
        if own is not None:
            self.fields = own

    def column(self, name: str) -> Column | None:
        """The chosen part of a column."""
        column = self.rows.column(name)
        if column is None:
            return None
        if isinstance(column, CodedColumn):
            return CodedColumn(column.codes[self.chosen], column.table, column.ecs_type)
        valid = None if column.valid is None else column.valid[self.chosen]
        if isinstance(column, AddressColumn):
            return AddressColumn(
                column.hi[self.chosen], column.lo[self.chosen], valid, column.ecs_type
            )
        return NumberColumn(column.values[self.chosen], valid, column.ecs_type)

    def known_ns(self, row: int) -> int:
        return self.rows.known_ns(int(self.chosen[row]))

    def times_ns(self) -> NDArray[np.int64]:
        return self.rows.times_ns()[self.chosen]

    def keep(self, row: int) -> Kept:
        return self.rows.keep(int(self.chosen[row]))

    def documents(self, rows: Sequence[int]) -> list[Document]:
        return self.rows.documents([int(self.chosen[row]) for row in rows])


@lru_cache(maxsize=4096)
def _ways(name: str) -> tuple[tuple[str, str], ...]:
    """The ways in which a name may be an object's key and a name below it."""
    parts = name.split(".")
    return tuple((".".join(parts[:at]), ".".join(parts[at:])) for at in range(1, len(parts)))


def _gather(node: Document, name: str, values: list[Scalar]) -> None:
    """Add the values that a name has below an object, whichever of its dots are objects."""
    value = node.get(name)
    if value is not None:
        if isinstance(value, str | int | float):
            values.append(value)
        else:
            _open(value, values, 0)
    for key, rest in _ways(name):
        below = node.get(key)
        if below.__class__ is dict:
            _gather(below, rest, values)  # type: ignore[arg-type]
        elif below.__class__ is list:
            for item in _objects(below, 0):
                _gather(item, rest, values)


def _open(value: object, values: list[Scalar], depth: int) -> None:
    """Add the plain values of a list."""
    if isinstance(value, list | tuple):
        if depth < DEPTH_MAX:
            for item in value:
                _open(item, values, depth + 1)
    elif isinstance(value, str | int | float):
        values.append(value)


def _objects(value: object, depth: int) -> Iterator[Document]:
    """The objects of a list, of lists in it too."""
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list | tuple) and depth < DEPTH_MAX:
        for item in value:
            yield from _objects(item, depth + 1)


_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?")


def _coerced(value: Scalar) -> Scalar:
    """A text in a field of numbers is the number that it spells as JSON would."""
    if isinstance(value, str) and _JSON_NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value


def _collect(value: object, name: str, names: dict[str, None], depth: int) -> None:
    """Note the names of all plain values."""
    if isinstance(value, dict):
        if depth < DEPTH_MAX:
            for key, item in value.items():
                _collect(item, f"{name}.{key}" if name else str(key), names, depth + 1)
    elif isinstance(value, list | tuple):
        if depth < DEPTH_MAX:
            for item in value:
                _collect(item, name, names, depth + 1)
    elif isinstance(value, str | int | float):
        names[name] = None


def nested(document: Document) -> Document:
    """A copy of a document in which dotted keys have become objects."""
    result: Document = {}
    for key, value in document.items():
        content = nested(value) if isinstance(value, dict) else value
        *path, last = str(key).split(".")
        target = result
        for part in path:
            below = target.get(part)
            if not isinstance(below, dict):
                below = target[part] = {}
            target = below
        present = target.get(last)
        if isinstance(present, dict) and isinstance(content, dict):
            merge(present, content)
        else:
            target[last] = content
    return result


def merge(target: Document, more: Document) -> None:
    """Put the members of `more` into `target`, object by object."""
    for key, value in more.items():
        present = target.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            merge(present, value)
        else:
            target[key] = value


@lru_cache(maxsize=4096)
def _parts(name: str) -> tuple[str, ...]:
    return tuple(name.split("."))


def values_at(document: Document, name: str) -> list[Any]:
    """The values (objects too) of a dotted name in a nested document, lists opened."""
    parts = _parts(name)
    value: Any = document
    for part in parts:  # the usual shape; lists take the long way
        if value.__class__ is not dict:
            break
        value = value.get(part)
        if value is None:
            return []
    else:
        if value.__class__ is not list:
            return [value]
    found: list[Any] = [document]
    for part in parts:
        found = [item[part] for item in found if isinstance(item, dict) and part in item]
        found = [leaf for item in found for leaf in (item if isinstance(item, list) else [item])]
    return [item for item in found if item is not None]
