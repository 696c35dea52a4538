"""The flows of a run as columns, for whoever looks back at its end."""

from __future__ import annotations

import numpy as np
from numpy.lib.recfunctions import repack_fields
from numpy.typing import NDArray

from sensor.ecs.flow_batch import FlowBatch
from sensor.memory.records import FLOW_LAYOUT
from sensor.model.flow import FLOW_ENDED

FLOWS_MAX = 1_000_000
"""Flows that are kept unless somebody wants fewer, 98 octets each."""
_MEMBERS = ["orig_hi", "orig_lo", "resp_hi", "resp_lo", "first_ns", "last_ns", "bytes",
            "payload_bytes", "orig_port", "resp_port", "protocol", "ip_version", "verdict",
            "evidence", "tags", "application"]  # fmt: skip
_KIND = repack_fields(FLOW_LAYOUT.dtype[_MEMBERS])


class FlowColumns:
    """Stands where the flow file is, and keeps final records; of too many the oldest give way."""

    def __init__(self, flows_max: int = FLOWS_MAX) -> None:
        self.count = 0
        """Flows that ended."""
        self.flows_max = flows_max
        # Zero pages, which take memory when they are first written.
        self._rows = np.zeros(flows_max, _KIND)

    @property
    def kept(self) -> int:
        """Flows of which the columns are there."""
        return min(self.count, self.flows_max)

    def write(self, flows: FlowBatch) -> None:
        """Keep the final records of a batch."""
        ended = np.flatnonzero(flows.records["action"] == FLOW_ENDED)
        self.count += len(ended)
        newest = ended[-self.flows_max :]
        start = (self.count - len(newest)) % self.flows_max
        room = self.flows_max - start
        for name in _MEMBERS:  # numpy takes five times as long for whole records
            values = flows.records[name][newest]
            self._rows[name][start : start + len(newest)] = values[:room]
            self._rows[name][: len(values[room:])] = values[room:]

    def rows(self) -> NDArray[np.void]:
        """One record for each flow that is kept, in no particular order."""
        return self._rows[: self.kept]
