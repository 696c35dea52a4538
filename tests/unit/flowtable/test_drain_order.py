"""Flows that the capture's end finds in progress end in the order in which they began."""

from __future__ import annotations

import numpy as np

from sensor.flowtable.drain_order import in_order_of_beginning
from sensor.memory.records import FLOW_LAYOUT


def test_by_time_then_by_what_tells_flows_apart_whatever_their_places() -> None:
    records = np.zeros(6, FLOW_LAYOUT.dtype)
    records["first_ns"] = [30, 10, 20, 20, 20, 0]
    records["orig_lo"] = [1, 1, 7, 5, 5, 1]
    records["resp_port"] = [1, 1, 1, 443, 80, 1]
    ticks = np.array([4, 4, 4, 4, 4, 0])  # the last place has no flow
    assert in_order_of_beginning(records, ticks).tolist() == [1, 4, 3, 2, 0]


def test_no_flows_have_no_order() -> None:
    assert in_order_of_beginning(np.zeros(3, FLOW_LAYOUT.dtype), np.zeros(3, np.int64)).size == 0
