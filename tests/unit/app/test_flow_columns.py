"""The flows of a run as columns."""

from __future__ import annotations

from sensor.app.flow_columns import FlowColumns
from sensor.model import flow as flows
from tests.flow_records import batch_of

OVER = {"action": flows.FLOW_ENDED}


def test_without_a_flow_there_are_columns_and_no_rows() -> None:
    rows = FlowColumns(5).rows()
    assert len(rows) == 0 and rows["first_ns"].sum() == 0


def test_only_final_records_count() -> None:
    kept = FlowColumns(5)
    kept.write(batch_of(OVER, {"action": flows.FLOW_ACTIVE}, {"action": flows.FLOW_STARTED}))
    assert kept.count == kept.kept == len(kept.rows()) == 1


def test_of_too_many_the_oldest_give_way_however_they_come() -> None:
    for sizes in ((7,), (3, 4), (1,) * 7, (2, 5)):
        kept, number = FlowColumns(4), 0
        for size in sizes:
            kept.write(batch_of(*(OVER | {"first_ns": number + at} for at in range(size))))
            number += size
        assert sorted(kept.rows()["first_ns"].tolist()) == [3, 4, 5, 6]
        assert (kept.count, kept.kept) == (7, 4)


def test_what_is_kept_is_what_was_written() -> None:
    kept = FlowColumns(4)
    kept.write(batch_of(OVER | {"orig_port": 7, "bytes": (3, 4), "last_ns": 9}))
    (row,) = kept.rows()
    assert (row["orig_port"], row["bytes"].tolist(), row["last_ns"]) == (7, [3, 4], 9)
