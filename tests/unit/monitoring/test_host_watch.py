"""The helper for host events in a live run: what is said at its start and once at its end."""

from __future__ import annotations

from typing import Any

from sensor.app.build import load_rules
from sensor.app.outputs import RunOutputs
from sensor.config import FlowLimits
from sensor.decode import decode
from sensor.engine.pipeline import Pipeline
from sensor.engine.rule_stage import RuleStage
from sensor.flowtable.table import FlowTable
from sensor.model.addresses import Networks
from sensor.model.flow import FlowContext
from sensor.monitoring.host_watch import HostWatch
from sensor.monitoring.live_run import Operator
from sensor.monitoring.screen import Screen
from sensor.terminal.status_view import StatusView
from tests.memory_capture import MemoryCapture
from tests.unit.engine.short_run import conversation
from tests.unit.host.joined import Joined
from tests.unit.monitoring.scene import Heard


def watch_over(host: Any) -> tuple[HostWatch, Pipeline, Heard]:
    """A watch over a run that has `host`, and what its operator hears."""
    context = FlowContext(internal=Networks(()), live=True)
    stage = RuleStage(load_rules(), RunOutputs(()), context, host=host)
    pipeline = Pipeline(MemoryCapture(conversation()), decode, FlowTable(FlowLimits()), stage)
    heard = Heard()
    operator = Operator(Screen(StatusView(None)), [heard], quiet=True)  # type: ignore[list-item]
    return HostWatch(pipeline, operator), pipeline, heard


def test_what_is_not_seen_is_said_at_the_start_and_the_end_of_the_helper_once() -> None:
    joined = Joined(listening=False)
    watch, pipeline, heard = watch_over(joined.client)
    watch.start()
    assert [notice.text[:9] for notice in heard.notices] == ["a notice", "processes"]
    pipeline.run(watch.after_batch)
    assert len(heard.notices) == 2
    joined.end_helper()
    watch.after_batch()
    watch.after_batch()
    assert [(notice.text, notice.warning) for notice in heard.notices[2:]] == [
        ("no more host events: the helper has ended", True)]
    watch.close()
    joined.close()


def test_without_a_helper_nothing_is_said() -> None:
    watch, pipeline, heard = watch_over(None)
    watch.start()
    pipeline.run(watch.after_batch)
    watch.close()
    assert heard.notices == []
