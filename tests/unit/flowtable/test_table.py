"""The loop of the flow table: events are handed over in order, however many come at once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from sensor.config import FlowLimits
from sensor.decode import decode
from sensor.flowtable.table import FlowTable
from sensor.model.flow import FLOW_DROPPED, FLOW_ENDED
from sensor.model.frames import FrameBatch
from sensor.model.packets import PacketBatch
from tests.conversation import SECOND_NS, START_NS, Talk
from tests.memory_capture import MemoryCapture
from tests.running import run_capture
from tests.unit.flowtable.stories import bystander, crowd


@pytest.mark.parametrize("handover", [1, 8192, 100_000])
def test_more_events_at_once_than_the_buffer_holds(handover):
    """9,000 attempts time out at once: two events each."""
    frames = [*crowd(9_000), *bystander(40).frames]
    run = run_capture(MemoryCapture(frames), handover_events=handover, documents=False)
    actions = Counter(int(row["action"]) for row in run.rows)
    assert actions == {FLOW_DROPPED: 9_001, FLOW_ENDED: 9_001}
    known = [int(row["known_ns"]) for row in run.rows]
    assert known == sorted(known)


def test_overflow_at_the_end_of_a_batch():
    """The batch's last packet makes everything due; its own flow comes after all."""
    frames = [*crowd(9_000), *bystander(40).frames]
    whole = run_capture(MemoryCapture(frames), documents=False)
    single = run_capture(MemoryCapture(frames, batch_frames=1_000), documents=False)
    assert [row.tobytes() for row in whole.rows] == [row.tobytes() for row in single.rows]
    assert int(whole.rows[-1]["orig_port"]) == 1_111


# ---- batches as a live capture gives them -------------------------------------------------------


def datagrams(count: int) -> list[bytes]:
    talk = Talk(ports=(40_000, 53))
    for _ in range(count):
        talk.client.udp(0)
    return [octets for _, octets in talk.frames]


def given(table: FlowTable, frames: list[tuple[int, bytes]], watermark_ns: int,
          processes: tuple[int, ...] = ()) -> Any:  # fmt: skip
    """The events of a batch of frames at these times, and of time that passes up to a watermark."""
    batch, packets = FrameBatch(max(len(frames), 1)), PacketBatch(max(len(frames), 1))
    batch.attach(b"".join(octets for _, octets in frames) or b"\0")
    at = 0
    for row, (time, octets) in zip(batch.records, frames, strict=False):
        row["time_ns"], row["offset"], row["link"] = START_NS + time, at, 1
        row["captured"] = row["wire"] = len(octets)
        at += len(octets)
    if processes:
        batch.records["process"] = processes
    batch.count = len(frames)
    batch.watermark_ns = START_NS + watermark_ns
    decode(batch, packets)
    while not table.advance(packets):
        pass
    return table.take()


HOUR_NS = 3_600 * SECOND_NS


@pytest.mark.parametrize(("watermark_ns", "ended"), [
    (59 * SECOND_NS, 0), (61 * SECOND_NS, 1), (HOUR_NS, 1), (HOUR_NS + 1, 0), (-SECOND_NS, 0)])
def test_a_watermark_lets_time_pass(watermark_ns: int, ended: int) -> None:
    """An hour at most, as packets do: a clock may be set."""
    for apart in (False, True):
        table = FlowTable(FlowLimits(flows_max=10))
        frames = [(0, octets) for octets in datagrams(2)]
        if apart:
            assert len(given(table, frames, 0)) == 0
        events = given(table, [] if apart else frames, watermark_ns)
        assert (events["action"] == FLOW_ENDED).sum() == ended, apart
        assert table.counters()["flows_open"] == 1 - ended


def test_an_idle_capture_gives_the_first_packet_its_flow() -> None:
    """Nothing follows that could confirm its time: the clock does."""
    table = FlowTable(FlowLimits(flows_max=10))
    assert len(given(table, [], 0)) == 0
    given(table, [(0, datagrams(1)[0])], 0)
    assert table.counters()["flows_open"] == 0
    given(table, [], 1_000)
    assert table.counters()["flows_open"] == 1


def test_time_passes_for_nobody_before_the_first_packet() -> None:
    table = FlowTable(FlowLimits(flows_max=10))
    for watermark in (0, HOUR_NS, 2 * HOUR_NS):
        assert len(given(table, [], watermark)) == 0
    frames = [(5 * HOUR_NS, octets) for octets in datagrams(2)]
    assert len(given(table, frames, 5 * HOUR_NS)) == 0
    assert (table.counters()["time_backwards"], table.counters()["time_jumps"]) == (0, 0)


@pytest.mark.parametrize(("processes", "kept"), [
    ((5, 7), 5), ((0, 7), 7), ((5, 0), 5), ((0, 0), 0), ((7, 7), 7)])
def test_a_flow_belongs_to_the_process_that_is_known_first(
    processes: tuple[int, int], kept: int
) -> None:
    table = FlowTable(FlowLimits(flows_max=10))
    given(table, [(0, octets) for octets in datagrams(2)], 0, processes)
    while not table.drain():
        pass
    assert table.take()["process"].tolist()[-1] == kept
