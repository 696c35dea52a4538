"""The loop: what it hands on, where it stops, and that the time is told."""

from __future__ import annotations

import _thread
import json
import signal
import threading

import pytest

from sensor.app.build import build_live, load_rules
from sensor.app.outputs import RunOutputs
from sensor.capture.interfaces import Interfaces
from sensor.config import Config
from sensor.model.frames import FRAMES_MAX, FrameBatch
from tests.conversation import SECOND_NS as SECOND
from tests.conversation import Talk
from tests.memory_capture import MemoryCapture
from tests.rule_sets import rule
from tests.unit.engine.short_run import Counting, Waiting, conversation, pipeline_of


def test_stop_ends_after_a_batch_and_ends_every_flow():
    pipeline = pipeline_of(MemoryCapture(conversation(), batch_frames=1))
    batches = []

    def on_batch():
        batches.append(pipeline.frames)
        pipeline.stop = len(batches) == 3

    pipeline.run(on_batch)
    assert batches == [1, 2, 3]
    (record,) = [e for e in pipeline.stage.rules.events if e["flow"]["final"]]
    assert record["network"]["packets"] == 3
    assert record["sensor"]["flow"]["end_reason"] == "end_of_capture"


def test_a_signal_ends_a_wait_that_it_does_not_wake():
    """It may come when the wait has not yet begun: then no system call is interrupted."""
    over = threading.Event()

    class Silent(MemoryCapture):
        def __iter__(self):
            yield from super().__iter__()
            over.wait()

    pipeline = pipeline_of(Silent(conversation()))

    def end(number, frame):
        pipeline.stop = True
        if pipeline.waiting:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR2, end)
    try:
        pipeline.run(lambda: threading.Timer(
            0.05, _thread.interrupt_main, (signal.SIGUSR2,)).start())
    finally:
        signal.signal(signal.SIGUSR2, before)
        over.set()
    assert pipeline.stop and pipeline.stage.rules.events


def test_an_error_of_the_capture_comes_out():
    class Broken(MemoryCapture):
        def __iter__(self):
            yield from super().__iter__()
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        pipeline_of(Broken(conversation())).run()


def test_time_is_told_after_everything_known_before_it_and_at_the_end():
    rules = Waiting()
    pipeline = pipeline_of(MemoryCapture(conversation()), rules=rules, handover_events=1)
    pipeline.run()
    times = [time_ns for _, time_ns in rules.told]
    assert times == sorted(times) and {kind for kind, _ in rules.told} == {"flows", "time"}
    assert ("time", pipeline.lanes[0].last_ns) in rules.told


class ThenIdle(MemoryCapture):
    """Frames, and then only the time, as a live capture gives it."""

    def __init__(self, frames, *idle_ns):
        super().__init__(frames)
        self.idle_ns = idle_ns

    def __iter__(self):
        yield from super().__iter__()
        frames = FrameBatch(1)
        frames.interfaces = ("",)
        for time_ns in self.idle_ns:
            frames.watermark_ns = time_ns
            yield frames


SILENT = """
sequence by source.ip with maxspan=2s
  [network where event.action == "flow_started"]
  ![network where event.action == "network_flow"]
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_what_did_not_happen_is_said_while_nothing_comes(tmp_path, workers):
    talk = Talk()
    talk.handshake()
    talk.server.data(0.1)
    known_ns = talk.frames[-1][0]
    export = rule("eql", language="eql", query=SILENT)
    (tmp_path / "rules.ndjson").write_text(json.dumps(export), "utf-8")
    idle_ns = [known_ns + SECOND, known_ns + 3 * SECOND]
    captures = [ThenIdle(talk.frames, *idle_ns), *[ThenIdle([], *idle_ns)] * (workers - 1)]
    sink = Counting()
    rules = load_rules([str(tmp_path)])
    pipeline = build_live(captures, Interfaces(), rules, RunOutputs([sink]), Config())
    for each in captures:
        each.request_time = lambda: None
    heard = []
    pipeline.run(lambda: heard.append(len(sink.alerts)))
    assert heard[-1] == len(sink.alerts) == 1  # before the end
    assert heard[0] == 0


def test_whoever_has_fallen_behind_gives_rules_the_events_of_several_full_batches():
    """Behind a full batch more frames wait: the rules' cost is paid once for several of them."""
    frames = []
    for port in range(FRAMES_MAX):
        talk = Talk(ports=(1024 + port, 23))
        talk.handshake(port / 1000)
        talk.server.data(port / 1000 + 0.03)
        frames += talk.frames
    frames.sort(key=lambda frame: frame[0])

    def calls(**options):
        rules = Waiting()
        pipeline_of(MemoryCapture(frames, batch_frames=FRAMES_MAX), rules=rules, handover_events=0,
                    **options).run()
        return [kind for kind, _ in rules.told].count("flows"), len(rules.events)

    many, events = calls()
    few, same_events = calls(full_batches=4)
    assert few < many and events == same_events
