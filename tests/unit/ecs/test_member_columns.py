"""Columns of records that were turned round are the columns of the records."""

from __future__ import annotations

import numpy as np

from sensor.ecs.member_columns import BLOCK_ROWS, MemberColumns
from sensor.memory.records import FLOW_LAYOUT
from tests.flow_records import batch_of, random_batch


def test_every_member_has_its_values() -> None:
    for records in (random_batch(1, BLOCK_ROWS + 77).records, random_batch(2, 60).records[::3],
                    batch_of().records):
        columns = MemberColumns(records)
        assert len(columns) == len(records)
        names = FLOW_LAYOUT.dtype.names
        assert names and len(names) > 20
        for name in names:
            assert columns[name].dtype == records[name].dtype, name
            assert np.array_equal(columns[name], records[name]), name
