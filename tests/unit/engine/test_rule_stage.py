"""What the rules are told of, and where their alerts and the flows go."""

from __future__ import annotations

import pytest

from sensor.app.outputs import RunOutputs
from sensor.engine.rule_stage import RuleStage
from sensor.host.event_queue import Timeline
from sensor.model.addresses import Networks
from sensor.model.flow import FlowContext
from sensor.query.document_rows import DocumentRows
from tests.conversation import SECOND_NS as SECOND
from tests.memory_capture import MemoryCapture
from tests.running import Collector
from tests.unit.engine.short_run import Counting, Waiting, conversation, pipeline_of


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


@pytest.mark.parametrize("everything,expected", [
    (False, ["network_flow"]), (True, ["flow_started", "network_flow"]),
])  # fmt: skip
def test_the_flow_file_gets_records_or_all_events(everything, expected):
    written = Written()
    outputs = RunOutputs((), written, everything)
    pipeline_of(MemoryCapture(conversation()), outputs=outputs).run()
    assert written == expected


def test_an_alert_that_gets_lost_is_noticed():
    outputs = RunOutputs([Deaf()])
    pipeline = pipeline_of(MemoryCapture(conversation()), rules=Alarmed(), outputs=outputs)
    with pytest.raises(AssertionError, match="lost in a sink"):
        pipeline.run()


def test_rules_are_told_of_the_time_though_nothing_comes():
    rules, sink = Waiting(), Counting()
    outlet = RuleStage(rules, RunOutputs([sink]), FlowContext(internal=Networks(())))
    outlet.advance(4 * SECOND)
    outlet.advance(4 * SECOND)
    outlet.advance(3 * SECOND)
    outlet.advance(5 * SECOND)
    assert rules.told == [("time", 4 * SECOND), ("time", 5 * SECOND)]
    assert sink.alerts == ["alert"] and outlet.alerts == 1


def test_events_that_pass_by_the_rules_reach_the_file_in_their_order():
    """`a` and `c` are for the file alone; nothing of them cuts what the rules see together."""
    seen, told = [], []

    class Rules(Collector):
        def match(self, flows):
            seen.append([one["event"]["id"] for one in flows.documents(range(flows.count))])
            return []

    class File:
        def write(self, flows):
            told.extend(one["event"]["id"] for one in flows.documents)

    stage = RuleStage(Rules(), RunOutputs((), event_sink=File()), FlowContext(
        internal=Networks(())), protocol_events=Timeline(DocumentRows),
        unruled={"network_traffic.dns"})  # fmt: skip
    stage.add([(at, {"event": {"id": name, "dataset": f"network_traffic.{kind}"}})
               for at, (name, kind) in enumerate(
                   [("a", "dns"), ("b", "telnet"), ("c", "dns"), ("d", "telnet"), ("e", "dns")])])
    stage.advance(3)
    assert (seen, told) == ([["b", "d"]], ["a", "b", "c", "d"])
    stage.finish()
    assert (seen, told) == ([["b", "d"]], ["a", "b", "c", "d", "e"])
