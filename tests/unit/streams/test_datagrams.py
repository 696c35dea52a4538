"""Flows of datagrams: let go while nothing waits, and none of their events lost or named twice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sensor.app.outputs import RunOutputs
from sensor.decode import Decoder
from sensor.engine.pipeline import Pipeline
from sensor.engine.rule_stage import RuleStage
from sensor.flowtable.table import FlowTable
from sensor.host.event_queue import Timeline
from sensor.model.addresses import Networks
from sensor.model.flow import FlowContext
from sensor.protocols import PROTOCOLS, AnalyzedProtocol
from sensor.query.document_rows import DocumentRows
from sensor.streams import streams
from sensor.streams.documents import FlowParts
from tests.conversation import Frames, Talk, merged, play, time_ns
from tests.dns_messages import answer, query
from tests.memory_capture import MemoryCapture
from tests.running import SMALL, Collector, Run

DNS_PORTS = (40_000, 53)


def exchange(count: int, *, ports: tuple[int, int] = DNS_PORTS) -> Talk:
    """Queries and their answers in one flow, a second apart."""
    talk = Talk(ports=ports)
    for number in range(count):
        talk.client.udp(number, query(number))
        talk.server.udp(number + 0.01, answer(number))
    return talk


def told(run: Run) -> list[tuple[str, str, str]]:
    return [(event["dns"]["id"], event["dns"]["type"], event["@timestamp"][17:23])
            for event in run.said]


@pytest.mark.parametrize("batch", [1, 512])
def test_each_event_of_a_flow_has_a_name_of_its_own(batch: int) -> None:
    run = play(exchange(4), batch=batch, handover_events=1)
    assert [event["dns"]["id"] for event in run.said] == ["0", "1", "2", "3"]
    assert len({event["event"]["id"] for event in run.said}) == 4
    assert run.said == play(exchange(4)).said
    streams_ledger = run.ledger["streams"]
    assert (streams_ledger["flows"], streams_ledger["events"]) == (1, 4)


@pytest.mark.parametrize("batch", [1, 512])
def test_queries_without_an_answer_are_told_when_their_time_is_over(batch: int) -> None:
    talk = Talk(ports=DNS_PORTS)
    for at, number in ((0, 1), (1, 2), (2, 3)):
        talk.client.udp(at, query(number))
    talk.server.udp(2.5, answer(2))
    talk.client.udp(20, query(4))
    run = play(talk, batch=batch, handover_events=1)
    assert told(run) == [("2", "answer", "07.500"), ("1", "query", "05.000"),
                         ("3", "query", "07.000"), ("4", "query", "25.000")]
    assert len({event["event"]["id"] for event in run.said}) == 4


def test_what_is_said_says_how_long_it_took_and_whom_it_concerns() -> None:
    (event,) = play(exchange(1)).said
    assert event["event"]["type"] == ["connection", "protocol"]
    assert event["event"]["duration"] == 10_000_000
    assert (event["event"]["start"], event["event"]["end"]) == (
        "2026-01-02T03:04:05.000000000Z", "2026-01-02T03:04:05.010000000Z")
    assert event["@timestamp"] == event["event"]["end"]
    assert event["related"] == {
        "ip": [event["source"]["ip"], event["destination"]["ip"], "192.0.2.1"],
        "hosts": ["www.example.com"]}


@pytest.mark.parametrize(("port", "name"), [(5353, "mdns"), (5355, "llmnr")])
def test_names_of_the_neighbourhood(port: int, name: str) -> None:
    talk = Talk(ports=(port, port), addresses=("192.0.2.10", "224.0.0.251"))
    talk.client.udp(0, query(0))
    talk.client.udp(1, answer(0))
    run = play(talk)
    assert [event["event"]["action"] for event in run.said] == ["dns_query", "dns_answer"]
    assert {event["event"]["dataset"] for event in run.said} == {f"network_traffic.{name}"}
    assert {event["network"]["protocol"] for event in (*run.said, *run.records)} == {name}


def test_dns_over_tcp_is_named_in_its_flow_record() -> None:
    talk = Talk(ports=DNS_PORTS)
    talk.handshake()
    octets = query(1)
    talk.client.data(0.1, bytes([0, len(octets)]) + octets)
    talk.close(1)
    run = play(talk)
    assert told(run) == [("1", "query", "05.100")]
    assert run.records[0]["network"]["protocol"] == "dns"


def test_ssh_on_the_port_of_dns_is_ssh() -> None:
    talk = Talk(ports=DNS_PORTS)
    talk.handshake()
    talk.client.data(0.1, b"SSH-2.0-x\r\n")
    talk.close(1)
    (event,) = play(talk).said
    assert event["event"]["action"] == "ssh_identification"


def test_a_flood_of_datagrams_leaves_streams_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = Talk(ports=(50_000, 22))
    ssh.handshake()
    ssh.client.data(0.1, b"SSH-2.0-x\r\n")
    frames: Frames = list(ssh.frames)
    for number in range(20):
        talk = Talk(ports=(41_000 + number, 53))
        talk.client.udp(0.2 + number / 100, query(number))
        frames += talk.frames
    ssh.server.data(1, b"SSH-2.0-y\r\n")
    frames += ssh.frames[-1:]
    assert frames[-1][0] == time_ns(1)
    monkeypatch.setattr(streams, "FLOWS_MAX", 5)
    run = play(frames)
    assert run.ledger["streams"]["evicted"] == 16
    (event,) = (event for event in run.said if "ssh" in event)
    assert event["ssh"]["server"] == {"protocol_version": "2.0", "software": "y"}




def pipeline_of(protocols: Sequence[AnalyzedProtocol]) -> tuple[Pipeline, Collector]:
    """A run over a session of SSH and a query of DNS."""
    ssh = Talk(ports=(50_000, 22))
    ssh.handshake()
    ssh.client.data(0.1, b"SSH-2.0-x\r\n")
    context, rules = FlowContext(internal=Networks(())), Collector()
    stage = RuleStage(rules, RunOutputs(()), context, protocol_events=Timeline(DocumentRows))
    return Pipeline(
        MemoryCapture(merged(exchange(1), ssh)), Decoder().decode, FlowTable(SMALL, follow=True),
        stage, streams=streams.Streams(protocols, FlowParts(context)),
    ), rules  # fmt: skip


def test_what_is_analyzed_may_change_while_a_run_goes_on() -> None:
    always = [one for one in PROTOCOLS if one.always]
    pipeline, rules = pipeline_of(always)
    pipeline.run()
    assert [event["event"]["action"] for event in rules.said] == ["ssh_identification"]
    pipeline, rules = pipeline_of(always)
    (lane,) = pipeline.lanes
    assert lane.streams is not None
    lane.streams.analyze(PROTOCOLS)
    pipeline.run()
    assert sorted(event["event"]["action"] for event in rules.said) == [
        "dns_query", "ssh_identification"]
