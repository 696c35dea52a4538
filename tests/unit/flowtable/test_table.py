"""The loop of the flow table: events are handed over in order, however many come at once."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conversation import ends
from tests.memory_capture import MemoryCapture
from tests.running import run_capture
from tests.unit.flowtable.stories import bystander, crowd


@pytest.mark.parametrize("handover", [1, 8192, 100_000])
def test_more_events_at_once_than_the_buffer_holds(handover):
    """9,000 attempts time out at once: two events each."""
    frames = [*crowd(9_000), *bystander(40).frames]
    run = run_capture(MemoryCapture(frames), handover_events=handover)
    assert Counter(run.actions()) == {"flow_dropped": 9_001, "network_flow": 9_001}
    known = [int(row["known_ns"]) for row in run.rows]
    assert known == sorted(known)


def test_overflow_at_the_end_of_a_batch():
    """The batch's last packet makes everything due; its own flow comes after all."""
    frames = [*crowd(9_000), *bystander(40).frames]
    whole = run_capture(MemoryCapture(frames))
    single = run_capture(MemoryCapture(frames, batch_frames=1_000))
    assert whole.events == single.events
    assert ends(whole.records[-1])[1] == 1_111
