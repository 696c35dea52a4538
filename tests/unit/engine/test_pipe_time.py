"""A silent pipe whose packets are of now: time goes on; for recorded ones it does not."""

from __future__ import annotations

import threading

from sensor.engine.pipe_time import LIVE_NS, MARGIN_NS, PipeTime
from sensor.model.packets import PacketBatch
from tests.conversation import SECOND_NS as SECOND
from tests.conversation import START_NS, Talk, said
from tests.memory_capture import MemoryCapture
from tests.unit.engine.short_run import pipeline_of


class Steady:
    """A clock that a second passes on whenever it is looked at."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        self.now_ns += SECOND
        return self.now_ns


class Pipe(MemoryCapture):
    """Gives its frames, then nothing until it is told to end."""

    def __init__(self, frames) -> None:
        super().__init__(frames, batch_frames=1)
        self.over = threading.Event()

    def __iter__(self):
        yield from super().__iter__()
        self.over.wait(20)


def silent_handshake() -> Pipe:
    talk = Talk()
    talk.handshake()
    return Pipe(talk.frames)


def test_a_silent_handshake_is_told_while_the_pipe_is_open() -> None:
    pipe = silent_handshake()
    pipeline = pipeline_of(
        pipe, prompt=True, pipe_time=PipeTime(lambda: START_NS + SECOND, Steady()))
    told = []

    def on_batch() -> None:
        events = pipeline.stage.rules.events
        if events and not told:
            told.append(not pipe.over.is_set())
            pipe.over.set()

    pipeline.run(on_batch)
    assert told == [True]
    assert said(pipeline.stage.rules.events[0])[:2] == ("accepted", "handshake")
    assert pipeline.ledger()["frames"] == 3


def packets_at(time_ns: int) -> PacketBatch:
    packets = PacketBatch(1)
    packets.count = 1
    packets.records["time_ns"][0] = time_ns
    return packets


def test_time_goes_on_from_the_first_packet_of_the_last_batch() -> None:
    time = PipeTime(lambda: START_NS, Steady())
    assert time.idle() is None  # nothing came yet
    time.saw(packets_at(START_NS - SECOND))
    batch = time.idle()
    assert batch is not None and batch.count == 0
    assert batch.watermark_ns == START_NS - SECOND + SECOND - MARGIN_NS


def test_recorded_packets_are_not_carried_on() -> None:
    time = PipeTime(lambda: START_NS, Steady())
    for apart, live in ((0, True), (LIVE_NS, True), (-LIVE_NS, True), (LIVE_NS + 1, False),
                        (-LIVE_NS - 1, False)):
        time.saw(packets_at(START_NS + apart))
        assert (time.idle() is not None) == live


def test_a_batch_without_frames_changes_nothing() -> None:
    time = PipeTime(lambda: START_NS, Steady())
    time.saw(packets_at(START_NS))
    time.saw(PacketBatch(1))
    assert time.idle() is not None
