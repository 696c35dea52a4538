"""Join keys: what makes events of a sequence belong together.

Fields of different kinds of events join by what they mean: an address is the same whether its field
is of type ip or text and however it is written, and a number is the text that spells it. Upper and
lower case differ. A field with several values joins by each of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import islice, product

import numpy as np
from numpy.typing import NDArray

from sensor.model.columns import AddressColumn, CodedColumn, Column, Rows, Scalar
from sensor.model.recoding import date_text
from sensor.query.ast import FieldRef
from sensor.query.values import address_of, date_span, term_text

Key = Hashable
KEYS_MAX = 256
"""Keys of one event whose fields are lists; what goes beyond is not joined by."""
_ADDRESS_MAX = 45
"""Characters of the longest address."""


class _Several(tuple[Key, ...]):
    """The values of a field that has more than one."""

    __slots__ = ()


class _Memo(dict[int, Key]):
    """The canonical value of each entry of a column's table, as far as it has been asked for."""

    def __init__(self, column: CodedColumn) -> None:
        super().__init__()
        self.table = column.table
        self.ecs_type = column.ecs_type

    def __missing__(self, code: int) -> Key:
        values = tuple(dict.fromkeys(canonical(value, self.ecs_type) for value in self.table[code]))
        found: Key = None if not values else values[0] if len(values) == 1 else _Several(values)
        self[code] = found
        return found


class Join:
    """The keys of events, by one list of fields."""

    def __init__(self, by: Sequence[FieldRef]) -> None:
        self._by = tuple(by)
        self._memos: dict[str, _Memo] = {}

    def keys(self, rows: Rows, chosen: NDArray[np.intp]) -> tuple[NDArray[np.intp], list[Key]]:
        """Of the chosen rows those that have a key, in order, and the key of each.

        A row has none if a field that is not optional is missing, several if a field is a list.
        """
        if not self._by:
            return chosen, [()] * len(chosen)
        parts = [self._values(rows, ref.name, chosen) for ref in self._by]
        keys: list[Key] = parts[0] if len(parts) == 1 else list(zip(*parts, strict=True))
        missing, several = self._exceptions(parts)
        if not missing and not several:
            return chosen, keys
        kept: list[int] = []
        found: list[Key] = []
        for index, row in enumerate(chosen.tolist()):
            if index in missing:
                continue
            if index in several:
                options: list[tuple[Key, ...]] = [
                    value if isinstance(value := part[index], _Several) else (value,)
                    for part in parts
                ]
                combined: list[tuple[Key, ...]] = list(islice(product(*options), KEYS_MAX))
                found += [option[0] for option in combined] if len(parts) == 1 else combined
                kept += [row] * len(combined)
            else:
                found.append(keys[index])
                kept.append(row)
        return np.array(kept, dtype=np.intp), found

    def _exceptions(self, parts: list[list[Key]]) -> tuple[set[int], set[int]]:
        """Which rows have no key, and which have several."""
        missing: set[int] = set()
        several: set[int] = set()
        for ref, part in zip(self._by, parts, strict=True):
            if not ref.optional and None in part:
                missing.update(index for index, value in enumerate(part) if value is None)
            if _Several in set(map(type, part)):
                several.update(index for index, value in enumerate(part)
                               if isinstance(value, _Several))
        return missing, several

    def _values(self, rows: Rows, name: str, chosen: NDArray[np.intp]) -> list[Key]:
        """The canonical value of each chosen row; None where it has none."""
        column = rows.column(name)
        if column is None:
            return [None] * len(chosen)
        if isinstance(column, CodedColumn):
            memo = self._memos.get(name)
            if memo is None or memo.table is not column.table or memo.ecs_type != column.ecs_type:
                memo = self._memos[name] = _Memo(column)
            return [memo[code] for code in column.codes[chosen].tolist()]
        return _plain(column, chosen)


def _plain(column: Column, chosen: NDArray[np.intp]) -> list[Key]:
    """The canonical values of a column of addresses or numbers."""
    values: list[Key]
    if isinstance(column, AddressColumn):
        halves = zip(column.hi[chosen].tolist(), column.lo[chosen].tolist(), strict=True)
        values = [hi << 64 | lo for hi, lo in halves]
    else:
        assert not isinstance(column, CodedColumn)
        numbers = column.values[chosen].tolist()
        text_of = date_text if column.ecs_type == "date" else _number_text
        values = [text_of(number) for number in numbers]
    if column.valid is not None:
        valid = column.valid[chosen].tolist()
        values = [value if has else None for value, has in zip(values, valid, strict=True)]
    return values


def canonical(value: Scalar, ecs_type: str) -> Key:
    """One form for all ways to write a value: an int for an address, text for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return _number_text(value)
    if ecs_type == "date":
        span = date_span(value)
        return date_text(span[0]) if span else term_text(value)
    if ecs_type == "ip" or _may_be_address(value):
        halves = address_of(value)
        if halves is not None:
            return halves[0] << 64 | halves[1]
    return term_text(value)


def _number_text(value: float) -> str:
    return str(int(value)) if value == value // 1 else repr(value)


def _may_be_address(text: str) -> bool:
    return (text.count(".") == 3 or text.count(":") >= 2) and len(text) <= _ADDRESS_MAX
