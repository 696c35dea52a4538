"""A lane notices when a packet gets lost in it."""

from __future__ import annotations

import pytest

from sensor.config import FlowLimits
from sensor.flowtable.table import FlowTable
from tests.memory_capture import MemoryCapture
from tests.unit.engine.short_run import conversation, pipeline_of


class Forgetful:
    """A flow table that forgets a packet."""

    def __init__(self):
        self.table = FlowTable(FlowLimits())

    def __getattr__(self, name):
        return getattr(self.table, name)

    def counters(self):
        counters = self.table.counters()
        return {**counters, "packets_in_table": counters["packets_in_table"] - 1}


def test_a_packet_that_gets_lost_is_noticed():
    pipeline = pipeline_of(MemoryCapture(conversation()))
    pipeline.lanes[0].table = Forgetful()
    with pytest.raises(AssertionError, match="7 frames, 6 accounted for"):
        pipeline.run()
