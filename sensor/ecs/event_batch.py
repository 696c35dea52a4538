"""EventBatch: protocol events and alerts, which are documents, on their way into a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from sensor.ecs.alert_text import json_line
from sensor.ecs.field import Field
from sensor.ecs.field_text import leaves
from sensor.ecs.protocol_fields import PROTOCOL_EVENT_FIELDS
from sensor.ecs.protocol_fields.flow import FROM_THE_FLOW
from sensor.ecs.schema import ALERT_FIELDS, FLOW_FIELDS
from sensor.ecs.tables import cell, column_name, csv_lines
from sensor.ecs.text import time_text
from sensor.model.alert import Alert
from sensor.model.columns import Document

COLUMNS = {
    **{name: FLOW_FIELDS[name] for name in FROM_THE_FLOW},
    **{field.name: field for field in PROTOCOL_EVENT_FIELDS},
}
"""The fields of tables of protocol events."""
_KNOWN = {**FLOW_FIELDS, **{field.name: field for field in (*ALERT_FIELDS, *PROTOCOL_EVENT_FIELDS)}}
DOCUMENT = "document"
ALERT_COLUMNS = {
    **{name: _KNOWN[name] for name in (
        "@timestamp", "rule.name", "rule.id", "event.severity", "event.risk_score", "message",
        "event.action", "event.outcome", "source.ip", "source.port", "destination.ip",
        "destination.port", "network.transport", "network.direction", "network.protocol",
        "network.community_id", "flow.id", "user.name", "sensor.flow.verdict",
        "sensor.flow.evidence", "sensor.flow.confidence", "sensor.capture.file",
        "sensor.capture.frame", "sensor.alert.id", "sensor.alert.suppressed_count",
    )},
    DOCUMENT: Field(DOCUMENT, "keyword", "the whole alert as JSON"),
}  # fmt: skip
"""The fields of tables of alerts."""
ROW_BYTES = 4096
"""About what a document takes in memory."""


class EventBatch:
    """Documents, as JSON lines or as the rows of a table."""

    def __init__(
        self, documents: Sequence[Document], columns: Mapping[str, Field] = COLUMNS
    ) -> None:
        self.documents = documents
        self.columns = columns
        self.count = len(documents)

    @property
    def nbytes(self) -> int:
        """About how much memory they take."""
        return self.count * ROW_BYTES

    def part(self, first: int, last: int) -> EventBatch:
        """The documents from `first` up to, not including, `last`."""
        return EventBatch(self.documents[first:last], self.columns)

    def to_json_lines(self) -> bytes:
        """NDJSON, one ECS document a line."""
        return b"".join(orjson.dumps(document) + b"\n" for document in self.documents)

    def csv_header(self) -> bytes:
        """The line of names that belongs in front of `to_csv`."""
        return csv_lines([list(map(column_name, self.columns))])

    def to_csv(self) -> bytes:
        """CSV (RFC 4180) without a header: a cell for each column, lists joined by `;`."""
        places = {name: place for place, name in enumerate(self.columns)}
        rows = []
        for document in self.documents:
            rows.append([""] * len(places))
            for name, value in leaves(document):
                if (place := places.get(name)) is not None:
                    rows[-1][place] = cell(value)
        return csv_lines(rows)

    def to_arrow(self) -> Any:
        """A pyarrow.Table with a column for each field. Errors: ImportError."""
        import pyarrow  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415

        text, stamp = pyarrow.string(), pyarrow.timestamp("ns", tz="UTC")
        types = {"long": pyarrow.int64(), "float": pyarrow.float64(), "boolean": pyarrow.bool_(),
                 "date": stamp}  # fmt: skip
        columns = self._columns()
        arrays = {}
        for name, field in self.columns.items():
            kind = pyarrow.list_(text) if field.array else types.get(field.type, text)
            if (values := columns.get(name)) is None:
                arrays[column_name(name)] = pyarrow.nulls(self.count, kind)
            elif kind is stamp:
                times = pyarrow.array([value[:-1] if value else None for value in values], text)
                arrays[column_name(name)] = times.cast(pyarrow.timestamp("ns")).cast(stamp)
            else:
                arrays[column_name(name)] = pyarrow.array(values, kind)
        return pyarrow.table(arrays)

    def _columns(self) -> dict[str, list[Any]]:
        """The values of those columns that have any; most have none."""
        columns: dict[str, list[Any]] = {}
        for row, document in enumerate(self.documents):
            for name, value in leaves(document):
                if (field := self.columns.get(name)) is not None:
                    column = columns.setdefault(name, [])
                    column.extend([None] * (row - len(column)))
                    column.append(_typed(value, field))
        for column in columns.values():
            column.extend([None] * (self.count - len(column)))
        return columns


def alert_batch(alerts: Iterable[Alert]) -> EventBatch:
    """Alerts as rows; those on documents from elsewhere have their time in our form, too."""
    return EventBatch([
        {**alert.document, "@timestamp": time_text(alert.time_ns),
         DOCUMENT: json_line(alert.document).decode().rstrip()}
        for alert in alerts
    ], ALERT_COLUMNS)  # fmt: skip


def _typed(value: Any, field: Field) -> Any:
    """The value as its column has it: documents from elsewhere may have other types."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    if field.array:
        return [str(each) for each in values] or None
    if field.type == "boolean":
        return next((each for each in values if isinstance(each, bool)), None)
    if field.type in ("long", "float"):
        kind = int if field.type == "long" else float
        try:
            return kind(values[0]) if values else None
        except (TypeError, ValueError, OverflowError):
            return None
    return ";".join(map(str, values)) if values else None
