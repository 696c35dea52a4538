"""The facts of a report, from flows whose fate is known."""

from __future__ import annotations

from sensor.app.flow_columns import FlowColumns
from sensor.app.opened import SaidInRun
from sensor.ecs.flow_batch import FlowBatch
from sensor.model import flow as flows
from sensor.model.addresses import V4_PREFIX
from sensor.model.alert import Alert
from sensor.report.collect import AlertsOfRun, FlowsOfRun
from sensor.report.facts import Facts, facts_of
from sensor.report.sessions import Sessions
from tests.flow_records import batch_of

SOURCE, SERVER, OTHER = (V4_PREFIX | 0xC0000200 | last for last in (10, 20, 30))
"""192.0.2.10, 192.0.2.20 and 192.0.2.30."""


def flow(orig: int, resp: int, verdict: int, first_ns: int, **others: int) -> dict[str, int]:
    """A final record."""
    return {"orig_lo": orig, "resp_lo": resp, "verdict": verdict, "first_ns": first_ns,
            "action": flows.FLOW_ENDED, **others}  # fmt: skip


def alert_of(batch: FlowBatch, row: int, name: str = "Rule", severity: str = "medium",
             score: float = 47) -> Alert:  # fmt: skip
    document = batch.document(row)
    return Alert(f"{name}-{row}", name, name, severity, score, int(batch.records["first_ns"][row]),
                 name, document)  # fmt: skip


def told(rows: list[dict[str, int]], alerts: list[tuple[int, str, str, float]]) -> Facts:
    """The facts of some flows, and of alerts about them."""
    batch = batch_of(*rows)
    kept, found = FlowsOfRun(), AlertsOfRun()
    kept.write(batch)
    for row, name, severity, score in alerts:
        found.emit(alert_of(batch, row, name, severity, score))
    return facts_of(found, kept, Sessions(), SaidInRun())


def test_alerts_about_one_flow_are_one_story_the_worst_first() -> None:
    rows = [flow(SOURCE, SERVER, flows.ACCEPTED, 5), flow(OTHER, SERVER, flows.ACCEPTED, 6)]
    facts = told(rows, [(0, "mild", "low", 21), (1, "middle", "medium", 47),
                        (0, "worst", "critical", 99)])  # fmt: skip
    assert [[alert.rule_name for alert in story.alerts] for story in facts.stories] == [
        ["worst", "mild"], ["middle"]]  # fmt: skip
    assert list(facts.severities.items()) == [("critical", 1), ("medium", 1), ("low", 1)]


def test_what_a_source_tried_before_is_tied_in_and_what_it_did_later_is_not() -> None:
    rows = [flow(SOURCE, OTHER + at, flows.DENIED, 1 + at) for at in range(3)]
    rows += [flow(SOURCE, SERVER, flows.DROPPED, 9), flow(SOURCE, SERVER, flows.ACCEPTED, 10),
             flow(SOURCE, OTHER, flows.DENIED, 11)]  # fmt: skip
    (story,) = told(rows, [(4, "Rule", "medium", 47)]).stories
    assert story.before == ("until then the same source had tried 4 hosts: 3 refused, 1 unanswered")


def test_a_source_that_tries_ten_targets_in_vain_scans() -> None:
    rows = [flow(SOURCE, OTHER, flows.DENIED, at, resp_port=100 + at) for at in range(9)]
    assert told(rows, []).scans == []
    rows += [flow(SOURCE, OTHER, flows.DENIED, 50, resp_port=100),  # one of them again
             flow(SOURCE, SERVER, flows.ACCEPTED, 51)]  # fmt: skip
    assert told(rows, []).scans == []
    (scan,) = told([*rows, flow(SOURCE, OTHER, flows.DROPPED, 60, resp_port=900)], []).scans
    assert (scan.source, scan.targets, scan.reached) == ("192.0.2.10", 10, 1)
    assert scan.counts == {"refused": 10, "unanswered": 1}
    assert scan.ports == [*range(100, 109), 900]


def test_why_verdicts_stay_open_most_first() -> None:
    rows = [flow(SOURCE, SERVER, flows.UNKNOWN, at, evidence=flows.ONE_SIDED) for at in range(2)]
    rows += [flow(SOURCE, SERVER, flows.UNKNOWN, 5, evidence=flows.MIDSTREAM),
             flow(SOURCE, SERVER, flows.ACCEPTED, 6, evidence=flows.HANDSHAKE)]  # fmt: skip
    found = told(rows, []).undecided
    assert [count for _, count in found] == [2, 1] and "one side" in found[0][0]


def test_accepted_telnet_and_that_to_external_networks() -> None:
    inside = V4_PREFIX | 0x0A000005  # 10.0.0.5
    rows = [flow(inside, inside + 1, flows.ACCEPTED, 1), flow(inside, SERVER, flows.ACCEPTED, 2),
            flow(inside, SERVER, flows.DENIED, 3),
            flow(inside, SERVER, flows.ACCEPTED, 4, resp_port=443)]  # fmt: skip
    facts = told(rows, [])
    assert len(facts.connections) == 2
    assert [one["destination"]["ip"] for one in facts.external] == ["192.0.2.20"]


def test_what_there_is_no_room_for_is_said() -> None:
    kept = FlowsOfRun(FlowColumns(1))
    kept.write(batch_of(*(flow(SOURCE, SERVER, flows.ACCEPTED, at) for at in range(6))))
    kept.connections = kept.connections[:4]
    facts = facts_of(AlertsOfRun(count=2), kept, Sessions(left_out=3), SaidInRun())
    assert facts.left_out == ["2 alerts", "3 Telnet sessions", "2 accepted Telnet connections",
                              "5 flows in the search for scans"]  # fmt: skip
