"""Several workers give what one gives: the same flows and alerts, in the order of time."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sensor.app.outputs import RunOutputs
from sensor.config import FlowLimits
from sensor.decode import Decoder
from sensor.engine.rule_stage import RuleStage
from sensor.engine.workers import OVER, Merge, WorkersPipeline
from sensor.flowtable.table import FlowTable
from sensor.memory.records import FLOW_LAYOUT, allocate
from sensor.model.addresses import Networks
from sensor.model.flow import FlowContext
from tests.conversation import Talk
from tests.memory_capture import MemoryCapture
from tests.running import Collector, run_capture


def events(*known_ns: int) -> Any:
    rows = allocate(FLOW_LAYOUT, max(len(known_ns), 1), True)[1][: len(known_ns)]
    rows["known_ns"] = known_ns
    return rows


def times(merged: Any) -> list[int]:
    return [] if merged is None else merged["known_ns"].tolist()


def test_what_one_worker_knows_waits_until_the_others_have_come_as_far() -> None:
    merge = Merge(2)
    merge.add(0, [events(10, 30)], 30)
    assert times(merge.take()) == []
    merge.add(1, [events(20)], 20)
    assert times(merge.take()) == [10, 20]
    merge.add(1, [], OVER)
    assert times(merge.take()) == [30]


def test_events_wait_for_those_who_have_not_come_as_far() -> None:
    merge = Merge(3)
    assert merge.lagging() == []
    merge.add(0, [events(10, 30)], 30)
    merge.add(1, [], 10)
    assert merge.lagging() == [2]
    merge.add(2, [], 12)
    assert times(merge.take()) == [10]
    assert merge.lagging() == [1, 2]
    merge.add(1, [], OVER)
    merge.add(2, [], 30)
    assert times(merge.take()) == [30]
    assert merge.lagging() == []


def test_of_equal_times_the_first_worker_comes_first() -> None:
    merge = Merge(2)
    rows = events(5)
    rows["orig_port"] = 1
    others = events(5)
    others["orig_port"] = 2
    merge.add(1, [others], OVER)
    merge.add(0, [rows], OVER)
    assert merge.take()["orig_port"].tolist() == [1, 2]


@pytest.mark.parametrize("seed", range(20))
def test_merging_sorts_and_loses_nothing(seed: int) -> None:
    chance = random.Random(seed)
    workers = chance.randint(1, 5)
    merge = Merge(workers)
    queues = [sorted(chance.randint(0, 1000) for _ in range(chance.randint(0, 60)))
              for _ in range(workers)]
    expected = sorted(time for queue in queues for time in queue)
    seen: list[int] = []
    while any(queues):
        worker = chance.choice([index for index, queue in enumerate(queues) if queue])
        count = chance.randint(1, len(queues[worker]))
        part, queues[worker] = queues[worker][:count], queues[worker][count:]
        merge.add(worker, [events(*part)], part[-1])
        seen += times(merge.take())
        assert seen == sorted(seen)
    for worker in range(workers):
        merge.add(worker, [], OVER)
    seen += times(merge.take())
    assert seen == expected


def conversations() -> list[list[Any]]:
    """Frames of thirty sessions, each a list of its own."""
    sessions = []
    for number in range(30):
        talk = Talk(addresses=(f"192.168.1.{10 + number}", "192.0.2.1"))
        start = number * 0.003
        talk.handshake(start)
        if number % 3:
            talk.server.data(start + 0.1)
        talk.close(start + 0.2)
        sessions.append(list(talk.frames))
    return sessions


def run_workers(parts: list[list[Any]]) -> tuple[Collector, dict[str, Any]]:
    collector = Collector()
    context = FlowContext(internal=Networks(()))
    pipeline = WorkersPipeline(
        [MemoryCapture(part, batch_frames=[3, 1, 7]) for part in parts],
        [Decoder().decode for _ in parts],
        [FlowTable(FlowLimits()) for _ in parts],
        RuleStage(collector, RunOutputs(()), context),
    )
    pipeline.run()
    return collector, pipeline.ledger()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_see_what_one_pipeline_sees(workers: int) -> None:
    sessions = conversations()
    whole = sorted((frame for frames in sessions for frame in frames), key=lambda frame: frame[0])
    alone = run_capture(MemoryCapture(whole))
    parts = [sorted((frame for frames in sessions[worker::workers] for frame in frames),
                    key=lambda frame: frame[0]) for worker in range(workers)]
    together, ledger = run_workers(parts)

    def told(documents: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return sorted(
            (one["event"]["action"], one["source"]["ip"], one["sensor"]["flow"]["verdict"],
             one["@timestamp"], one["network"]["packets"]) for one in documents
        )  # fmt: skip

    assert told(together.events) == told(alone.events)
    for name in ("frames", "bytes", "packets", "anomalies"):
        assert ledger[name] == alone.ledger[name]
    assert ledger["flows"]["total"] == alone.ledger["flows"]["total"] == 30


def test_an_error_of_a_worker_comes_out() -> None:
    class Broken(MemoryCapture):
        def __iter__(self) -> Any:
            yield from super().__iter__()
            raise OSError("gone")

    sound, broken = conversations()[:2]
    pipeline = WorkersPipeline(
        [MemoryCapture(sound), Broken(broken)],
        [Decoder().decode, Decoder().decode],
        [FlowTable(FlowLimits()), FlowTable(FlowLimits())],
        RuleStage(Collector(), RunOutputs(()), FlowContext(internal=Networks(()))),
    )
    with pytest.raises(OSError, match="gone"):
        pipeline.run()
