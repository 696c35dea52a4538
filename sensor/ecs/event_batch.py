"""EventBatch: documents of protocol events on their way into a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import orjson

from sensor.ecs.protocol_fields import FROM_THE_FLOW, PROTOCOL_EVENT_FIELDS
from sensor.ecs.schema import FLOW_FIELDS
from sensor.model.columns import Document

COLUMNS = {
    **{name: FLOW_FIELDS[name] for name in FROM_THE_FLOW},
    **{field.name: field for field in PROTOCOL_EVENT_FIELDS},
}
"""The fields of tables."""
ROW_BYTES = 4096
"""About what a document takes in memory."""


class EventBatch:
    """Documents, as JSON lines or as the rows of a table."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = documents
        self.count = len(documents)

    @property
    def nbytes(self) -> int:
        """About how much memory they take."""
        return self.count * ROW_BYTES

    def to_json_lines(self) -> bytes:
        """NDJSON, one ECS document a line."""
        return b"".join(orjson.dumps(document) + b"\n" for document in self.documents)

    def to_csv(self) -> bytes:
        """CSV (RFC 4180) without a header: a column for each of COLUMNS, lists joined by `;`."""
        text = io.StringIO()
        writer = csv.writer(text)
        for document in self.documents:
            writer.writerow([_cell(value_at(document, name)) for name in COLUMNS])
        return text.getvalue().encode()

    def to_arrow(self) -> Any:
        """A pyarrow.Table with a column for each of COLUMNS. Errors: ImportError."""
        import pyarrow  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415

        text = pyarrow.string()
        arrays = {}
        for name, field in COLUMNS.items():
            values = [value_at(document, name) for document in self.documents]
            if field.array:
                arrays[name] = pyarrow.array(values, pyarrow.list_(text))
            elif field.type == "long":
                arrays[name] = pyarrow.array(values, pyarrow.int64())
            elif field.type == "float":
                arrays[name] = pyarrow.array(values, pyarrow.float64())
            elif field.type == "boolean":
                arrays[name] = pyarrow.array(values, pyarrow.bool_())
            elif field.type == "date":
                stamps = pyarrow.array([str(value)[:-1] if value else None for value in values])
                arrays[name] = stamps.cast(pyarrow.timestamp("ns")).cast(
                    pyarrow.timestamp("ns", tz="UTC"))
            else:
                arrays[name] = pyarrow.array(values, text)
        return pyarrow.table(arrays)


def value_at(document: Document, name: str) -> Any:
    """The value of a dotted name; None where there is none."""
    found: Any = document
    for part in name.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(part)
    return found


def _cell(value: Any) -> str:
    """A value as text; what a spreadsheet would take for a formula is text for it, too."""
    if value is None:
        return ""
    text = ";".join(map(str, value)) if isinstance(value, list) else str(value)
    text = text.replace("\r", "\\r").replace("\n", "\\n")
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
