"""Telnet sessions, collected from protocol events."""

from __future__ import annotations

from sensor.app.opened import SaidInRun
from sensor.ecs.event_batch import EventBatch
from sensor.report.collect import AlertsOfRun, FlowsOfRun
from sensor.report.facts import facts_of
from sensor.report.sessions import SESSIONS_MAX, Sessions


def test_sessions_are_taken_from_protocol_events() -> None:
    base = {"flow": {"id": "f"}, "network": {"community_id": "1:c"}, "source": {},
            "destination": {}}  # fmt: skip
    command = {**base, "event": {"action": "telnet_command"}, "telnet": {}}
    exploit = {**base, "event": {"action": "telnet_exploit"}, "telnet": {}}
    end = {**base, "event": {"action": "telnet_session"},
           "telnet": {"transcript": ["7 < login:"], "login": {"outcome": "failure"}}}  # fmt: skip
    sessions = Sessions()
    sessions.write(EventBatch([command, exploit]))
    sessions.write(EventBatch([end]))
    (session,) = sessions.kept
    assert session.names == ("f", "1:c") and session.start_ns == 7
    assert [entry.text for entry in session.transcript] == ["login:"]
    facts = facts_of(AlertsOfRun(), FlowsOfRun(), sessions, SaidInRun())
    assert facts.logins("failure") == facts.attacked == [session]
    assert facts.logins("success") == []
    assert "transcript" not in session.telnet


def test_there_is_room_for_so_many() -> None:
    sessions = Sessions()
    for _ in range(SESSIONS_MAX + 2):
        end = {"event": {"action": "telnet_session"}, "flow": {"id": "f"}, "telnet": {}}
        sessions.write(EventBatch([end]))
    assert (len(sessions.kept), sessions.left_out) == (SESSIONS_MAX, 2)
    assert sessions.kept[0].start_ns == 0
