"""The order in which the flows in progress end where the capture does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sensor.memory.records import RecordArray
from sensor.model.flow import FLOW_ORDER


def in_order_of_beginning(
    records: RecordArray, ticks: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint32]:
    """The places of the flows that have a deadline, those of flows that began first before others.

    `records` are the flows by place, `ticks` their deadlines, 0 where there is no flow.
    """
    slots = np.flatnonzero(ticks)
    first_ns = records["first_ns"][slots]
    order = np.argsort(first_ns, kind="stable")
    slots, first_ns = slots[order], first_ns[order]
    if (first_ns[1:] == first_ns[:-1]).any():
        slots = slots[np.lexsort([records[name][slots] for name in reversed(FLOW_ORDER)])]
    return slots.astype(np.uint32)
