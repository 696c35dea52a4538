"""What comes late of a connection that is over makes no flow, no event and no alert."""

from __future__ import annotations

import pytest

from sensor.config import FlowLimits
from tests.conversation import ACK, FIN, RST, SECOND_NS, SYN, Talk, merged, play, verdicts
from tests.unit.flowtable.stories import bystander
from tests.verdicts import DATA, HALF_OPEN, REFUSED

pytestmark = pytest.mark.parametrize("version", [4, 6])

OVER_S = 0.1 + 5.1
"""The table forgets a closed flow 5 s after its last packet."""


def session(version, close="fin"):
    talk = Talk(version)
    talk.handshake()
    talk.client.data(0.03, b"user")
    talk.server.data(0.04, b"login: ")
    if close == "fin":
        talk.close(0.05)
    else:
        getattr(talk, close).rst(0.05)
    return talk


LATE = {
    "the client's FIN again": lambda t, at: t.client.segment(at, FIN | ACK, seq=t.client.next - 1),
    "the server's FIN again": lambda t, at: t.server.segment(at, FIN | ACK, seq=t.server.next - 1),
    "data again": lambda t, at: t.server.data(at, b"login: ", seq=t.server.next - 8),
    "data that was not seen": lambda t, at: t.client.data(at, b"more", seq=t.client.next + 100),
    "an ACK": lambda t, at: t.client.ack(at),
    "a RST": lambda t, at: t.server.segment(at, RST, seq=t.server.next),
    "the SYN-ACK again": lambda t, at: t.server.segment(
        at, SYN | ACK, seq=t.server.isn, ack=t.client.isn + 1),
}  # fmt: skip


@pytest.mark.parametrize("close", ["fin", "client", "server"])
@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_late_segments_make_no_flow(version, close, late):
    """RFC 9293 3.6.1: a FIN is sent again until it is acknowledged; a lost RST is not."""
    talk = session(version, close)
    alone = play(merged(talk, bystander(OVER_S)))
    late(talk, OVER_S + 1)
    late(talk, OVER_S + 61)
    run = play(merged(talk, bystander(OVER_S)))
    assert run.ledger["late"] == 2
    assert len(run.records) == len(alone.records) == 2
    assert verdicts(run)[0] == DATA
    assert [e["event"]["action"] for e in run.events].count("flow_started") == 1
    assert run.ledger["flows"]["accepted"] == 1


@pytest.mark.parametrize(("after", "late"), [(119, 1), (121, 0)])
def test_a_connection_is_remembered_for_two_minutes(version, after, late):
    talk = session(version)
    talk.client.segment(0.07 + 5 + after, FIN | ACK, seq=talk.client.next - 1)
    run = play(merged(talk, bystander(OVER_S)))
    assert run.ledger["late"] == late
    assert len(run.records) == 3 - late


def test_two_minutes_are_those_of_the_connection_not_of_the_next_packet(version):
    """Nothing else comes in between that could move the time on."""
    talk = session(version)
    talk.client.segment(300, FIN | ACK, seq=talk.client.next - 1)
    run = play(talk)
    assert (run.ledger["late"], len(run.records)) == (0, 2)


def test_nothing_is_late_where_that_is_switched_off(version):
    talk = session(version)
    talk.client.ack(OVER_S + 1)
    run = play(merged(talk, bystander(OVER_S)), limits=FlowLimits(tcp_time_wait_ns=0))
    assert (run.ledger["late"], len(run.records)) == (0, 3)


def test_an_answer_that_its_refusal_did_not_reach_is_late(version):
    """The RST of a half-open scan got lost: the SYN-ACK comes again, 8 and 16 s later."""
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.synack(0.01)
    talk.client.segment(0.02, RST, seq=talk.client.isn + 1)
    for at in (8, 24):
        talk.server.synack(at)
    run = play(merged(talk, bystander(5.2)))
    assert run.ledger["late"] == 2
    assert verdicts(run)[0] == HALF_OPEN
    refused = Talk(version)
    refused.client.syn(0)
    refused.server.rst(0.01, seq=0)
    refused.server.rst(7, seq=0)
    run = play(merged(refused, bystander(5.2)))
    assert (run.ledger["late"], verdicts(run)[0]) == (1, REFUSED)


@pytest.mark.parametrize("ahead", [1, 250_000, 1 << 30])
def test_a_new_connection_on_the_same_ports_is_a_flow(version, ahead):
    talk = session(version)
    again = Talk(version, isns=(talk.client.next + ahead, 77))
    again.client.syn(OVER_S + 1)
    again.server.synack(OVER_S + 1.01)
    again.client.ack(OVER_S + 1.02)
    again.server.data(OVER_S + 1.03)
    run = play(merged(talk, again, bystander(OVER_S)))
    assert run.ledger["late"] == 0
    assert verdicts(run).count(DATA) == 2


def test_segments_of_other_numbers_are_of_another_connection(version):
    """Its SYN was not captured."""
    for numbers in ((1 << 22, 0), (0, 1 << 22), (-(1 << 22), 0)):
        talk = session(version)
        ends = (talk.client.next + numbers[0]) & 0xFFFF_FFFF, talk.server.next + numbers[1]
        talk.client.segment(OVER_S + 1, ACK, b"x", seq=ends[0], ack=ends[1])
        talk.server.segment(OVER_S + 1.1, ACK, b"y", seq=ends[1], ack=ends[0] + 1)
        run = play(merged(talk, bystander(OVER_S)))
        assert (run.ledger["late"], len(run.records)) == (0, 3)


def test_the_oldest_are_forgotten_first(version):
    """A table of one flow remembers four."""
    talks = []
    for number in range(6):
        talk = Talk(version, ports=(41_000 + number, 23))
        talk.client.syn(number * 10)
        talk.server.rst(number * 10 + 0.01, seq=0)
        talks.append(talk)
    for number, talk in enumerate(talks):
        talk.server.rst(70 + number * 0.01, seq=0)
    run = play(merged(*talks), limits=FlowLimits(flows_max=1, tcp_time_wait_ns=200 * SECOND_NS))
    assert run.ledger["late"] == 4
    assert len(run.records) == 6 + 2


LOOSE = 1 << 20


@pytest.mark.parametrize(("ahead", "late"), [
    (0, 1), (LOOSE, 1), (LOOSE + 1, 0), (-LOOSE, 1), (-LOOSE - 1, 0)])
@pytest.mark.parametrize("side", ["client", "server"])
def test_how_far_a_late_segment_is_from_the_end(version, side, ahead, late):
    """In its own number, and in what it acknowledges if it does."""
    for own, other, flags in ((ahead, 0, ACK), (0, ahead, ACK), (ahead, 9_999_999, RST)):
        talk = session(version)
        sender = getattr(talk, side)
        sender.segment(OVER_S + 1, flags, seq=sender.next + own, ack=sender.peer.next + other)
        run = play(merged(talk, bystander(OVER_S)))
        assert run.ledger["late"] == late, (own, other)


def test_a_connection_is_remembered_to_the_nanosecond(version):
    talk = session(version)
    ended = next(int(row["known_ns"]) for row in play(merged(talk, bystander(OVER_S))).rows
                 if row["action"] == 3)  # fmt: skip
    talk.client.ack(OVER_S + 1)
    _, octets = talk.frames.pop()
    for apart_ns, late in ((120 * SECOND_NS, 1), (120 * SECOND_NS + 1, 0)):
        run = play(merged(talk, bystander(OVER_S), [(ended + apart_ns, octets)]))
        assert run.ledger["late"] == late, apart_ns


@pytest.mark.parametrize("seen", [0, 1])
def test_of_a_side_that_was_not_seen_the_other_one_tells_the_number(version, seen):
    """Its acknowledgements: what comes of the unseen side is late nevertheless."""
    talk = session(version)
    mac = (talk.client.mac, talk.server.mac)[seen]
    frames = [frame for frame in talk.frames if frame[1][6:12] == mac]
    (talk.client, talk.server)[seen].segment(0.2, RST)
    frames.append(talk.frames[-1])
    unseen = (talk.server, talk.client)[seen]
    unseen.segment(OVER_S + 1, ACK)
    late = play(merged([*frames, talk.frames[-1]], bystander(OVER_S + 0.2)))
    assert late.ledger["late"] == 1


def test_a_lone_reset_is_no_connection(version):
    """Nothing is remembered of it: the next one is a flow of its own."""
    talk = Talk(version)
    talk.server.rst(0)
    talk.server.segment(OVER_S + 1, RST)
    run = play(merged(talk, bystander(OVER_S)))
    assert (run.ledger["late"], len(run.records)) == (0, 3)


def test_an_evicted_connection_is_not_over(version):
    talk = session(version)
    run = play(merged(talk, bystander(0.5)), limits=FlowLimits(flows_max=1))
    assert [verdict[0] for verdict in verdicts(run)] == ["accepted", "dropped"]
    talk.client.ack(1)
    run = play(merged(talk, bystander(0.5)), limits=FlowLimits(flows_max=1))
    assert run.ledger["late"] == 0


@pytest.mark.parametrize("flags", [SYN, SYN | ACK])
def test_a_syn_is_never_late_and_an_answer_is(version, flags):
    talk = session(version)
    talk.client.segment(OVER_S + 1, flags, seq=talk.client.next)
    run = play(merged(talk, bystander(OVER_S)))
    assert run.ledger["late"] == (flags != SYN)


def test_other_transports_are_never_late(version):
    talk = session(version)
    talk.client.udp(OVER_S + 1)
    run = play(merged(talk, bystander(OVER_S)))
    assert run.ledger["late"] == 0
