"""A lane notices when a packet gets lost in it."""

from __future__ import annotations

import pytest

from sensor.app.outputs import RunOutputs
from sensor.config import FlowLimits
from sensor.decode import Decoder
from sensor.engine.pipeline import Pipeline
from sensor.engine.rule_stage import RuleStage
from sensor.flowtable.table import FlowTable
from sensor.host.event_queue import Timeline
from sensor.model.addresses import Networks
from sensor.model.flow import FlowContext
from sensor.protocols import PROTOCOLS
from sensor.query.document_rows import DocumentRows
from sensor.streams.documents import FlowParts
from sensor.streams.streams import Streams
from tests.conversation import SECOND_NS, Talk
from tests.memory_capture import MemoryCapture
from tests.running import Collector
from tests.unit.engine.short_run import conversation, pipeline_of


class Forgetful:
    """A flow table that forgets a packet."""

    def __init__(self):
        self.table = FlowTable(FlowLimits())

    def __getattr__(self, name):
        return getattr(self.table, name)

    def accounted(self):
        return self.table.accounted() - 1


def said_with_a_lag_of(seconds: float) -> tuple[list[str], dict[str, int]]:
    """What the rules see of an SSH connection in a run that is so late, and its streams' ledger."""
    talk = Talk(ports=(40_000, 22))
    talk.handshake()
    talk.server.data(0.1, b"SSH-2.0-x\r\n")
    talk.client.data(0.2, b"SSH-2.0-y\r\n")
    talk.close(0.3)
    now_ns = talk.frames[-1][0] + round(seconds * SECOND_NS)
    context = FlowContext(internal=Networks(()))
    rules = Collector()
    stage = RuleStage(rules, RunOutputs(()), context, clock=lambda: now_ns,
                      protocol_events=Timeline(DocumentRows))  # fmt: skip
    pipeline = Pipeline(MemoryCapture(talk.frames), Decoder().decode,
                        FlowTable(FlowLimits(), follow=True), stage,
                        streams=Streams(PROTOCOLS, FlowParts(context)))  # fmt: skip
    pipeline.run()
    return rules.order, pipeline.ledger()["streams"]


def test_a_live_run_that_is_late_gives_up_what_is_said_before_packets():
    order, ledger = said_with_a_lag_of(0.5)
    assert order == ["flow_started", "ssh_identification", "network_flow"]
    assert (ledger["skipped"], ledger["events"]) == (0, 1)
    order, ledger = said_with_a_lag_of(60)
    assert order == ["flow_started", "network_flow"]
    assert (ledger["skipped"], ledger["events"]) == (2, 0)


def test_a_packet_that_gets_lost_is_noticed():
    pipeline = pipeline_of(MemoryCapture(conversation()))
    pipeline.lanes[0].table = Forgetful()
    with pytest.raises(AssertionError, match="7 frames, 6 accounted for"):
        pipeline.run()
