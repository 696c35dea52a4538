"""Flow records as rows of a dataset of many files: few columns, small, for years of them.

What follows from other columns is left out (`LEFT_OUT` says from which), identifiers are octets,
and IPv4 addresses also stand as numbers, in which networks are ranges. Columns are named as in
`sensor.ecs.tables`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sensor.base.units import MASK32
from sensor.ecs import identifiers
from sensor.ecs.arrow import ArrowColumns
from sensor.ecs.field import Address, Constant, Field, Number, Timestamp
from sensor.ecs.schema import FIELDS, GROUP_FIELDS, MIRRORS
from sensor.ecs.tables import column_name
from sensor.model.addresses import V4_PREFIX
from sensor.model.flow import FlowRecords

IP4 = "4"
"""Ends the name of a column with IPv4 addresses as unsigned 32-bit numbers: `source_ip4`."""
LEFT_OUT = {
    "@timestamp": "event.end of a record",
    "event.dataset": "network.transport",
    "event.type": "event.action",
    "event.outcome": "event.action and sensor.flow.verdict",
    "event.id": "flow.id, event.action and @timestamp",
    "event.duration": "event.end - event.start",
    "event.created": "nothing: when the record was made",
    "data_stream.dataset": "network.transport",
    "flow.final": "event.action",
    "network.bytes": "source.bytes + destination.bytes",
    "network.packets": "source.packets + destination.packets",
    "network.type": "source.ip",
    "related.ip": "source.ip and destination.ip",
    "observer.version": "nothing: of the sensor",
}
"""Fields of flow records that the dataset lacks, and what they follow from; besides the objects
that are equal to others (client and server) and what is the same in every record."""
OCTETS = {
    "flow.id": identifiers.FLOW_ID_OCTETS,
    "network.community_id": identifiers.COMMUNITY_OCTETS,
}
"""The identifiers: 16 octets, and the 20 of the SHA-1 behind the `1:` of a Community ID."""


def is_kept(field: Field) -> bool:
    """True if the dataset has a column for a field of flow records."""
    return (field.name not in LEFT_OUT and not isinstance(field.reading, Constant)
            and field.name.split(".")[0] not in MIRRORS)


KEPT = (*filter(is_kept, FIELDS), *(pairs[0][1] for pairs in GROUP_FIELDS.values()))
"""The fields that are columns, in their order."""
DELTA_COLUMNS = [
    column_name(field.name) for field in KEPT
    if isinstance(field.reading, Timestamp | Number) and field.type in ("date", "long")]
"""Columns of numbers that rarely repeat, but lie near each other."""
DICTIONARY_COLUMNS = [
    *(column_name(field.name) for field in KEPT
      if field.name not in OCTETS and column_name(field.name) not in DELTA_COLUMNS),
    *(column_name(field.name) + IP4 for field in KEPT if isinstance(field.reading, Address))]
"""Columns of values that repeat."""


def dataset_table(batch: FlowRecords) -> Any:
    """A pyarrow.Table with the columns of the dataset.

    Errors: ImportError if pyarrow is not installed.
    """
    import pyarrow  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415

    columns = ArrowColumns(pyarrow, batch, coded=True)
    arrays = {}
    for field in KEPT:
        name = column_name(field.name)
        if field.name in OCTETS:
            arrays[name] = columns.identifier_octets(OCTETS[field.name])
        else:
            arrays[name] = columns.array(field)
        if isinstance(field.reading, Address):
            hi, lo = columns.halves(field.reading.member)
            is_v4 = (hi == 0) & (lo >> 32 == V4_PREFIX >> 32)
            arrays[name + IP4] = pyarrow.array((lo & MASK32).astype(np.uint32), mask=~is_v4)
    return pyarrow.table(arrays)
