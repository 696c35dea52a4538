"""The closed sets of values, held against documents that the sensor really writes."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from sensor.ecs.document_kinds import NEVER, DocumentKind, document_kinds
from sensor.ecs.event_batch import COLUMNS
from sensor.host.process_events import (
    ENDED,
    FIRST_OPENED,
    FIRST_SEEN,
    STARTED,
    Observer,
    process_event,
)
from sensor.model.flow import ACTIONS, FLOW_ENDED
from sensor.model.logins import Login, Logins
from sensor.model.processes import Machine, Process
from sensor.query.document_rows import values_at
from tests.conversation import Talk, play
from tests.flow_records import batch_of
from tests.unit.protocols.redis.recorded import LOGGING_IN
from tests.unit.protocols.rlogin.test_analyzer import STORIES
from tests.unit.protocols.tls.handshakes import handshake, speakers


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


def test_only_the_last_record_of_a_flow_tells_of_its_login() -> None:
    """As docs/telnet.md has it."""
    outcomes = [kind.closed["telnet.login.outcome"] for kind in document_kinds()[: len(ACTIONS)]]
    last = outcomes.pop(FLOW_ENDED)
    assert outcomes == [NEVER] * (len(ACTIONS) - 1)
    assert set(last) == {("success",), ("failure",), ("unknown",), ("none",), ("bypass",), ()}
    logins = Logins()
    batch = batch_of({"action": FLOW_ENDED}, logins=logins)
    logins.note(batch.records[0], Login("root", "success"))
    logins.stamp(batch.records, np.ones(1, np.bool_))
    document = batch.document(0)
    assert document["user"] == {"name": "root"}
    assert misfits(document_kinds()[FLOW_ENDED], document) == []


@pytest.mark.parametrize(("protocol", "name", "values"), [
    ("telnet", "telnet.login.outcome", "success failure unknown none bypass"),
    ("telnet", "telnet.mode", "character line"),
    ("ftp", "ftp.login.outcome", "success failure unknown"),
    ("ftp", "ftp.command", "RETR STOR APPE STOU"),
    ("redis", "network_traffic.redis.status", "OK Error"),
    ("http", "event.outcome", "success failure unknown"),
    ("tls", "tls.version", "1.0 1.1 1.2 1.3 3.0"), ("tls", "tls.version_protocol", "tls ssl"),
    ("dns", "dns.header_flags", "AA TC RD RA AD CD DO"), ("llmnr", "dns.type", "query answer"),
])
def test_a_keyword_of_few_values_has_these_or_is_absent(
    protocol: str, name: str, values: str
) -> None:
    (kind,) = (kind for kind in document_kinds() if kind.name == f"{protocol} event")
    assert set(kind.closed[name]) == {*((value,) for value in values.split()), ()}


def test_http_has_the_version_that_a_start_line_has_or_that_was_begun() -> None:
    (kind,) = (kind for kind in document_kinds() if kind.name == "http event")
    assert {("1.0",), ("1.1",), ("2",)} < set(kind.closed["http.version"])
    assert ("HTTP/1.1",) not in kind.closed["http.version"]


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


@pytest.mark.parametrize(("protocol", "port", "pieces"), [
    ("tls", 443, lambda: handshake(*speakers(ssl.TLSVersion.TLSv1_2))[0]),
    ("tls", 443, lambda: handshake(*speakers(ssl.TLSVersion.TLSv1_3))[0]),
    ("redis", 6379, lambda: LOGGING_IN),
    ("rlogin", 513, lambda: STORIES["again"]),
])
def test_events_have_no_other_values_and_only_known_fields(
    protocol: str, port: int, pieces: Callable[[], list[tuple[int, bytes]]]
) -> None:
    (kind,) = (kind for kind in document_kinds() if kind.name == f"{protocol} event")
    talk = Talk(ports=(40_000, port))
    talk.handshake()
    for number, (side, octets) in enumerate(pieces(), 1):
        (talk.server if side else talk.client).data(number, octets)
    talk.close(99)
    said = play(talk).said
    assert said
    for document in said:
        assert document["network"]["protocol"] == protocol
        assert misfits(kind, document) == []
        assert {name for name in names_in(document) if name not in COLUMNS} == set()


def names_in(document: dict[str, Any], path: str = "") -> Iterator[str]:
    """The dotted names of all values."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield from names_in(value, f"{path}{name}.")
        else:
            yield path + name


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
    logins = (("authentication",), ("network",))
    http = (("network",), ("web",), ("authentication",))
    assert {kind.closed["event.category"] for kind in document_kinds()} == {
        (("network",),), said, logins, http}
    assert (("process",),) in {
        kind.closed["event.category"] for kind in document_kinds(processes=True)}
