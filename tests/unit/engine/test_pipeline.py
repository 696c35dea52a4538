"""The loop: what it hands on, where it stops, and that it notices when something gets lost."""

from __future__ import annotations

import _thread
import json
import signal
import threading

import pytest

from sensor.app.build import build_live, load_rules
from sensor.app.outputs import RunOutputs
from sensor.capture.in_memory import MemoryCapture
from sensor.capture.interfaces import Interfaces
from sensor.config import Config, FlowLimits
from sensor.decode import decode
from sensor.engine.pipeline import Pipeline
from sensor.engine.rule_stage import RuleStage
from sensor.flowtable.table import FlowTable
from sensor.model.addresses import Networks
from sensor.model.flow import FlowContext
from sensor.model.frames import FrameBatch
from tests.conversation import SECOND_NS as SECOND
from tests.conversation import Talk
from tests.rule_sets import rule
from tests.running import Collector


class Written(list):
    """A flow file in memory: the actions of what was written."""

    def write(self, flows):
        self.extend(event["event"]["action"] for event in flows.to_dicts())


class Deaf:
    """A sink that loses alerts: it neither delivers nor counts them."""

    def emit(self, alert):
        pass

    def accounted(self):
        return 0


class Alarmed(Collector):
    """A rule set to which every batch of flows is one alert."""

    def match(self, flows):
        super().match(flows)
        return ["alert"]


def conversation():
    talk = Talk()
    talk.handshake()
    talk.server.data(0.1)
    talk.close(0.2)
    return talk.frames


def pipeline_of(capture, *, rules=None, outputs=None, **options):
    context = FlowContext(internal=Networks(()))
    table = FlowTable(FlowLimits())
    stage = RuleStage(rules or Collector(), outputs or RunOutputs(()), context)
    return Pipeline(capture, decode, table, stage, **options)


@pytest.mark.parametrize("everything,expected", [
    (False, ["network_flow"]), (True, ["flow_started", "network_flow"]),
])  # fmt: skip
def test_the_flow_file_gets_records_or_all_events(everything, expected):
    written = Written()
    outputs = RunOutputs((), written, everything)
    pipeline_of(MemoryCapture(conversation()), outputs=outputs).run()
    assert written == expected


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


def test_ledger_of_an_empty_capture():
    pipeline = pipeline_of(MemoryCapture([]))
    pipeline.run()
    ledger = pipeline.ledger()
    assert (ledger["frames"], ledger["packets"], ledger["flows"]["total"]) == (0, 0, 0)


def test_ledger_counts_frames_by_what_they_are():
    arp = b"\xff" * 12 + b"\x08\x06" + b"\0" * 28
    cut = conversation()[0][1][:20]
    frames = [(time, octets) for time, octets in conversation()]
    start = frames[0][0]
    pipeline = pipeline_of(MemoryCapture([(start, arp), (start, cut), *frames]))
    pipeline.run()
    ledger = pipeline.ledger()
    assert ledger["frames"] == len(frames) + 2
    assert ledger["packets"] == len(frames)
    assert ledger["non_ip_frames"] == 1
    assert sum(ledger["anomalies"].values()) == 1


def test_an_error_of_the_capture_comes_out():
    class Broken(MemoryCapture):
        def __iter__(self):
            yield from super().__iter__()
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        pipeline_of(Broken(conversation())).run()


class Forgetful:
    """A flow table that forgets a packet."""

    def __init__(self):
        self.table = FlowTable(FlowLimits())

    def __getattr__(self, name):
        return getattr(self.table, name)

    def books(self):
        books = self.table.books()
        return {**books, "packets_in_table": books["packets_in_table"] - 1}


def test_a_packet_that_gets_lost_is_noticed():
    pipeline = pipeline_of(MemoryCapture(conversation()))
    pipeline.lanes[0].table = Forgetful()
    with pytest.raises(AssertionError, match="7 frames, 6 accounted for"):
        pipeline.run()


def test_an_alert_that_gets_lost_is_noticed():
    outputs = RunOutputs([Deaf()])
    pipeline = pipeline_of(MemoryCapture(conversation()), rules=Alarmed(), outputs=outputs)
    with pytest.raises(AssertionError, match="lost in a sink"):
        pipeline.run()


class Waiting(Collector):
    """A rule set to which a second without a flow event is one alert."""

    def __init__(self):
        super().__init__()
        self.told = []

    def match(self, flows):
        self.told.append(("flows", flows.known_ns(flows.count - 1)))
        return super().match(flows)

    def advance(self, now_ns):
        self.told.append(("time", now_ns))
        return ["alert"] if now_ns == 5 * SECOND else []


class Counting:
    def __init__(self):
        self.alerts = []

    def emit(self, alert):
        self.alerts.append(alert)

    def accounted(self):
        return len(self.alerts)


def test_rules_are_told_of_the_time_though_nothing_comes():
    rules, sink = Waiting(), Counting()
    outlet = RuleStage(rules, RunOutputs([sink]), FlowContext(internal=Networks(())))
    outlet.advance(4 * SECOND)
    outlet.advance(4 * SECOND)
    outlet.advance(3 * SECOND)
    outlet.advance(5 * SECOND)
    assert rules.told == [("time", 4 * SECOND), ("time", 5 * SECOND)]
    assert sink.alerts == ["alert"] and outlet.alerts == 1


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
        each.ask = lambda: None
    heard = []
    pipeline.run(lambda: heard.append(len(sink.alerts)))
    assert heard[-1] == len(sink.alerts) == 1  # before the end
    assert heard[0] == 0
