"""Flow events as an Arrow table or a data frame; pyarrow and pandas are optional."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from sensor.ecs.field import Field
from sensor.ecs.tables import HEX, HEX_DIGITS, SORTABLE, flow_columns, hex_texts
from sensor.model.addresses import address_text
from sensor.model.columns import AddressColumn, CodedColumn, Column, NumberColumn
from sensor.model.flow import FlowRecords


def table_of(batch: FlowRecords) -> Any:
    """A pyarrow.Table with a column for each field that documents of flows can have.

    Columns are named as in `sensor.ecs.tables`. Numbers are as in the records, dates timestamps in
    UTC, addresses and the rest text; fields that documents hold as arrays are lists.

    Errors: ImportError if pyarrow is not installed.
    """
    try:
        import pyarrow  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(
            "to_arrow needs the package pyarrow: pip install 'flow-sensor[parquet]'"
        ) from error
    arrays = {}
    nothing = np.zeros(len(batch), dtype=np.int32)
    for name, field, column in flow_columns(batch):
        arrays[name] = _array(pyarrow, column or CodedColumn(nothing, ((),), field.type), field)
        if field.name in SORTABLE and isinstance(column, AddressColumn):
            arrays[name + HEX] = _hex(pyarrow, column)
    return pyarrow.table(arrays)


def frame_of(batch: FlowRecords) -> Any:
    """A pandas.DataFrame with the columns of `table_of`.

    Errors: ImportError if pyarrow or pandas is not installed.
    """
    try:
        import pandas  # type: ignore  # noqa: F401, PLC0415  Arrow's to_pandas needs it
    except ImportError as error:
        raise ImportError("to_pandas needs the package pandas: pip install pandas") from error
    return table_of(batch).to_pandas()


def _array(pyarrow: ModuleType, column: Column, field: Field) -> object:
    match column:
        case NumberColumn(values, valid):
            return pyarrow.array(values, mask=None if valid is None else ~valid)
        case AddressColumn(hi, lo, _):
            texts = [address_text(*pair) for pair in zip(hi.tolist(), lo.tolist(), strict=True)]
            return pyarrow.array(texts, pyarrow.string())
        case CodedColumn():
            return _coded(pyarrow, column, field)


def _hex(pyarrow: ModuleType, column: AddressColumn) -> object:
    count = len(column.hi)
    ends = np.arange(0, (count + 1) * HEX_DIGITS, HEX_DIGITS, dtype=np.int32)
    return pyarrow.StringArray.from_buffers(
        count, pyarrow.py_buffer(ends), pyarrow.py_buffer(hex_texts(column)))


def _coded(pyarrow: ModuleType, column: CodedColumn, field: Field) -> object:
    table = column.table
    types = {"boolean": pyarrow.bool_(), "float": pyarrow.float64(), "long": pyarrow.int64()}
    value_type = types.get(field.type, pyarrow.string())
    if field.array:
        entries = pyarrow.array([list(values) or None for values in table],
                                pyarrow.list_(value_type))
    else:
        entries = pyarrow.array([values[0] if values else None for values in table], value_type)
    if field.type == "date":
        stamps = [str(values[0])[:-1] if values else "NaT" for values in table]
        entries = pyarrow.array(np.array(stamps, dtype="datetime64[ns]")).cast(
            pyarrow.timestamp("ns", tz="UTC"))
    return entries.take(pyarrow.array(column.codes))
