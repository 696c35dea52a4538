"""Flow events as an Arrow table or a data frame; pyarrow and pandas are optional.

Columns are made from the buffers of numpy arrays and of packed texts, without a Python object for
any value.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sensor.ecs import field as fields
from sensor.ecs import identifiers, schema
from sensor.ecs.columns import column_of, event_times, when_mask
from sensor.ecs.field import Field
from sensor.ecs.member_columns import MemberColumns
from sensor.ecs.packed_texts import address_texts, mac_texts
from sensor.ecs.tables import HEX, HEX_DIGITS, SORTABLE, column_name, flow_fields, hex_texts
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
    builder = ArrowColumns(pyarrow, batch)
    arrays = {}
    for field in flow_fields(batch):
        name = column_name(field.name)
        arrays[name] = builder.array(field)
        if field.name in SORTABLE:
            arrays[name + HEX] = builder.hex(field)
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


class Turned:
    """A batch whose records are columns already."""

    def __init__(self, batch: FlowRecords) -> None:
        self.records = cast("NDArray[np.void]", MemberColumns(batch.records))
        self.context = batch.context
        self.created_ns = batch.created_ns

    def __len__(self) -> int:
        return len(self.records)


class ArrowColumns:
    """The fields of some flow records as pyarrow arrays.

    `coded`: values of small sets become dictionaries, which Parquet stores as they are.
    """

    def __init__(self, pyarrow: ModuleType, batch: FlowRecords, *, coded: bool = False) -> None:
        self._pyarrow = pyarrow
        self._records = batch.records
        self._batch = Turned(batch)
        self._coded = coded
        self._addresses: dict[str, Any] = {}

    def array(self, field: Field) -> Any:
        """The column of a field; nulls where no record has a value."""
        reading, batch = field.reading, self._batch
        match reading:
            case fields.Address(member):
                return self._address(member)
            case fields.Timestamp(member):
                return self.times(batch.records[member])
            case fields.Mac(member):
                texts, ends = mac_texts(self._records, member)
                return self._strings(texts, ends, when_mask(batch, field.when))
            case fields.Computed(what) if what in _COMPUTED:
                return _COMPUTED[what](self)
        column = column_of(batch, field.name)
        return self._of_column(column, field)

    def hex(self, field: Field) -> Any:
        """The addresses of a field as hexadecimal digits."""
        assert isinstance(field.reading, fields.Address)
        hi, lo = self.halves(field.reading.member)
        return self._fixed_texts(hex_texts(AddressColumn(hi, lo)), HEX_DIGITS)

    def halves(self, member: str) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The halves of an address, whose upper one is `member`."""
        records = self._batch.records
        lower = member.replace("_hi", "_lo")
        return np.ascontiguousarray(records[member]), np.ascontiguousarray(records[lower])

    def identifiers(self, which: int) -> Any:
        """One of identifiers.COMMUNITY and so on, as text."""
        octets = identifiers.identifier_octets(self._records, which)
        return self._fixed_texts(octets, identifiers.WIDTHS[which])

    def identifier_octets(self, which: int) -> Any:
        """One of identifiers.COMMUNITY_OCTETS and so on."""
        pyarrow = self._pyarrow
        octets = identifiers.identifier_octets(self._records, which)
        kind = pyarrow.binary(identifiers.WIDTHS[which])
        return pyarrow.Array.from_buffers(kind, len(self._batch),
                                          [None, pyarrow.py_buffer(octets)])

    def times(self, times_ns: NDArray[np.int64]) -> Any:
        """Nanoseconds since 1970 as timestamps; before that there is none (ecs/text.py)."""
        pyarrow = self._pyarrow
        return pyarrow.array(np.maximum(times_ns, 0)).view(pyarrow.timestamp("ns", tz="UTC"))

    def event_times(self) -> Any:
        """`@timestamp`."""
        return self.times(event_times(self._batch.records))

    def history(self) -> Any:
        """The letters of each record that has any."""
        rows = self._batch.records
        length = np.bitwise_count(rows["history_seen"])
        letters = np.ascontiguousarray(rows["history"])
        used = letters[np.arange(letters.shape[1], dtype=np.uint8) < length[:, None]]
        ends = np.zeros(len(rows) + 1, np.int32)
        np.cumsum(length, out=ends[1:])
        return self._strings(used.astype(np.uint8).tobytes(), ends, length != 0)

    def related(self) -> Any:
        """Both addresses of each record as a list; one if they are equal."""
        pyarrow, rows = self._pyarrow, self._batch.records
        count = len(rows)
        both = pyarrow.concat_arrays([self._address("orig_hi"), self._address("resp_hi")])
        differ = (rows["orig_hi"] != rows["resp_hi"]) | (rows["orig_lo"] != rows["resp_lo"])
        places = np.arange(2 * count, dtype=np.int32).reshape(2, count).T
        chosen = np.stack((np.ones(count, bool), differ), axis=1)
        ends = np.zeros(count + 1, np.int32)
        np.cumsum(1 + differ, out=ends[1:])
        return pyarrow.ListArray.from_arrays(pyarrow.array(ends), both.take(
            pyarrow.array(places[chosen])))

    def _address(self, member: str) -> Any:
        if member not in self._addresses:
            self._addresses[member] = self._strings(*address_texts(self._records, member))
        return self._addresses[member]

    def _strings(
        self, texts: bytes | bytearray, ends: NDArray[np.int32],
        valid: NDArray[np.bool_] | None = None
    ) -> Any:
        """Texts that stand one behind the other; null where `valid` says that there is none."""
        pyarrow = self._pyarrow
        buffer = pyarrow.py_buffer
        bits = None if valid is None else buffer(np.packbits(valid, bitorder="little").tobytes())
        return pyarrow.StringArray.from_buffers(len(ends) - 1, buffer(ends), buffer(texts), bits)

    def _fixed_texts(self, texts: bytes | bytearray, width: int) -> Any:
        count = len(self._batch)
        return self._strings(texts, np.arange(0, (count + 1) * width, width, dtype=np.int32))

    def _of_column(self, column: Column | None, field: Field) -> Any:
        pyarrow = self._pyarrow
        match column:
            case NumberColumn(values, valid):
                return pyarrow.array(values, mask=None if valid is None else ~valid)
            case CodedColumn(codes, table, _):
                return self._of_codes(codes, table, field)
        assert column is None, f"{field.name}: addresses have a reading of their own"
        return pyarrow.nulls(len(self._batch), self._type(field))

    def _type(self, field: Field) -> Any:
        """The type of a column that is made of a table of values."""
        pyarrow = self._pyarrow
        types = {"boolean": pyarrow.bool_(), "float": pyarrow.float64(), "long": pyarrow.int64(),
                 "date": pyarrow.timestamp("ns", tz="UTC")}
        kind = types.get(field.type, pyarrow.string())
        if field.array:
            return pyarrow.list_(kind)
        if self._coded and field.type not in types:
            return pyarrow.dictionary(pyarrow.int32(), kind)
        return kind

    def _of_codes(
        self, codes: NDArray[np.integer], table: tuple[fields.Values, ...], field: Field
    ) -> Any:
        pyarrow = self._pyarrow
        kind = self._type(field)
        if field.array:
            values = pyarrow.array([list(each) or None for each in table], kind)
        elif field.type == "date":
            stamps = [str(each[0])[:-1] if each else "NaT" for each in table]
            values = pyarrow.array(np.array(stamps, dtype="datetime64[ns]")).cast(kind)
        elif self._coded and pyarrow.types.is_dictionary(kind):
            return self._dictionary(codes, table)
        else:
            values = pyarrow.array([each[0] if each else None for each in table], kind)
        return values.take(pyarrow.array(codes))

    def _dictionary(self, codes: NDArray[np.integer], table: tuple[fields.Values, ...]) -> Any:
        """Codes and their values; Parquet knows no null among the values."""
        pyarrow = self._pyarrow
        valid = np.array([values != () for values in table])
        place = np.cumsum(valid, dtype=np.int32) - 1
        missing = None if valid.all() else ~valid[codes]
        return pyarrow.DictionaryArray.from_arrays(
            pyarrow.array(place[codes], mask=missing),
            pyarrow.array([values[0] for values in table if values], pyarrow.string()))


_COMPUTED: dict[str, Callable[[ArrowColumns], Any]] = {
    "event_time": ArrowColumns.event_times,
    "history": ArrowColumns.history,
    "related_ip": ArrowColumns.related,
    "community_id": lambda columns: columns.identifiers(identifiers.COMMUNITY),
    "flow_id": lambda columns: columns.identifiers(identifiers.FLOW_ID),
    "event_id": lambda columns: columns.identifiers(identifiers.EVENT_ID),
}
"""Those that have no small set of values; the others are made from columns."""
assert all(reading in {"created", "duration", "direction", "outcome"} or reading in _COMPUTED
           for reading in (field.reading.what for field in schema.FIELDS
                           if isinstance(field.reading, fields.Computed)))
