"""Documents take their place among flow events."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensor.app.outputs import RunOutputs
from sensor.config import INTERNAL_NETWORKS
from sensor.engine.rule_stage import RuleStage
from sensor.host.event_queue import Timeline
from sensor.model.addresses import Networks
from sensor.model.flow import FlowContext
from sensor.query.document_rows import DocumentRows
from tests.flow_records import batch_of


class Keeps:
    def __init__(self) -> None:
        self.order: list[Any] = []

    def match(self, rows: Any) -> list[Any]:
        flows = not isinstance(rows, DocumentRows)
        self.order += [(rows.known_ns(row), "flow" if flows else rows.documents([row])[0]["n"])
                       for row in range(rows.count)]  # fmt: skip
        return []

    def advance(self, now_ns: int) -> list[Any]:
        return []

    def finish(self) -> list[Any]:
        self.order.append("finished")
        return []


class Host:
    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline

    def stamp(self, records: Any) -> None:
        records["process"] = 7

    def take(self, until_ns: int | None) -> Any:
        return self.timeline.take(until_ns)

    def ledger(self) -> dict[str, int]:
        return {"dropped": self.timeline.dropped}


def outlet() -> tuple[RuleStage, Keeps, Timeline]:
    keeps, timeline = Keeps(), Timeline(DocumentRows)
    context = FlowContext(Networks(INTERNAL_NETWORKS))
    made = RuleStage(keeps, RunOutputs(()), context, host=Host(timeline))
    return made, keeps, timeline


def flows(*known_ns: int) -> Any:
    return batch_of(*({"known_ns": time_ns} for time_ns in known_ns)).records


def test_documents_come_before_the_flow_events_of_their_time() -> None:
    made, keeps, timeline = outlet()
    for time_ns, name in ((5, "a"), (10, "b"), (10, "c"), (25, "d"), (99, "e")):
        timeline.add(time_ns, {"n": name})
    records = flows(10, 20, 20, 30)
    made.take(records)
    assert keeps.order == [(5, "a"), (10, "b"), (10, "c"), (10, "flow"), (20, "flow"),
                           (20, "flow"), (25, "d"), (30, "flow")]  # fmt: skip
    assert np.all(records["process"] == 7)
    made.finish()
    assert keeps.order[8:] == [(99, "e"), "finished"]


def test_without_flow_events_documents_can_be_told_too() -> None:
    made, keeps, timeline = outlet()
    timeline.add(5, {"n": "a"})
    timeline.add(8, {"n": "b"})
    made.advance_host(6)
    assert keeps.order == [(5, "a")]


def test_what_comes_late_is_known_from_now_on() -> None:
    timeline = Timeline(DocumentRows)
    for time_ns, name in ((9, "a"), (4, "b")):
        timeline.add(time_ns, {"n": name})
    told = timeline.take(None)
    assert [(time_ns, rows.known_ns(0), rows.count) for time_ns, rows in told] == [(9, 9, 2)]


def test_beyond_its_bound_the_oldest_is_dropped_and_counted() -> None:
    timeline = Timeline(DocumentRows, waiting_max=2)
    for number in range(5):
        timeline.add(number, {"n": number})
    assert (timeline.added, timeline.dropped) == (5, 3)
    assert [time_ns for time_ns, _ in timeline.take(None)] == [3, 4]
