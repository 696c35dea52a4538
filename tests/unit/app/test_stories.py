"""Alerts become one story a connection, in bounded memory."""

from __future__ import annotations

from typing import Any

from sensor.app.outputs import RunOutputs
from sensor.app.stories import FLOWS_MAX, STORIES_MAX, STORIES_SHOWN, Stories
from sensor.ecs.event_batch import EventBatch
from sensor.model import flow as flows
from sensor.model.addresses import V4_PREFIX
from sensor.model.alert import SEVERITIES, Alert
from sensor.terminal.stories import StoryText
from tests.flow_records import batch_of
from tests.unit.app.test_exchanges import download
from tests.unit.app.test_names import answer

SOURCE, SERVER, OTHER = (V4_PREFIX | 0xC0000200 | last for last in (10, 20, 30))
"""192.0.2.10, 192.0.2.20 and 192.0.2.30."""
FLOW: dict[str, Any] = {
    "flow": {"id": "f1"}, "source": {"ip": "192.0.2.10", "port": 50432},
    "destination": {"ip": "192.0.2.20", "port": 23},
    "network": {"transport": "tcp", "community_id": "1:c"},
}  # fmt: skip
STARTED = {**FLOW, "sensor": {"flow": {"verdict": "accepted", "evidence": "handshake"}}}
LOGIN = {**FLOW, "user": {"name": "root"}, "telnet": {"login": {"outcome": "success"}}}


def alert_of(document: dict[str, Any], name: str = "Rule", severity: str = "medium",
             time_ns: int = 12) -> Alert:  # fmt: skip
    return Alert(f"{name}-{time_ns}", name, name, severity, SEVERITIES[severity], time_ns, "What",
                 document)  # fmt: skip


def session_of(outcome: str, count: int | None = 3, flow_id: str = "f1") -> EventBatch:
    """The end of a Telnet session."""
    telnet = {"login": {"outcome": outcome, "attempts": 1},
              "command": {"count": count, "lines": ["id"]} if count else {}}  # fmt: skip
    return EventBatch([{**FLOW, "flow": {"id": flow_id}, "user": {"name": "root"},
                        "event": {"action": "telnet_session"}, "telnet": telnet}])  # fmt: skip


def flow(orig: int, resp: int, verdict: int, first_ns: int, **others: Any) -> dict[str, Any]:
    """A final record."""
    return {"orig_lo": orig, "resp_lo": resp, "verdict": verdict, "first_ns": first_ns,
            "last_ns": first_ns, "action": flows.FLOW_ENDED, **others}  # fmt: skip


def only(stories: Stories) -> StoryText:
    """The one story that there is."""
    (story,) = stories.told().shown
    return story


def test_alerts_of_one_connection_are_one_story_the_worst_rule_first() -> None:
    stories = Stories()
    for name, severity, document in (("mild", "low", STARTED), ("worst", "critical", LOGIN),
                                     ("bad", "high", LOGIN), ("worst", "critical", LOGIN)):
        stories.emit(alert_of(document, name, severity))
    story = only(stories)
    assert story.severity == "critical"
    assert story.rules == [("critical", "worst"), ("high", "bad"), ("low", "mild")]
    assert story.connection == "192.0.2.10:50432 -> 192.0.2.20:23  tcp accepted (handshake)  1:c"
    assert story.said == ["login root: success"]


def test_the_worst_story_comes_first_then_the_earliest() -> None:
    stories = Stories()
    for at, severity in enumerate(("low", "high", "medium", "high")):
        stories.emit(alert_of({**FLOW, "flow": {"id": str(at)}}, severity=severity, time_ns=at))
    assert [(story.severity, story.time_ns) for story in stories.told().shown] == [
        ("high", 1), ("high", 3), ("medium", 2), ("low", 0)]  # fmt: skip


def test_a_session_adds_its_login_its_commands_octets_and_duration() -> None:
    stories = Stories()
    stories.emit(alert_of(STARTED))
    stories.write(session_of("success"))
    stories.flows.write(batch_of(
        flow(SOURCE, SERVER, flows.ACCEPTED, 10, last_ns=2_500_000_010, bytes=(1000, 500))))
    story = only(stories)
    assert story.facts == ["3 commands", "1.5 kB in 2.50 s"]
    assert story.said == ["login root: success"]


def test_a_session_that_ended_before_the_alert_is_known_nevertheless() -> None:
    stories = Stories()
    stories.write(session_of("success", 1))
    stories.emit(alert_of(STARTED))
    assert only(stories).facts == ["1 command"]


def test_what_was_tried_before_and_opened_afterwards_is_told() -> None:
    stories = Stories()
    stories.emit(alert_of(STARTED))
    stories.write(session_of("success"))
    stories.flows.write(batch_of(
        flow(SOURCE, OTHER, flows.DENIED, 1), flow(SOURCE, SERVER, flows.ACCEPTED, 10),
        *(flow(SERVER, OTHER, flows.ACCEPTED, 20 + at, resp_port=80 + at) for at in range(10)),
    ))  # fmt: skip
    before, after = only(stories).around
    assert before == "until then the same source had tried 1 host: 1 refused"
    assert after.startswith("afterwards the server opened 192.0.2.30:80, 192.0.2.30:81, ")
    assert after.endswith(" and 2 more")


def test_what_the_server_asked_for_afterwards_is_told_with_names() -> None:
    """192.0.2.30 is the target; the first four requests are told."""
    stories = Stories()
    stories.emit(alert_of(STARTED))
    login = {**LOGIN, "event": {"action": "telnet_login"}}
    named = answer("bins.test", ("bins.test", "A", "192.0.2.30"), at=19)
    fetched = [download(21 + at, source={"ip": "192.0.2.20", "port": 1},
                        destination={"ip": "192.0.2.30", "port": 80}) for at in range(6)]
    stories.write(EventBatch([login, named, *fetched]))
    stories.write(session_of("success"))
    stories.flows.write(batch_of(
        flow(SOURCE, SERVER, flows.ACCEPTED, 10),
        flow(SERVER, OTHER, flows.ACCEPTED, 20, resp_port=80)))  # fmt: skip
    opened, *requests, more = only(stories).around
    assert opened == "afterwards the server opened 192.0.2.30:80 (bins.test)"
    assert requests == [
        "GET http://198.51.100.77/bins/arm7: 200 OK, application/x-executable, 5.6 kB"] * 4
    assert more == "and 2 more requests"


def test_a_login_that_failed_opened_nothing() -> None:
    stories = Stories()
    stories.emit(alert_of(STARTED))
    stories.write(session_of("failure", None))
    stories.flows.write(batch_of(flow(SERVER, OTHER, flows.ACCEPTED, 20)))
    story = only(stories)
    assert (story.facts, story.said, story.around) == (["no commands"], ["login root: failure"], [])


def test_documents_of_others_make_stories_too() -> None:
    stories = Stories()
    host = {"process": {"name": "telnet", "pid": 7}, "host": {"name": "web-1"}}
    for document in (host, host, {}, {"source": 7, "flow": []}):
        stories.emit(alert_of(document, time_ns=len(document)))
    assert [story.connection for story in stories.told().shown] == [
        "What", "telnet (pid 7) on web-1", "What"]  # fmt: skip


def test_many_stories_take_bounded_memory_and_the_worst_stay() -> None:
    stories = Stories()
    stories.emit(alert_of(FLOW, severity="critical", time_ns=0))
    for at in range(5 * STORIES_MAX):
        stories.emit(alert_of({**FLOW, "flow": {"id": str(at)}}, severity="low", time_ns=1 + at))
    told = stories.told()
    assert [story.severity for story in told.shown] == ["critical", *["low"] * (STORIES_SHOWN - 1)]
    assert told.shown[1].time_ns == 1
    assert told.note == f"and {5 * STORIES_MAX + 1 - STORIES_SHOWN:,} more; --alerts FILE has all"


def test_who_listens_leaves_the_files_of_the_run_what_they_get() -> None:
    """A list's `append` is a file here."""

    class File:
        def __init__(self) -> None:
            self.batches: list[object] = []

        def write(self, flows: object) -> None:
            self.batches.append(flows)

    file, events, stories = File(), File(), Stories()
    outputs = RunOutputs([], flow_sink=file, event_sink=events)
    stories.listen(outputs)
    batch, said = batch_of(flow(SOURCE, SERVER, flows.ACCEPTED, 10)), session_of("success")
    assert outputs.flow_sink is not None and outputs.event_sink is not None
    outputs.flow_sink.write(batch)
    outputs.event_sink.write(said)
    assert (file.batches, events.batches) == ([batch], [said])
    assert stories.flows.count == 1
    assert [sink.name for sink in outputs.sinks] == ["stories"]
    assert not outputs.flow_events  # the file did not ask for more


def test_of_very_many_flows_it_says_that_the_newest_were_looked_at() -> None:
    stories = Stories()
    stories.emit(alert_of(STARTED))
    assert stories.told().note == ""
    some = batch_of(*[flow(SOURCE, SERVER, flows.DENIED, 1)] * 1000)
    for _ in range(FLOWS_MAX // 1000 + 1):
        stories.flows.write(some)
    assert "only the newest 250,000 flows" in stories.told().note
