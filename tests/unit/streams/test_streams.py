"""What is said in connections, from frames to events."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.app.outputs import RunOutputs
from sensor.decode import Decoder
from sensor.engine.pipeline import Pipeline
from sensor.engine.rule_stage import RuleStage
from sensor.flowtable.constants import SEGMENTS_MAX
from sensor.flowtable.table import FlowTable
from sensor.host.event_queue import Timeline
from sensor.model.addresses import Networks
from sensor.model.applications import SSH
from sensor.model.flow import FlowContext
from sensor.protocols import AnalyzedProtocol
from sensor.protocols.analyzer import Moment
from sensor.protocols.ssh.analyzer import SshAnalyzer
from sensor.query.document_rows import DocumentRows
from sensor.streams import streams
from sensor.streams.documents import FlowParts
from tests.conversation import START_NS, Talk, merged, play
from tests.memory_capture import MemoryCapture
from tests.running import SMALL, Collector

SSH_PORTS = (40_000, 22)
SERVER_SAYS = b"SSH-2.0-OpenSSH_9.6\r\n"
CLIENT_SAYS = b"SSH-2.0-PuTTY_Release_0.80\r\n"


def session(version: int = 4, ports: tuple[int, int] = SSH_PORTS, **options: Any) -> Talk:
    talk = Talk(version, ports=ports, **options)
    talk.handshake()
    talk.server.data(0.1, SERVER_SAYS)
    talk.client.data(0.2, CLIENT_SAYS)
    talk.server.data(0.3, bytes(100))
    talk.close(1)
    return talk


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("vlan", [None, 7])
def test_the_document_names_its_flow(version: int, vlan: int | None) -> None:
    run = play(session(version, vlan=vlan))
    (event,) = run.said
    (record,) = run.records
    for name in ("source", "destination", "client", "server"):
        assert event[name] == {key: record[name][key] for key in ("ip", "port", "mac")}
    for name in ("transport", "type", "community_id", "direction", "iana_number"):
        assert event["network"][name] == record["network"][name]
    assert event["network"].get("vlan") == record["network"].get("vlan")
    assert (event["network"]["protocol"], record["network"]["protocol"]) == ("ssh", "ssh")
    assert event["flow"] == {"id": record["flow"]["id"]}
    assert event["related"]["ip"] == [record["source"]["ip"], record["destination"]["ip"]]
    assert event["event"] == {
        "kind": "event", "category": ["network"], "type": ["info", "protocol"],
        "module": "network_traffic", "dataset": "network_traffic.ssh",
        "action": "ssh_identification", "id": f"{record['flow']['id']}-ssh-1",
    }
    assert event["@timestamp"] == "2026-01-02T03:04:05.200000000Z"
    assert event["sensor"]["capture"] == {"frame": 5}
    assert event["ssh"] == {
        "client": {"protocol_version": "2.0", "software": "PuTTY_Release_0.80"},
        "server": {"protocol_version": "2.0", "software": "OpenSSH_9.6"},
    }


def test_order_among_the_flow_events() -> None:
    assert play(session()).order == ["flow_started", "ssh_identification", "network_flow"]


def test_of_one_time_the_start_comes_first_and_the_record_last() -> None:
    talk = Talk(ports=SSH_PORTS)
    talk.client.syn(0)
    talk.server.synack(0)
    talk.client.ack(0)
    talk.client.data(0.5, CLIENT_SAYS)
    talk.server.data(0.5, SERVER_SAYS)
    assert play(talk).order == ["flow_started", "ssh_identification", "network_flow"]
    talk = Talk(ports=SSH_PORTS)  # known at the flow's end, and because of it
    talk.handshake()
    talk.server.data(0.5, SERVER_SAYS)
    assert play(talk).order == ["flow_started", "ssh_identification", "network_flow"]


def test_on_any_port_by_the_first_octets() -> None:
    (event,) = play(session(ports=(40_000, 2222))).said
    assert event["destination"]["port"] == 2222
    (event,) = play(session(ports=(50_000, 51_000))).said
    assert event["ssh"]["client"]["software"] == "PuTTY_Release_0.80"


def test_other_protocols_on_its_port_are_none() -> None:
    talk = Talk(ports=SSH_PORTS)
    talk.handshake()
    talk.server.data(0.1, b"RFB 003.008\n")
    talk.client.data(0.2, b"RFB 003.008\n")
    run = play(talk)
    assert run.said == []
    assert run.records[0]["network"]["protocol"] == "rfb"
    assert run.ledger["streams"]["flows"] == 0


def test_what_cannot_be_its_protocol_is_counted_once_and_followed_no_further() -> None:
    talk = Talk(ports=SSH_PORTS)
    talk.handshake()
    talk.client.data(0.1, bytes(range(128, 228)))
    talk.server.data(0.2, SERVER_SAYS)
    run = play(talk, batch=1, handover_events=0)
    assert run.said == []
    counted = {name: run.ledger["streams"][name] for name in ("flows", "segments", "bytes")}
    assert counted == {"flows": 1, "segments": 1, "bytes": 100}


def test_byte_by_byte_out_of_order_and_twice() -> None:
    talk = Talk(ports=SSH_PORTS)
    talk.handshake()
    first = talk.server.next
    for at in reversed(range(len(SERVER_SAYS))):
        talk.server.data(0.1, SERVER_SAYS[at : at + 1], seq=first + at)
        talk.server.data(0.1, SERVER_SAYS[at : at + 3], seq=first + at)
    for octet in CLIENT_SAYS:
        talk.client.data(0.5, bytes([octet]))
    (event,) = play(talk, duplicates=False).said
    assert event["ssh"]["server"]["software"] == "OpenSSH_9.6"
    assert event["ssh"]["client"]["software"] == "PuTTY_Release_0.80"


def test_what_the_capture_missed_is_a_gap() -> None:
    talk = Talk(ports=SSH_PORTS)
    talk.handshake()
    talk.server.data(0.1, SERVER_SAYS[:8], lost=True)
    talk.server.data(0.2, SERVER_SAYS[8:])
    talk.client.data(0.3, CLIENT_SAYS)  # and acknowledges both
    talk.server.data(0.4, b"more")
    run = play(talk)
    assert (run.ledger["streams"]["gaps"], run.ledger["streams"]["gap_bytes"]) == (1, 8)
    (event,) = run.said
    assert event["ssh"] == {"client": {"protocol_version": "2.0", "software": "PuTTY_Release_0.80"}}


def test_a_capture_that_begins_in_the_middle() -> None:
    talk = session()
    (event,) = play(talk.frames[3:]).said
    assert event["ssh"]["server"]["software"] == "OpenSSH_9.6"
    assert play(talk.frames[5:]).said == []


def test_a_flow_that_is_turned_round_keeps_its_sides() -> None:
    """The first packet seen looks like the server's; a SYN-ACK then proves the contrary."""
    talk = Talk(ports=(22, 40_000))  # who connects uses the well-known port
    talk.client.syn(0)
    talk.server.synack(0.01)
    talk.client.ack(0.02)
    talk.client.data(0.1, CLIENT_SAYS)
    talk.server.data(0.2, SERVER_SAYS)
    frames = [talk.frames[3], talk.frames[1], *talk.frames[4:]]
    (event,) = play(frames).said
    assert event["client"]["port"] == 22
    assert event["ssh"]["client"]["software"] == "PuTTY_Release_0.80"


def test_a_flow_that_is_turned_round_after_its_last_word_keeps_its_sides() -> None:
    talk = Talk(ports=(22, 40_000))
    talk.client.syn(0)
    talk.server.synack(0.01)
    talk.client.data(0.1, CLIENT_SAYS)
    (event,) = play([talk.frames[2], talk.frames[1]]).said
    assert event["client"]["port"] == 22
    assert event["ssh"]["client"]["software"] == "PuTTY_Release_0.80"


def test_a_place_in_the_table_is_used_again() -> None:
    """One flow at a time in the table; each is told of with its own strings."""
    frames = []
    for number in range(5):
        talk = Talk(ports=(40_000 + number, 22))
        talk.handshake(number * 10)
        talk.server.data(number * 10 + 1, f"SSH-2.0-number{number}\r\n".encode())
        talk.client.data(number * 10 + 2, CLIENT_SAYS)
        talk.client.rst(number * 10 + 3)
        frames += talk.frames
    run = play(frames, batch=3)
    assert [event["ssh"]["server"]["software"] for event in run.said] == [
        f"number{number}" for number in range(5)]
    assert len({event["flow"]["id"] for event in run.said}) == 5


def test_more_segments_than_are_held_at_once() -> None:
    talk = Talk(ports=SSH_PORTS)
    talk.handshake()
    for number in range(2 * SEGMENTS_MAX):
        talk.server.data(0.1 + number / 1e6, b".\n")
    talk.server.data(1, SERVER_SAYS)
    talk.client.data(2, CLIENT_SAYS)
    run = play(talk, batch=10_000 % 2048 or 2048, duplicates=False)
    assert run.ledger["streams"]["segments"] >= 2 * SEGMENTS_MAX
    (event,) = run.said
    assert event["ssh"]["server"]["software"] == "OpenSSH_9.6"


def test_no_more_of_a_flow_is_looked_at_than_its_analyzer_wants() -> None:
    talk = session()
    for number in range(50):
        talk.client.data(2 + number / 10, bytes(1000))
    run = play(talk, batch=1, handover_events=0)
    assert run.ledger["streams"]["segments"] < 10


def test_the_first_packet_of_a_capture_is_not_lost() -> None:
    """It is held back until the second one confirms its time."""
    talk = Talk(ports=SSH_PORTS)
    talk.server.data(0.1, SERVER_SAYS)
    talk.client.data(0.2, CLIENT_SAYS)
    for batch in (1, 2):
        (event,) = play(talk, batch=batch).said
        assert event["ssh"]["server"]["software"] == "OpenSSH_9.6"
    assert START_NS < 1 << 62


def test_beyond_the_limit_the_flow_followed_longest_makes_room(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "FLOWS_MAX", 3)
    talks = [Talk(ports=(40_000 + number, 22)) for number in range(4)]
    for number, talk in enumerate(talks):
        talk.handshake(number / 100)
        talk.server.data(1 + number, SERVER_SAYS)
        talk.client.data(10 + number, CLIENT_SAYS)
    run = play(*talks)
    assert [event["client"]["port"] for event in run.said] == [40_001, 40_002, 40_003]
    assert run.ledger["streams"]["evicted"] == 1


HTTP_PORTS = (40_000, 80)
OPEN_REQUEST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9001\r\n\r\n" + b"x" * 9_000


def test_beyond_the_memory_of_all_analyzers_the_flow_that_takes_much_for_longest_ends(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests without an end, of which two have room; a short one is no reason to end."""
    monkeypatch.setattr(streams, "HELD_BYTES_MAX", 25_000)
    talks = [Talk(ports=(40_000 + number, 80)) for number in range(4)]
    for number, talk in enumerate(talks):
        talk.handshake(number / 100)
        talk.client.data(1 + number, OPEN_REQUEST if number else b"GET / HTTP/1.1\r\n")
        talk.client.data(10 + number, b"x" if number else b"\r\n")
        talk.server.data(20 + number, b"HTTP/1.1 204 No Content\r\n\r\n")
        talk.close(30 + number)
    run = play(*talks)
    assert [event["client"]["port"] for event in run.said if event["http"].get("request")] == [
        40_000, 40_002, 40_003]  # fmt: skip
    assert run.ledger["streams"]["evicted"] == 1


def test_memory_that_flows_have_given_back_counts_no_more(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "HELD_BYTES_MAX", 25_000)
    talk = Talk(ports=HTTP_PORTS)
    talk.handshake()
    for number in range(20):
        talk.client.data(1 + number, OPEN_REQUEST)
        talk.client.data(1.1 + number, b"x")
        talk.server.data(1.2 + number, b"HTTP/1.1 204 No Content\r\n\r\n")
    ended = [Talk(ports=(41_000 + number, 80)) for number in range(5)]
    for number, other in enumerate(ended):
        other.handshake(100 * (1 + number))
        other.client.data(100.5 + 100 * number, OPEN_REQUEST)
        other.client.rst(100.6 + 100 * number)
    run = play(talk, *ended)
    assert len(run.said) == 20 + len(ended)
    assert run.ledger["streams"]["evicted"] == 0


def test_octets_that_waited_in_a_flow_that_is_done_count_no_more(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "WAITING_BYTES_MAX", 3000)
    done = Talk(ports=SSH_PORTS)
    done.handshake()
    done.server.data(0.1, SERVER_SAYS)
    done.server.data(0.2, b"x", lost=True)
    done.server.data(0.3, bytes(2000))  # waits
    done.client.data(0.4, CLIENT_SAYS)  # all that the analyzer wants to know
    late = Talk(ports=(40_001, 22))
    late.handshake(1)
    first = late.server.next
    late.server.data(1.2, SERVER_SAYS + bytes(1400), seq=first + 8)
    late.server.data(1.3, b"welcome\n", seq=first)
    late.client.data(1.4, CLIENT_SAYS)
    run = play(done, late)
    assert [event["client"]["port"] for event in run.said] == [40_000, 40_001]
    assert run.said[1]["ssh"]["server"]["software"] == "OpenSSH_9.6"
    assert run.ledger["streams"]["gaps"] == 0


class Faulty(SshAnalyzer):
    """An analyzer with a defect that some octets reach."""

    def feed(self, side: int, octets: bytes, moment: Moment) -> None:
        if b"PuTTY" in octets:
            raise ValueError("not\x1b[2J expected")
        super().feed(side, octets, moment)


def test_a_defect_in_an_analyzer_ends_it_for_that_flow_and_is_said_once() -> None:
    context = FlowContext(internal=Networks(()))
    told: list[str] = []
    protocol = AnalyzedProtocol("ssh", (SSH,), Faulty, tcp_ports=(22,))
    rules = Collector()
    stage = RuleStage(rules, RunOutputs(()), context, protocol_events=Timeline(DocumentRows))
    sound = Talk(ports=(41_000, 22))
    sound.handshake(5)
    sound.server.data(6, SERVER_SAYS)
    sound.client.data(7, b"SSH-2.0-dropbear\r\n")
    frames = merged(session(), session(ports=(40_001, 22)), sound)
    pipeline = Pipeline(
        MemoryCapture(frames), Decoder().decode, FlowTable(SMALL, follow=True), stage,
        streams=streams.Streams((protocol,), FlowParts(context), told.append),
    )  # fmt: skip
    pipeline.run()
    assert told == ["the analyzer of ssh failed in a flow, which goes on without it: "
                    "ValueError: not\\x1b[2J expected"]
    assert pipeline.ledger()["streams"]["failed"] == 2
    assert rules.order.count("network_flow") == 3
    (event,) = rules.said
    assert event["ssh"]["client"]["software"] == "dropbear"


class Giddy(SshAnalyzer):
    """An analyzer with a defect that shows when its sides change places."""

    def turn(self) -> None:
        raise ValueError("turned")


def test_a_defect_in_turning_the_sides_is_that_flows_alone() -> None:
    context = FlowContext(internal=Networks(()))
    told: list[str] = []
    protocol = AnalyzedProtocol("ssh", (SSH,), Giddy, tcp_ports=(22,))
    rules = Collector()
    stage = RuleStage(rules, RunOutputs(()), context, protocol_events=Timeline(DocumentRows))
    turned = Talk(ports=(22, 40_000))
    turned.client.syn(0)
    turned.server.synack(0.01)
    turned.client.data(0.1, CLIENT_SAYS)
    frames = [turned.frames[2], turned.frames[1], *session(ports=(41_000, 22)).frames]
    pipeline = Pipeline(
        MemoryCapture(frames), Decoder().decode, FlowTable(SMALL, follow=True), stage,
        streams=streams.Streams((protocol,), FlowParts(context), told.append),
    )  # fmt: skip
    pipeline.run()
    assert told == ["the analyzer of ssh failed in a flow, which goes on without it: "
                    "ValueError: turned"]
    assert pipeline.ledger()["streams"]["failed"] == 1
    assert [event["client"]["port"] for event in rules.said] == [41_000]
