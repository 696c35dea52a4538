"""The order of events is one, however a run is cut: by time, then by the beginnings of flows."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from sensor.app.outputs import RunOutputs
from sensor.config import FlowLimits
from sensor.decode import Decoder
from sensor.engine.event_order import EventOrder, in_order
from sensor.engine.rule_stage import RuleStage
from sensor.engine.workers import WorkersPipeline
from sensor.flowtable.table import FlowTable
from sensor.memory.records import FLOW_LAYOUT, allocate
from sensor.model.addresses import Networks
from sensor.model.flow import FlowContext
from tests.conversation import ROOMY, Talk, play
from tests.memory_capture import MemoryCapture
from tests.running import Collector, run_capture

END_S = 700.0
COARSE_NS = 250_000_000


def records(*rows: tuple[int, int, int]) -> Any:
    """Flow events of such times (known, first) and originator's ports."""
    found = allocate(FLOW_LAYOUT, max(len(rows), 1), True)[1][: len(rows)]
    for at, (known_ns, first_ns, port) in enumerate(rows):
        found[at]["known_ns"], found[at]["first_ns"], found[at]["orig_port"] = (
            known_ns, first_ns, port)  # fmt: skip
    return found


def rows_of(found: Any) -> list[tuple[int, int, int]]:
    return list(zip(*(found[name].tolist() for name in ("known_ns", "first_ns", "orig_port")),
                    strict=True))  # fmt: skip


def test_what_counts_first_is_when_an_event_became_known() -> None:
    mixed = records((5, 3, 1), (4, 9, 2), (5, 2, 3), (5, 2, 1), (4, 8, 7))
    assert rows_of(in_order(mixed)) == [(4, 8, 7), (4, 9, 2), (5, 2, 1), (5, 2, 3), (5, 3, 1)]


@pytest.mark.parametrize("span", [3, 40, 1_000_000])
def test_few_and_many_events_of_one_time(span: int) -> None:
    """Python's own sort is the reference; it keeps equal rows as they were, too."""
    draw = random.Random(span)
    rows = [(draw.randrange(span), draw.randrange(span), draw.randrange(3)) for _ in range(500)]
    found = records(*rows)
    found["last_ns"] = range(500)
    expected = [(*row, at) for at, row in sorted(enumerate(rows), key=lambda one: one[1])]
    ordered = in_order(found)
    assert list(zip(*(ordered[name].tolist() for name in (
        "known_ns", "first_ns", "orig_port", "last_ns")), strict=True)) == expected  # fmt: skip


def test_events_in_order_are_not_copied() -> None:
    ordered = records((4, 8, 7), (4, 9, 2), (5, 2, 1))
    assert in_order(ordered) is ordered
    assert len(in_order(records())) == 0


def test_what_may_still_have_company_waits() -> None:
    order = EventOrder()
    assert rows_of(order.take(records((1, 1, 1), (2, 2, 2)), 2)) == [(1, 1, 1)]
    assert rows_of(order.take(records((2, 1, 3), (3, 3, 3)), 3)) == [(2, 1, 3), (2, 2, 2)]
    assert rows_of(order.take_ended(records((3, 2, 9)))) == [(3, 2, 9)]
    assert rows_of(order.take_ended(records((3, 4, 1)))) == [(3, 3, 3), (3, 4, 1)]
    assert rows_of(order.take_all(records())) == []


def sessions(chance: random.Random) -> list[list[Any]]:
    """Frames of sessions whose times are coarse, so that many are equal; a list for each.

    All of them end before the last, which is of none of them.
    """
    found = []
    for number in range(40):
        talk = Talk(addresses=(f"192.168.{number % 7}.{10 + number}", "192.0.2.1"),
                    ports=(40_000 + chance.randint(0, 3), 80))  # fmt: skip
        start = chance.randint(0, 4) / 4
        if chance.random() < 0.3:
            talk.client.syn(start)
        else:
            talk.handshake(start)
            talk.server.data(start + 0.25)
            if chance.random() < 0.5:
                talk.close(start + 0.5)
        found.append([(frame[0] // COARSE_NS * COARSE_NS, frame[1]) for frame in talk.frames])
    return found


def last(number: int) -> Any:
    """A frame after which nothing comes, of a flow of its own."""
    talk = Talk(addresses=(f"10.0.0.{number}", "192.0.2.1"))
    talk.client.syn(END_S)
    return talk.frames[0]


def by_time(parts: list[list[Any]], chance: random.Random) -> list[Any]:
    """The frames of all parts by time; of equal times those of any part may come first."""
    ranks = [chance.random() for _ in parts]
    keyed = [(frame[0], ranks[part], at, frame) for part, frames in enumerate(parts)
             for at, frame in enumerate(frames)]  # fmt: skip
    return [frame for *_, frame in sorted(keyed, key=lambda one: one[:3])]


def told(documents: list[dict[str, Any]]) -> list[Any]:
    return [(one["event"]["action"], one["source"]["ip"], one["source"]["port"],
             one["sensor"]["flow"]["verdict"], one["@timestamp"]) for one in documents]  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_neither_batches_nor_equal_times_show(seed: int) -> None:
    chance = random.Random(seed)
    parts = [*sessions(chance), [last(1)]]
    expected = told(run_capture(MemoryCapture(by_time(parts, chance)), limits=ROOMY).events)
    assert len(expected) > 60
    for _ in range(3):
        cuts = [chance.randint(1, 9) for _ in range(5)]
        capture = MemoryCapture(by_time(parts, chance), batch_frames=cuts)
        assert told(run_capture(capture, limits=ROOMY).events) == expected


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_workers_tell_what_one_tells_in_its_order(workers: int) -> None:
    chance = random.Random(workers)
    parts = sessions(chance)
    ends = [last(number + 1) for number in range(workers)]
    shares = [[*parts[worker::workers], [ends[worker]]] for worker in range(workers)]
    whole = by_time([*parts, *([end] for end in ends)], chance)
    collector = Collector()
    WorkersPipeline(
        [MemoryCapture(by_time(share, chance), batch_frames=[3, 1, 7]) for share in shares],
        [Decoder().decode for _ in shares], [FlowTable(FlowLimits()) for _ in shares],
        RuleStage(collector, RunOutputs(()), FlowContext(internal=Networks(()))),
    ).run()  # fmt: skip
    assert told(collector.events) == told(run_capture(MemoryCapture(whole), limits=ROOMY).events)


def test_what_the_capture_cuts_off_ends_in_the_order_of_its_beginning() -> None:
    talks = [Talk(ports=(40_000 + number, 80)) for number in range(50)]
    frames = []
    for number, talk in enumerate(talks):
        talk.handshake(float((number * 7) % 50))
        frames += talk.frames
    run = play(sorted(frames, key=lambda frame: frame[0]))
    ended = [row for row in run.rows if row["end_reason"] == 5]  # end_of_capture
    begun = np.array([row["first_ns"] for row in ended])
    assert len(ended) == 50 and (np.diff(begun) > 0).all()
