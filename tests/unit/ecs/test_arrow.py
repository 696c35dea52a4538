"""Flow events as an Arrow table."""

from __future__ import annotations

import pytest

from tests import ecs
from tests.flow_records import random_batch

pytest.importorskip("pyarrow")


def test_arrow_tables_hold_what_documents_hold():
    batch = random_batch(7)
    table = batch.to_arrow()
    assert table.num_rows == 60
    rows = table.to_pylist()
    for row, found in zip(rows, batch.to_dicts(), strict=True):
        leaves = dict(ecs.leaves(found))
        for name, value in row.items():
            if str(table.schema.field(name).type) != "timestamp[ns, tz=UTC]":
                assert value == leaves.get(name), name
    stamps = table.column("event.start").cast("int64").to_pylist()
    assert stamps == [max(t, 0) for t in batch.records["first_ns"].tolist()]
    assert len(batch.to_pandas()) == 60
