"""Flow events as an Arrow table."""

from __future__ import annotations

import csv
import io
import ipaddress

import pytest

from sensor.base.escape import harmless
from sensor.ecs.tables import column_name
from tests import ecs
from tests.flow_records import random_batch

pytest.importorskip("pyarrow")


def test_arrow_tables_hold_what_documents_hold():
    batch = random_batch(7)
    table = batch.to_arrow()
    assert table.num_rows == 60
    rows = table.to_pylist()
    for row, found in zip(rows, batch.to_dicts(), strict=True):
        leaves = {column_name(name): value for name, value in dict(ecs.leaves(found)).items()}
        for side in ("source_ip", "destination_ip"):
            address = ipaddress.ip_address(leaves[side])
            number = int(address) + (0xFFFF << 32 if address.version == 4 else 0)
            leaves[f"{side}_hex"] = f"{number:032x}"
        for name, value in row.items():
            if str(table.schema.field(name).type) != "timestamp[ns, tz=UTC]":
                assert value == leaves.get(name), name
    stamps = table.column("event_start").cast("int64").to_pylist()
    assert stamps == [max(t, 0) for t in batch.records["first_ns"].tolist()]
    assert len(batch.to_pandas()) == 60


def test_csv_holds_the_same_as_the_table():
    batch = random_batch(11)
    table = batch.to_arrow()
    names, *rows = csv.reader(io.StringIO((batch.csv_header() + batch.to_csv()).decode()))
    assert names == table.column_names
    assert len(rows) == 60
    for row, wanted in zip(rows, table.to_pylist(), strict=True):
        for name, cell in zip(names, row, strict=True):
            value = wanted[name]
            if value is None:
                assert cell == "", name
            elif isinstance(value, str | int | list) and not isinstance(value, bool):
                text = ";".join(value) if isinstance(value, list) else str(value)
                assert cell.removeprefix("'") == harmless(text.replace("\n", "\\n")), name
