"""Process events out of capture files, and the processes of their flows."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

import sensor
from sensor.app.build import build_replay
from sensor.app.outputs import RunOutputs
from sensor.capture.files.discover import discover
from sensor.config import Config
from sensor.ecs.flow_batch import FlowBatch
from sensor.ecs.process_fields import PROCESS_FIELDS
from sensor.host.process_events import ENDED, Observer, process_event
from sensor.model.columns import Rows
from sensor.model.processes import Process
from sensor.query.document_rows import DocumentRows, values_at
from tests.ecs import problems
from tests.running import CAPTURES, SECRETS

PTCPDUMP, PKTAP = str(CAPTURES / "telnet_ptcpdump.pcapng"), str(CAPTURES / "telnet_pktap.pcapng")
SESSION = ("telnet_login", "telnet_command", "telnet_command", "telnet_session")
"""What is said in the connection of both."""
PUBLIC = "185.199.110.153"


class Keeps:
    """Stands where rules are and keeps every event, in the order in which they come."""

    def __init__(self) -> None:
        self.documents: list[dict[str, Any]] = []
        self.known_ns: list[int] = []

    def match(self, rows: Rows) -> list[Any]:
        self.documents += rows.documents(range(rows.count))
        self.known_ns += [rows.known_ns(row) for row in range(rows.count)]
        return []

    def advance(self, now_ns: int) -> list[Any]:
        return []

    def finish(self) -> list[Any]:
        return []


def events(path: str, handover_events: int = 8192) -> Keeps:
    kept = Keeps()
    pipeline = build_replay(discover([path]), kept, RunOutputs((), secrets=SECRETS), Config())
    pipeline.handover_events = handover_events
    pipeline.run()
    return kept


def test_a_process_that_opens_a_connection_has_an_inferred_start_before_it() -> None:
    told = [document for document in events(PTCPDUMP).documents
            if document["process"]["pid"] == 4711]  # fmt: skip
    assert [document["event"]["action"] for document in told] == [
        "process_started", "flow_started", *SESSION, "network_flow"]
    start, opened, *_ = told
    assert start["event"]["category"] == ["process"] and start["event"]["type"] == ["start"]
    assert start["event"]["reason"].startswith("inferred")
    assert start["sensor"]["process"] == {"source": "ptcpdump", "gaps": ["start time", "start"]}
    # The SYN's time is the capture's first, by captures/README.md.
    assert start["@timestamp"] == "2026-01-02T03:04:05.678901000Z"
    assert opened["destination"]["ip"] == PUBLIC
    for name in ("process", "user", "host"):
        assert start[name] == opened[name]
    assert start["process"]["name"] == "telnet"
    assert start["process"]["command_line"] == f"telnet {PUBLIC}"
    assert start["process"]["parent"] == {"pid": 4690, "name": "bash"}
    assert start["user"] == {"id": "1000", "group": {"id": "1000"}}
    assert start["host"] == {"os": {"type": "linux"}}
    assert "start" not in start["process"]


def test_a_process_seen_midway_was_there_already() -> None:
    (first, *_) = [document for document in events(PTCPDUMP).documents
                   if document["process"]["pid"] == 612]  # fmt: skip
    assert first["event"]["action"] == "existing_process"
    assert first["event"]["type"] == ["info"]


def test_containers_and_pods_are_in_the_documents_of_flows() -> None:
    (started,) = [document for document in events(PTCPDUMP).documents
                  if document["event"]["action"] == "flow_started"
                  and document["process"]["pid"] == 4712]  # fmt: skip
    assert started["container"] == {
        "id": "3f1c9a", "name": "toolbox", "image": {"name": "debian:12"}}
    assert started["orchestrator"] == {
        "type": "kubernetes", "namespace": "ops",
        "resource": {"type": "pod", "name": "toolbox-0", "id": "6d5c"}}  # fmt: skip


def test_a_mac_is_no_linux_host() -> None:
    kept = events(PKTAP).documents
    assert {document["host"]["os"]["type"] for document in kept} == {"macos"}
    assert [document["event"]["action"] for document in kept] == [
        "process_started", "flow_started", *SESSION, "network_flow"]
    assert kept[0]["process"]["name"] == "telnet" and kept[0]["process"]["pid"] == 8140


@pytest.mark.parametrize("path", [PTCPDUMP, PKTAP])
def test_how_events_are_handed_over_changes_nothing(path: str) -> None:
    at_once, one_by_one = events(path), events(path, 1)
    assert at_once.documents == one_by_one.documents
    assert at_once.known_ns == one_by_one.known_ns == sorted(at_once.known_ns)


@pytest.mark.parametrize("path", [PTCPDUMP, PKTAP])
def test_every_document_is_ecs(path: str) -> None:
    for document in events(path).documents:
        assert problems(document) == []


@pytest.mark.parametrize("path", [PTCPDUMP, PKTAP])
def test_columns_hold_what_documents_hold(path: str) -> None:
    batch = sensor.flows(path)
    documents = batch.to_dicts()
    assert documents == [orjson.loads(line) for line in batch.to_json_lines().splitlines()]
    for field in PROCESS_FIELDS:
        column = batch.column(field.name)
        told: Any = column
        assert column is not None
        found = [list(told.table[code]) for code in told.codes]
        assert found == [values_at(document, field.name) for document in documents], field.name


def test_flows_without_a_process_have_none_of_the_objects() -> None:
    batch = sensor.flows(PTCPDUMP)
    records = batch.records.copy()
    records["process"][::2] = 0
    documents = FlowBatch(records, batch.context).to_dicts()
    assert len(documents) > 2
    for number, document in enumerate(documents):
        assert ("process" in document) == ("host" in document) == (number % 2 == 1)
        assert ("process" in document["sensor"]) == (number % 2 == 1)


def test_the_ledger_tells_of_process_events_where_there_are_any() -> None:
    for name, expected in ((PTCPDUMP, True), (str(CAPTURES / "telnet_external.pcapng"), False)):
        kept = Keeps()
        pipeline = build_replay(discover([name]), kept, RunOutputs(()), Config())
        pipeline.run()
        told = [document for document in kept.documents
                if document["event"]["category"] == ["process"]]
        host = pipeline.ledger().get("host")
        assert host == ({"events": len(told), "dropped": 0, "refused": 0} if expected else None)


def test_a_tap_has_no_process_columns() -> None:
    batch = sensor.flows(str(CAPTURES / "telnet_external.pcapng"))
    assert batch.column("process.name") is None and not np.any(batch.records["process"])


def test_the_second_seeds_steps_hold_outside_only() -> None:
    """Both conditions of the sequence, each by its compiled query, joined by the entity id."""
    from sensor.query.eql import parser as eql  # noqa: PLC0415
    from sensor.query.predicate import compile_query  # noqa: PLC0415
    from sensor.rules.files import read_file  # noqa: PLC0415

    path = CAPTURES.parent / "rules" / "connection_to_external_network_via_telnet.toml"
    (rule,) = read_file(path)
    parsed: Any = eql.parse(rule.query)
    rows = DocumentRows(events(PTCPDUMP).documents)
    held = []
    for step in parsed.steps:
        mask = compile_query(step.event, ())(rows)
        held.append([rows.documents([int(row)])[0] for row in np.flatnonzero(mask)])
    started = {document["process"]["entity_id"] for document in held[0]}
    outside = [document for document in held[1] if document["process"]["entity_id"] in started]
    assert len(started) == 2
    assert {document["destination"]["ip"] for document in outside} == {PUBLIC}


def test_an_end_says_how_and_text_is_cut_and_made_utf_8() -> None:
    process = Process(pid=3, name="a\udcff", command_line="x" * 5000, user_name="\x1b[2J")
    document = process_event(process, ENDED, 7, Observer("here", "1"), exit_code=0)
    assert document["event"]["type"] == ["end"] and document["process"]["exit_code"] == 0
    assert document["process"]["name"] == "a\ufffd"
    assert len(document["process"]["command_line"]) == 4096
    assert problems(document) == []
    orjson.dumps(document)
