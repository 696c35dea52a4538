"""How long a flow lives: its timeouts, and the records that it gives."""

from __future__ import annotations

import pytest

from sensor.config import FlowLimits
from tests.conversation import SECOND_NS, Talk, merged, play, time_ns
from tests.unit.flowtable.stories import TICK, bystander, reasons


def attempt(talk):
    talk.client.syn(0)


def established(talk):
    talk.handshake(-0.02)
    talk.server.data(0)


def reset(talk):
    talk.handshake(-0.03)
    talk.server.data(-0.01)
    talk.client.rst(0)


def closed(talk):
    talk.handshake(-0.05)
    talk.server.data(-0.03)
    talk.close(-0.02)


def datagram(talk):
    talk.client.udp(0)


def ping(talk):
    talk.client.echo(0, 8, 1)


def other(talk):
    talk.client.other(0, 253)


def closing(talk):
    """The last acknowledgement is missing: the FIN may come again."""
    talk.handshake(-0.05)
    talk.server.data(-0.03)
    talk.client.fin(-0.02)
    talk.server.fin(0)


def closing_from_there(talk):
    talk.handshake(-0.05)
    talk.server.data(-0.03)
    talk.server.fin(-0.02)
    talk.client.fin(0)


def half_closed(talk):
    talk.handshake(-0.05)
    talk.server.data(-0.03)
    talk.client.fin(0)


def half_open(talk):
    talk.client.syn(-0.01)
    talk.server.synack(0)


def answered_again(talk):
    """The SYN-ACK was repeated: not accepted yet, but a connection to its originator."""
    talk.handshake(-0.05)
    talk.server.synack(0)


def midstream(talk):
    talk.client.ack(-0.01)
    talk.server.ack(0)


def lone_ack(talk):
    talk.client.ack(0)


def refused(talk):
    talk.client.syn(-0.01)
    talk.server.rst(0, seq=0)


TIMEOUTS = [
    (closing, 65, "fin"), (closing_from_there, 65, "fin"), (half_closed, 3_600, "idle_timeout"),
    (half_open, 65, "idle_timeout"), (answered_again, 3_600, "idle_timeout"),
    (midstream, 3_600, "idle_timeout"), (lone_ack, 65, "idle_timeout"), (refused, 5, "rst"),
    (attempt, 65, "idle_timeout"),
    (established, 3_600, "idle_timeout"),
    (reset, 5, "rst"),
    (closed, 5, "fin"),
    (datagram, 60, "idle_timeout"),
    (ping, 60, "idle_timeout"),
    (other, 60, "idle_timeout"),
]


@pytest.mark.parametrize("story,seconds,reason", TIMEOUTS, ids=[s.__name__ for s, *_ in TIMEOUTS])
def test_timeouts(story, seconds, reason):
    """The flow is there just before its timeout, and gone a tick after it."""
    before = Talk()
    story(before)
    run = play(merged(before, bystander(seconds - 0.001)))
    assert int(run.rows[-1]["known_ns"]) == time_ns(seconds - 0.001)
    assert run.ledger["flows"]["peak"] == 2
    after = Talk()
    story(after)
    run = play(merged(after, bystander(seconds + TICK)))
    (record,) = [row for row in run.rows if row["action"] >= 3 and row["orig_port"] != 1_111]
    assert time_ns(seconds) <= int(record["known_ns"]) <= time_ns(seconds + TICK)
    assert run.ledger["flows"]["peak"] == 1
    assert reasons(run)[0] == reason


DISTINCT = FlowLimits(
    tcp_attempt_timeout_ns=20 * SECOND_NS, tcp_idle_timeout_ns=70 * SECOND_NS,
    tcp_closed_timeout_ns=3 * SECOND_NS, udp_timeout_ns=30 * SECOND_NS,
    icmp_timeout_ns=40 * SECOND_NS, other_timeout_ns=50 * SECOND_NS,
)  # fmt: skip
SECONDS = {attempt: 20, established: 70, reset: 3, closed: 3, closing: 20, half_closed: 70,
           half_open: 20, refused: 3, datagram: 30, ping: 40, other: 50}  # fmt: skip


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("story", SECONDS, ids=[story.__name__ for story in SECONDS])
def test_each_timeout_is_its_own(story, version):
    talk = Talk(version)
    if story is ping:
        talk.client.echo(0, 8 if version == 4 else 128, 1)
    else:
        story(talk)
    run = play(merged(talk, bystander(SECONDS[story] + TICK), bystander(100, 3_333)),
               limits=DISTINCT)  # fmt: skip
    (record,) = [row for row in run.rows if row["action"] >= 3
                 and row["orig_port"] not in (1_111, 3_333)]  # fmt: skip
    seconds = SECONDS[story]
    assert time_ns(seconds) <= int(record["known_ns"]) <= time_ns(seconds + TICK)


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("protocol", [1, 58])
def test_messages_of_icmp_within_the_other_version_have_its_timeout(version, protocol):
    """A message of ICMP without an identifier, or of the other version's ICMP: both are ICMP."""
    talk = Talk(version)
    talk.client.other(0, protocol, bytes([10, 0]) + bytes(30))
    run = play(merged(talk, bystander(39), bystander(41, 3_333)), limits=DISTINCT)
    (record,) = [row for row in run.rows if row["action"] == 3 and row["protocol"] == protocol]
    assert time_ns(40) <= int(record["known_ns"]) <= time_ns(40 + TICK)


@pytest.mark.parametrize("times", [(0, 1, 2), (0, 2, 1), (2, 0, 1)])
@pytest.mark.parametrize("transport", ["syn", "udp"])
def test_what_nobody_answered_is_dated_by_its_last_packet(transport, times):
    """docs/fields.md: that one decided, however the packets are dated."""
    talk = Talk()
    for at in times:
        getattr(talk.client, transport)(at)
    run = play(talk)
    assert run.actions() == ["flow_dropped", "network_flow"]
    assert {event["@timestamp"] for event in run.events} == {"2026-01-02T03:04:07.000000000Z"}


def test_a_handshake_that_waits_is_dated_by_its_acknowledgement_at_the_end_too():
    talk = Talk()
    talk.handshake()
    talk.client.data(0.5)
    run = play(talk)
    assert [event["@timestamp"] for event in run.events] == [
        "2026-01-02T03:04:05.020000000Z", "2026-01-02T03:04:05.500000000Z"]


def test_one_connect_of_linux_is_one_flow():
    """Six retries, each twice as long after the one before (tcp_syn_retries, RFC 6298 5.5)."""
    talk = Talk()
    for at in (0, 1, 3, 7, 15, 31, 63):
        talk.client.syn(at)
    run = play(merged(talk, bystander(128.5)))
    record = next(record for record in run.records if record["source"]["port"] == 40_000)
    assert record["source"]["packets"] == 7
    assert record["sensor"]["flow"]["confidence"] == 0.8
    assert len(run.records) == 2


def test_a_session_that_pauses_is_one_session():
    talk = Talk()
    talk.handshake()
    for at in (1, 601, 2_400, 5_999):
        talk.server.data(at)
        talk.client.ack(at + 0.1)
    run = play(merged(talk, *[bystander(at) for at in range(100, 6_000, 100)]))
    assert [record["network"]["packets"] for record in run.records
            if record["source"]["port"] == 40_000] == [11]  # fmt: skip
    assert run.actions().count("flow_started") == 1


def test_each_packet_puts_the_timeout_off():
    talk = Talk(ports=(40_000, 53))
    for at in (0, 50, 100, 150):
        talk.client.udp(at)
    run = play(merged(talk, bystander(205)))
    assert run.ledger["flows"]["peak"] == 2


def test_active_timeout_gives_records_of_an_open_flow():
    talk = Talk()
    talk.handshake()
    for second in range(1, 100):
        talk.server.data(second)
        talk.client.ack(second + 0.1)
    run = play(talk, limits=FlowLimits(active_timeout_ns=30 * SECOND_NS))
    flows = [(e["event"]["action"], e["flow"]["final"]) for e in run.events]
    assert flows == [
        ("flow_started", False), *[("network_flow", False)] * 3, ("network_flow", True)
    ]
    active = run.events[1]
    assert active["event"]["type"] == ["connection"]
    assert active["sensor"]["flow"]["end_reason"] == "active_timeout"
    assert len({event["flow"]["id"] for event in run.events}) == 1
    known = [int(row["known_ns"]) for row in run.rows[1:4]]
    for number, at in enumerate(known, start=1):
        assert time_ns(30 * number) <= at <= time_ns(30 * number + number * TICK)


TICK_NS = 1 << 24
ON_A_TICK = [
    (attempt, 65, -1, 2, {}), (datagram, 60, -1, 2, {}), (refused, 5, -1, 3, {}),
    (lambda talk: talk.handshake(-0.02), 1, -1, 0, {}),
    (lambda talk: talk.handshake(-0.02), 3, -1, 0, {"verdict_wait_ns": 3 * SECOND_NS}),
    (established, 30, 0, 4, {"active_timeout_ns": 30 * SECOND_NS}),
]


@pytest.mark.parametrize("apart_ns", [0, 1, TICK_NS - 1])
@pytest.mark.parametrize(("story", "seconds", "since", "action", "limits"), ON_A_TICK)
def test_a_deadline_that_falls_on_a_tick_is_met_by_it(
    story, seconds, since, action, limits, apart_ns
):
    """Deadlines are rounded up to a tick: one that is a tick, not at all."""
    talk = Talk()
    story(talk)
    deadline = talk.frames[since][0] + seconds * SECOND_NS
    shift = -deadline % TICK_NS
    frames = [(time + shift, octets) for time, octets in talk.frames]
    (_, octets), = bystander(0).frames
    run = play([*frames, (deadline + shift + apart_ns, octets)], limits=FlowLimits(**limits))
    known = [int(row["known_ns"]) for row in run.rows
             if row["action"] == action and row["orig_port"] == 40_000]  # fmt: skip
    assert known == [deadline + shift]
