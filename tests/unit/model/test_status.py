"""What a snapshot says was lost."""

from __future__ import annotations

from sensor.model.status import RECORDS, CaptureStatus, SinkStatus, Status, sink_drops


def test_everything_that_was_lost_is_added_up_and_told_apart() -> None:
    sinks = (SinkStatus("syslog", 9, 3, 5, 7, None), SinkStatus("json", 9, 4, 0, 0, None),
             SinkStatus("flows f", 9, 1000, 0, 0, None, RECORDS))  # fmt: skip
    status = Status(0, 1.0, capture=CaptureStatus(500, 20, 2), evicted=100, sinks=sinks)
    assert status.lost == 20 + 100 + 3 + 4 + 1000
    assert sink_drops(status) == 7 and sink_drops(status, RECORDS) == 1000
    assert Status(0, 1.0).lost == 0
