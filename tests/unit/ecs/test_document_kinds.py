"""The closed sets of values, held against documents that the sensor really writes."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from sensor.ecs.document_kinds import NEVER, DocumentKind, document_kinds
from sensor.host.process_events import (
    ENDED,
    FIRST_OPENED,
    FIRST_SEEN,
    STARTED,
    Observer,
    process_event,
)
from sensor.model.flow import ACTIONS
from sensor.model.processes import Machine, Process
from sensor.query.document_rows import values_at
from tests.conversation import Talk, play
from tests.flow_records import batch_of


def misfits(kind: DocumentKind, document: dict[str, Any]) -> list[tuple[str, list[object]]]:
    """The fields of a document that have what its kind says they never have."""
    wrong = []
    for name, alternatives in kind.closed.items():
        allowed = {value for values in alternatives for value in values}
        found = values_at(document, name)
        if not set(found) <= allowed or (not found and () not in alternatives):
            wrong.append((name, found))
    return wrong


@pytest.mark.parametrize("action", range(len(ACTIONS)))
def test_flow_documents_have_no_other_values(action: int) -> None:
    batch = batch_of(*({"action": action, "protocol": protocol, "verdict": verdict,
                        "ip_version": 4, "vlan_outer": vlan}
                       for protocol, verdict, vlan in product((1, 6, 17, 58, 200), range(5), (7,))))
    kind = document_kinds()[action]
    for row in range(len(batch)):
        assert misfits(kind, batch.document(row)) == []


OF_FLOWS = ("flow_started event", "flow_denied event", "flow_dropped event", "network_flow event")


def test_each_protocol_is_a_kind() -> None:
    (kind,) = (kind for kind in document_kinds() if kind.name == "ssh event")
    talk = Talk(ports=(40_000, 22))
    talk.handshake()
    talk.server.data(0.1, b"SSH-2.0-x y\r\n")
    talk.client.data(0.2, b"SSH-2.0-x y\r\n")
    (document,) = play(talk).said
    assert misfits(kind, document) == []
    assert kind.closed["flow.final"] == NEVER


def test_each_action_is_a_kind_with_its_own_types() -> None:
    """As docs/rules.md has them."""
    types = {kind.closed["event.action"][0]: set(kind.closed["event.type"][0])
             for kind in document_kinds() if kind.name.endswith(OF_FLOWS)
             and (kind.closed["flow.final"] == ((True,),)
                  or kind.closed["event.action"] != (("network_flow",),))}
    assert types == {
        ("flow_started",): {"connection", "start", "allowed"},
        ("flow_denied",): {"connection", "start", "denied"},
        ("flow_dropped",): {"connection", "start", "denied"},
        ("network_flow",): {"connection", "end"},
    }


@pytest.mark.parametrize("happening", [STARTED, ENDED, FIRST_OPENED, FIRST_SEEN])
def test_process_events_have_no_other_values(happening: Any) -> None:
    process = Process(pid=1, name="telnet", user_name="root", source="proc", pod_name="p",
                      machine=Machine("1", "h", "linux"))
    document = process_event(process, happening, 1, Observer("h", "1"), created_ns=2, exit_code=0)
    kind = document_kinds(processes=True)[-1]
    assert misfits(kind, json.loads(json.dumps(document))) == []
    assert kind.closed["source.ip"] == NEVER


def test_without_processes_none_are_told_of() -> None:
    said = (("authentication",), ("session",), ("intrusion_detection",), ("network",))
    assert {kind.closed["event.category"] for kind in document_kinds()} == {(("network",),), said}
    assert (("process",),) in {
        kind.closed["event.category"] for kind in document_kinds(processes=True)}
