"""Columns: what a predicate sees of a batch of events, whatever the events are.

A batch of events (`Rows`) gives a column for each ECS field that it can have. There are three
forms; each tells per row whether there is a value at all, because KQL and EQL treat a missing value
in ways of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Scalar = str | int | float | bool
Document = dict[str, object]
"""A nested ECS document as JSON has it: objects, lists, texts, numbers, truth values."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """Numbers: `values` as int64, uint64 or float64; `valid` is None where every row has one."""

    values: NDArray[np.number]
    valid: Mask | None = None
    ecs_type: str = "long"


@dataclass(frozen=True, slots=True)
class AddressColumn:
    """IP addresses as 128 bits in two uint64 halves, IPv4 in v4-mapped form (::ffff:a.b.c.d)."""

    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]
    valid: Mask | None = None
    ecs_type: str = "ip"


@dataclass(frozen=True, slots=True)
class CodedColumn:
    """Anything else: row `i` has the values `table[codes[i]]`, a tuple that is empty if missing.

    A predicate runs once per entry of `table`, then becomes a mask by look-up. Values are what JSON
    has (text, numbers, booleans); addresses and dates are text, told by `ecs_type`.
    """

    codes: NDArray[np.integer]
    table: tuple[tuple[Scalar, ...], ...]
    ecs_type: str = "keyword"


Column = NumberColumn | AddressColumn | CodedColumn


class Kept(Protocol):
    """One event that outlives its batch: light, self-contained, rendered only when asked."""

    @property
    def known_ns(self) -> int:
        """When the event became known."""

    @property
    def size(self) -> int:
        """About how many octets of memory it takes."""

    def document(self) -> Document:
        """The event as a nested ECS document, the caller's own."""


class Rows(Protocol):
    """A batch of events as the rules see it; FlowBatch is one."""

    count: int

    def column(self, name: str) -> Column | None:
        """The column of a field; None: no event of this kind ever has the field."""

    def known_ns(self, row: int) -> int:
        """When the event became known, nanoseconds of packet time; rises with the row."""

    def times_ns(self) -> NDArray[np.int64]:
        """`known_ns` of every row."""

    def keep(self, row: int) -> Kept:
        """One event, to be kept beyond the batch."""

    def documents(self, rows: Sequence[int]) -> list[Document]:
        """The events of some rows as nested ECS documents, each the caller's own."""
