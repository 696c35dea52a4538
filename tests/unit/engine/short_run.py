"""A short conversation through a pipeline, and who hears of it."""

from __future__ import annotations

from sensor.app.outputs import RunOutputs
from sensor.config import FlowLimits
from sensor.decode import decode
from sensor.engine.pipeline import Pipeline
from sensor.engine.rule_stage import RuleStage
from sensor.flowtable.table import FlowTable
from sensor.model.addresses import Networks
from sensor.model.flow import FlowContext
from tests.conversation import SECOND_NS as SECOND
from tests.conversation import Talk
from tests.running import Collector


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
