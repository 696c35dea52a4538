"""Flow events as an Arrow table or a data frame; pyarrow and pandas are optional."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from sensor.ecs import schema
from sensor.ecs.columns import column_of
from sensor.ecs.field import Field
from sensor.model.addresses import address_text
from sensor.model.columns import AddressColumn, CodedColumn, Column, NumberColumn
from sensor.model.flow import FlowRecords


def table_of(batch: FlowRecords) -> Any:
    """A pyarrow.Table with a column for each field that the batch's documents can have.

    Numbers are as in the records, dates timestamps in UTC, addresses and the rest text; fields that
    documents hold as arrays are lists.

    Errors: ImportError if pyarrow is not installed.
    """
    try:
        import pyarrow  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(
            "to_arrow needs the package pyarrow: pip install 'flow-sensor[parquet]'"
        ) from error
    arrays = {}
    for field in (*schema.FIELDS, *(pairs[0][1] for pairs in schema.GROUP_FIELDS.values())):
        column = column_of(batch, field.name)
        if column is not None:
            arrays[field.name] = _array(pyarrow, column, field)
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
