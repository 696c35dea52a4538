"""FlowBatch: the currency between the flow table and the rules.

A row is a *flow event*: the state of a flow at the moment at which something about it became known
(it was accepted, refused, dropped, or it ended). Every flow yields a row when it ends, and before
that one for each thing that became known earlier. Rows come in the order in which they became
known. The members of a row are those of `records.FLOW_LAYOUT`; the codes in them are indices into
the tables below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from sensor.base.escape import harmless
from sensor.ecs.arrow import frame_of, table_of
from sensor.ecs.columns import column_of
from sensor.ecs.field_text import value_at
from sensor.ecs.tables import csv_lines, flow_csv, flow_csv_names
from sensor.ecs.writer import render_json_lines
from sensor.model.columns import CodedColumn, Column, Document
from sensor.model.flow import FlowContext

ROWS_SHOWN = 20
SHOWN = {
    "start": "event.start", "source": "source.ip", "port": "source.port",
    "destination": "destination.ip", "its port": "destination.port",
    "transport": "network.transport", "protocol": "network.protocol",
    "verdict": "sensor.flow.verdict", "evidence": "sensor.flow.evidence",
    "octets": "network.bytes", "ns": "event.duration",
}  # fmt: skip
"""The columns that a notebook shows of flows: heading and field."""


class KeptFlow:
    """One flow event that outlives its batch."""

    __slots__ = ("_batch", "_record")

    size = 512
    """About how many octets of memory it takes, the record and what surrounds it."""

    def __init__(self, record: bytes, batch: FlowBatch) -> None:
        self._record = record
        self._batch = batch
        """A batch without events: what is true of each of them."""

    def _alone(self) -> FlowBatch:
        records = np.frombuffer(bytearray(self._record), self._batch.records.dtype)
        return FlowBatch(records, self._batch.context, self._batch.created_ns)

    @property
    def known_ns(self) -> int:
        """The time at which the event became known."""
        return self._alone().known_ns(0)

    def document(self) -> Document:
        """The event as a nested ECS document."""
        return self._alone().document(0)


class FlowBatch:
    """Flow events as columns: `records` is a numpy array of `records.FLOW_LAYOUT`."""

    def __init__(
        self, records: NDArray[np.void], context: FlowContext, created_ns: int = 0
    ) -> None:
        self.records = records
        self.context = context
        self.created_ns = created_ns
        """Wall clock of `event.created` in live capture; whoever makes the batch reads it."""
        self.count = len(records)
        self._columns: dict[str, Column | None] = {}
        self._octets = memoryview(b"")
        self._shell: FlowBatch | None = None

    def __len__(self) -> int:
        return self.count

    @property
    def nbytes(self) -> int:
        """The octets of its records."""
        return int(self.records.nbytes)

    def __repr__(self) -> str:
        column = self.column("sensor.flow.verdict")
        assert isinstance(column, CodedColumn)
        numbers = np.bincount(column.codes, minlength=len(column.table)).tolist()
        verdicts = ", ".join(f"{count:,} {entry[0]}"
                             for count, entry in zip(numbers, column.table, strict=True) if count)
        return f"<FlowBatch of {self.count:,} flow{'s'[:self.count != 1]}: {verdicts or 'empty'}>"

    def _repr_html_(self) -> str:
        """The first rows as a notebook shows them."""
        head = "".join(f"<th>{name}</th>" for name in SHOWN)
        rows = [[escape(harmless(_value(document, name))) for name in SHOWN.values()]
                for document in self.part(0, min(ROWS_SHOWN, self.count))]
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
        return (f"<table><caption>{escape(repr(self)[1:-1])}</caption><tr>{head}</tr>{body}"
                "</table>")

    def __iter__(self) -> Iterator[Document]:
        return iter(self.to_dicts())

    def column(self, name: str) -> Column | None:
        """The column of an ECS field, or None where the sensor's events never have it."""
        if name not in self._columns:
            self._columns[name] = column_of(self, name)
        return self._columns[name]

    def part(self, first: int, last: int) -> FlowBatch:
        """The rows from `first` up to, not including, `last`."""
        if last - first == len(self.records):
            return self
        return FlowBatch(self.records[first:last], self.context, self.created_ns)

    def known_ns(self, row: int) -> int:
        """Packet time at which the event became known: the order of sequences and windows."""
        return int(self.records["known_ns"][row])

    def times_ns(self) -> NDArray[np.int64]:
        """`known_ns` of every row."""
        times: NDArray[np.int64] = self.records["known_ns"]
        return times

    def keep(self, row: int) -> KeptFlow:
        """One event, to be kept beyond the batch: the octets of its record are copied."""
        if self._shell is None:  # numpy copies a single record member by member: slow
            self._octets = np.ascontiguousarray(self.records).view(np.uint8).data
            self._shell = FlowBatch(self.records[:0].copy(), self.context, self.created_ns)
        size = self.records.itemsize
        return KeptFlow(bytes(self._octets[row * size : (row + 1) * size]), self._shell)

    def document(self, row: int) -> Document:
        """One event as a nested ECS document."""
        return self.documents([row])[0]

    def documents(self, rows: Sequence[int]) -> list[Document]:
        """Some events as nested ECS documents, each the caller's own."""
        return FlowBatch(self.records[list(rows)], self.context, self.created_ns).to_dicts()

    def to_json_lines(self) -> bytes:
        """All events as NDJSON, one ECS document a line."""
        return render_json_lines(self)

    def to_dicts(self) -> list[Document]:
        """All events as nested ECS documents."""
        return [orjson.loads(line) for line in self.to_json_lines().splitlines()]

    def csv_header(self) -> bytes:
        """The line of names that belongs in front of `to_csv`."""
        return csv_lines([flow_csv_names(self)])

    def to_csv(self) -> bytes:
        """All events as CSV, columns as in `to_arrow`; lists are joined by `;`."""
        return flow_csv(self)

    def to_arrow(self) -> Any:
        """All events as a pyarrow.Table with one column for each field that flows can have.

        A column is named as its field, with `_` for `.`: `source_ip`, `timestamp`.

        Errors: ImportError if pyarrow is not installed.
        """
        return table_of(self)

    def to_pandas(self) -> Any:
        """All events as a pandas.DataFrame, columns as in `to_arrow`.

        Errors: ImportError if pyarrow or pandas is not installed.
        """
        return frame_of(self)


def _value(document: Document, name: str) -> str:
    """A value as text; empty where there is none."""
    found = value_at(document, name)
    return "" if found is None else str(found)
