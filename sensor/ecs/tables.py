"""Documents and flow records as rows of tables: names of columns, cells of CSV, sortable addresses.

A column has the name of its field with `_` for `.`, which no query language wants quoted:
`source.ip` is `source_ip`, `@timestamp` is `timestamp`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from sensor.base.escape import harmless
from sensor.ecs import schema
from sensor.ecs.columns import column_of
from sensor.ecs.field import Absent, Computed, Field
from sensor.model.addresses import address_text
from sensor.model.columns import AddressColumn, CodedColumn, Column, NumberColumn
from sensor.model.flow import FlowRecords

HEX = "_hex"
HEX_DIGITS = 32
"""Of 128 bits; an IPv4 address stands behind ::ffff:, so that one order holds for both."""
SORTABLE = ("source.ip", "destination.ip")
"""The addresses that have a second column, in which networks are ranges."""

FlowColumn = tuple[str, Field, Column | None]
"""Name of the column, its field, and its values; None: no row has any."""


def column_name(field: str) -> str:
    """The column of a field: a name that SQL takes without quotes."""
    return field.removeprefix("@").replace(".", "_").replace("-", "_")


def flow_fields(batch: FlowRecords) -> Iterator[Field]:
    """The fields that flow records have as columns: the same for every batch of a run."""
    for field in schema.FIELDS:
        is_created = field.reading == Computed("created")
        if not isinstance(field.reading, Absent) and (schema.created_ns(batch) or not is_created):
            yield field
    for pairs in schema.GROUP_FIELDS.values():
        yield pairs[0][1]


def flow_columns(batch: FlowRecords) -> Iterator[FlowColumn]:
    """The columns of flow records, with their values."""
    for field in flow_fields(batch):
        yield column_name(field.name), field, column_of(batch, field.name)


def hex_texts(column: AddressColumn) -> bytes:
    """The addresses one behind the other, each as 32 hexadecimal digits."""
    octets = np.stack((column.hi, column.lo), axis=1).astype(">u8").tobytes()
    return octets.hex().encode()


def flow_csv(batch: FlowRecords) -> bytes:
    """Flow records as CSV (RFC 4180) without a header, a column for each of `flow_csv_names`."""
    cells: list[Sequence[str]] = []
    for name, field, column in flow_columns(batch):
        cells.append(_cells(column, len(batch)))
        if field.name in SORTABLE and isinstance(column, AddressColumn):
            digits = hex_texts(column).decode()
            cells.append([digits[at : at + HEX_DIGITS] for at in range(0, len(digits), HEX_DIGITS)])
        assert len(cells[-1]) == len(batch), name
    return csv_lines(zip(*cells, strict=True))


def flow_csv_names(batch: FlowRecords) -> list[str]:
    """The columns of `flow_csv`."""
    names = []
    for field in flow_fields(batch):
        name = column_name(field.name)
        names += [name, name + HEX] if field.name in SORTABLE else [name]
    return names


def csv_lines(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows of cells as CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def cell(value: Any) -> str:
    """A value as text; what a spreadsheet would take for a formula is text for it, too."""
    if value is None:
        return ""
    text = ";".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    text = harmless(text.replace("\r", "\\r").replace("\n", "\\n"))
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text


def _cells(column: Column | None, count: int) -> Sequence[str]:
    match column:
        case NumberColumn(values, valid):
            texts = list(map(str, values.tolist()))
            if valid is None:
                return texts
            pairs = zip(texts, valid.tolist(), strict=True)
            return [text if is_there else "" for text, is_there in pairs]
        case AddressColumn(hi, lo, _):
            return [address_text(*pair) for pair in zip(hi.tolist(), lo.tolist(), strict=True)]
        case CodedColumn(codes, table, _):
            entries = [cell(values) for values in table]
            return [entries[code] for code in codes.tolist()]
    return [""] * count
