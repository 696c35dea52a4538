"""What each verdict needs, one thing left out or changed at a time; and what it never needs."""

from __future__ import annotations

import pytest

from sensor.config import FlowLimits
from tests.conversation import (
    ACK,
    FIN,
    PSH,
    RST,
    SYN,
    Talk,
    merged,
    play,
    said,
    tags,
    time_ns,
    verdicts,
)
from tests.unit.flowtable.stories import TICK, bystander, flow_of
from tests.verdicts import (
    BACKSCATTER,
    DATA,
    DATA_MIDSTREAM,
    DROPPED,
    HALF_OPEN,
    INCOMPLETE,
    MIDSTREAM,
    ONE_SIDED,
    ORIGINATOR_ONLY,
    REPLY,
    RESPONDER_ONLY,
    SCAN,
    SILENT,
    SILENT_ACKED,
    VETOED,
)

pytestmark = pytest.mark.parametrize("version", [4, 6])

NONE = ("unknown", "none", 0.3)


def story(version, steps, **options):
    """A talk of steps like "client.ack server.data", a tenth of a second apart."""
    talk = Talk(version, **options)
    for at, step in enumerate(steps.split()):
        side, act = step.split(".")
        getattr(getattr(talk, side), act)(at / 10)
    return talk


@pytest.mark.parametrize(("steps", "expected"), [
    # Row 1: 0.99 with a handshake, or what comes of one; 0.9 in mid-stream, seen both ways.
    ("client.syn server.synack server.data", DATA),
    ("client.syn client.ack server.data", DATA),
    ("client.syn server.syn server.data", DATA),
    ("client.syn server.data", DATA_MIDSTREAM),
    ("client.ack server.data", DATA_MIDSTREAM), ("client.data server.data", DATA_MIDSTREAM),
    ("server.data client.ack", DATA_MIDSTREAM), ("server.data client.data", DATA_MIDSTREAM),
    ("server.data", RESPONDER_ONLY), ("server.data client.fin", NONE),
    # Row 14: the originator alone.
    ("client.data", BACKSCATTER), ("client.ack client.data", BACKSCATTER),
    ("client.syn client.ack client.data", ORIGINATOR_ONLY),
    ("client.syn client.data", ORIGINATOR_ONLY),
    # Row 15: the responder alone, one payload at the end, two at once.
    ("server.synack server.data", RESPONDER_ONLY), ("server.ack", BACKSCATTER),
    ("server.synack server.ack", BACKSCATTER),
    # Rows 6 and 7 need the originator.
    ("client.syn server.synack", INCOMPLETE), ("server.synack", BACKSCATTER),
    ("client.syn client.rst", ("attempted", "half_open_scan", 0.6)),
    # Row 22.
    ("client.ack server.ack", MIDSTREAM), ("server.ack client.ack", MIDSTREAM),
    ("client.fin server.ack", NONE), ("client.ack server.fin", NONE),
    ("client.ack server.rst", NONE), ("client.rst server.ack", NONE),
])  # fmt: skip
def test_what_is_enough(version, steps, expected):
    assert verdicts(play(story(version, steps))) == [expected]


@pytest.mark.parametrize(("second", "octets", "at_once"), [
    (0, b"more", True), (2, b"more", True), (-7, b"login: ", False), (-3, b"n: ", False)])
def test_a_responder_that_is_seen_alone_says_two_things(version, second, octets, at_once):
    """Row 15: then it is accepted at once; by one, however often it is sent, at the end."""
    talk = story(version, "server.synack server.data")
    talk.server.data(0.1, b"login: ", seq=talk.server.next - 4)
    talk.server.next += 3
    talk.server.data(0.3, octets, seq=talk.server.next + second)
    del talk.frames[1]
    run = play(merged(talk, bystander(20)))
    assert RESPONDER_ONLY in verdicts(run)
    started = next(row for row in run.rows if row["action"] == 0)
    assert int(started["known_ns"]) == time_ns(0.3 if at_once else 20)


@pytest.mark.parametrize(("steps", "window", "expected", "tag"), [
    ("client.rst", 9, SCAN, ["connect_scan"]), ("client.fin", 9, SCAN, ["connect_scan"]),
    ("client.fin server.fin", 9, SCAN, ["connect_scan"]),
    ("server.fin client.fin", 9, SILENT, []), ("server.fin client.rst", 9, SILENT, []),
    ("client.data client.fin", 9, SILENT, []), ("client.data client.rst", 9, SILENT, []),
    ("client.data server.ack client.fin", 9, SILENT_ACKED, []),
    ("", 0, SCAN, ["tarpit"]), ("", 1, SILENT, []),
    ("client.data", 0, SCAN, ["tarpit"]), ("client.data server.ack", 0, SCAN, ["tarpit"]),
    ("client.rst", 0, SCAN, ["connect_scan"]), ("server.data", 0, DATA, []),
])  # fmt: skip
def test_the_weight_of_a_handshake_alone(version, steps, window, expected, tag):
    talk = Talk(version)
    talk.server.window = window
    talk.handshake()
    for at, step in enumerate(steps.split()):
        side, act = step.split(".")
        getattr(getattr(talk, side), act)(2 + at / 10)  # the wait is over
    run = play(merged(talk, bystander(1.5)))
    (record,) = [one for one in run.records if one["source"]["port"] == 40_000]
    assert (said(record), tags(record)) == (expected, tag)


@pytest.mark.parametrize(("window", "end"), [(9, "rst"), (0, None)])
def test_an_old_octet_of_the_responder_is_no_silence(version, window, end):
    """A keep-alive that carries one: neither a scan nor a tarpit."""
    talk = Talk(version)
    talk.server.window = window
    talk.handshake()
    talk.server.segment(2, ACK, b"\0", seq=talk.server.next - 1)
    if end:
        talk.client.rst(3)
    run = play(talk)
    assert (verdicts(run), tags(run.records[0])) == ([SILENT], [])


@pytest.mark.parametrize("closed", [False, True])
def test_a_responder_that_speaks_after_all_was_no_tarpit_and_the_scan_was_none(version, closed):
    """After the wait: its window opened, or it answers what has closed its own side."""
    talk = Talk(version)
    talk.server.window = 9 if closed else 0
    talk.handshake()
    if closed:
        talk.client.fin(0.1)
    talk.server.data(3, b"login: ")
    run = play(merged(talk, bystander(2)))
    first = run.events[0]
    last = next(one for one in run.records if one["source"]["port"] == 40_000)
    assert (said(first), tags(first)) == (SCAN, ["connect_scan" if closed else "tarpit"])
    assert (said(last), tags(last)) == (DATA, [])


# ---- row 4: the wait ----------------------------------------------------------------------------


@pytest.mark.parametrize(("after", "expected"), [(0.999, VETOED), (1 + TICK, SILENT)])
def test_the_veto_comes_within_a_second_of_the_handshake(version, after, expected):
    talk = Talk(version)
    talk.handshake(0)
    talk.server.rst(0.02 + after)
    assert verdicts(play(talk)) == [expected]


@pytest.mark.parametrize("seconds", [0.5, 3])
def test_the_wait_is_as_long_as_the_setting_says(version, seconds):
    talk = Talk(version)
    talk.handshake(-0.02)
    limits = FlowLimits(verdict_wait_ns=int(seconds * 1e9))
    others = [bystander(at / 100) for at in range(0, 400, 1)]
    run = play(merged(talk, *others), limits=limits)
    started = next(row for row in run.rows if row["action"] == 0)
    assert time_ns(seconds) <= int(started["known_ns"]) <= time_ns(seconds + 0.01 + TICK)
    assert int(started["decided_ns"]) == time_ns(0)


def test_what_comes_while_the_wait_is_on_does_not_put_it_off(version):
    talk = Talk(version)
    talk.handshake(-0.02)
    for at in range(1, 15):
        talk.client.data(at / 10)
        talk.server.ack(at / 10 + 0.01)
    run = play(talk)
    started = run.rows[0]
    assert run.actions()[0] == "flow_started"
    assert time_ns(1) <= int(started["known_ns"]) <= time_ns(1.11)
    assert int(started["decided_ns"]) == time_ns(0)


# ---- rows 9 to 11 -------------------------------------------------------------------------------


def unreachable(talk, at, quote):
    """No route to the host or to the network: row 11."""
    talk.server.unreachable(at, 3 if talk.version == 4 else 1, 0, quote)


def test_an_answered_datagram_is_refused_by_nobody(version):
    talk = Talk(version, ports=(40_000, 53))
    talk.client.udp(0)
    talk.server.udp(0.1)
    unreachable(talk, 0.2, talk.client.sent(0))
    run = play(talk)
    assert (verdicts(run), run.actions()) == ([REPLY], ["flow_started", "network_flow"])


def test_a_refused_datagram_may_be_answered_after_all(version):
    talk = Talk(version, ports=(40_000, 53))
    talk.client.udp(0)
    unreachable(talk, 0.1, talk.client.sent(0))
    talk.server.udp(0.2)
    run = play(talk)
    assert verdicts(run) == [REPLY]
    assert run.actions() == ["flow_dropped", "flow_started", "network_flow"]


def test_an_error_about_what_the_responder_sent_refuses_nothing(version):
    """The client has closed its port: the flow itself was not refused."""
    talk = Talk(version, ports=(40_000, 53))
    talk.client.udp(0)
    lost = Talk(version, ports=(40_000, 53))
    lost.server.udp(0.1)
    talk.client.unreachable(0.2, 3 if version == 4 else 1, 3 if version == 4 else 4,
                            lost.server.sent())
    run = play(talk)
    assert verdicts(run) == [("dropped", "timeout", 0.6)]
    assert (run.ledger["icmp_errors"], len(run.records)) == (1, 1)


@pytest.mark.parametrize("octets", [4, 7, 8])
def test_a_quote_without_a_sequence_number_refuses_no_attempt(version, octets):
    talk = Talk(version)
    talk.client.syn(0)
    quote = talk.client.sent()[: (20 if version == 4 else 40) + octets]
    unreachable(talk, 0.1, quote)
    expected = "icmp_unreachable" if octets == 8 else "timeout"
    assert verdicts(play(talk))[0][1] == expected


def test_a_refusal_of_a_midstream_segment_is_none(version):
    talk = Talk(version)
    talk.client.data(0)
    unreachable(talk, 0.1, talk.client.sent())
    run = play(talk)
    assert (verdicts(run), run.ledger["icmp_errors"]) == ([BACKSCATTER], 1)


@pytest.mark.parametrize("order", [("icmp", "rst"), ("rst", "icmp")])
def test_the_first_of_two_refusals_decides(version, order):
    talk = Talk(version)
    talk.client.syn(0)
    for at, what in enumerate(order, start=1):
        if what == "rst":
            talk.server.rst(at / 10, seq=0)
        else:
            unreachable(talk, at / 10, talk.client.sent(0))
    expected = ("dropped", "icmp_unreachable", 0.9) if order[0] == "icmp" else (
        "denied", "rst", 0.95)
    assert verdicts(play(talk)) == [expected]


# ---- rows 12, 13 and 21: silence ----------------------------------------------------------------


def seen(version, port, *, both, lossy=False):
    """A connection of which the originator's side is seen, or both, with a gap or without."""
    talk = Talk(version, ports=(port, 80))
    talk.client.syn(0)
    talk.server.synack(0.01, lost=not both)
    talk.client.ack(0.02)
    talk.server.data(0.03, b"x" * 100, lost=not both or lossy)
    talk.client.ack(0.04)
    return talk


@pytest.mark.parametrize(("one_way", "two_way", "expected"), [
    (0, 1, DROPPED), (1, 1, DROPPED), (2, 1, ONE_SIDED), (2, 2, DROPPED), (3, 2, ONE_SIDED),
    (1, 0, ONE_SIDED), (0, 0, DROPPED),
])  # fmt: skip
def test_a_capture_is_one_sided_where_most_flows_are(version, one_way, two_way, expected):
    talks = [seen(version, 41_000 + i, both=i >= one_way) for i in range(one_way + two_way)]
    lone = Talk(version)
    lone.client.syn(1)
    run = play(merged(*talks, lone, bystander(67)))
    (record,) = [one for one in run.records if one["source"]["port"] == 40_000]
    assert said(record) == expected


@pytest.mark.parametrize(("gaps", "whole", "expected"), [
    (2, 0, DROPPED), (3, 0, ONE_SIDED), (3, 27, ONE_SIDED), (3, 28, DROPPED), (4, 36, ONE_SIDED),
    (4, 37, DROPPED)])  # fmt: skip
def test_a_capture_is_lossy_by_three_flows_and_a_tenth(version, gaps, whole, expected):
    talks = [seen(version, 41_000 + i, both=True, lossy=i < gaps) for i in range(gaps + whole)]
    lone = Talk(version)
    lone.client.syn(1)
    run = play(merged(*talks, lone, bystander(67)))
    (record,) = [one for one in run.records if one["source"]["port"] == 40_000]
    assert said(record) == expected


@pytest.mark.parametrize(("acknowledged", "filled", "gaps"), [
    (0, False, 0), (100, False, 0), (300, False, 1), (300, True, 0)])
def test_what_was_skipped_is_a_gap_once_it_is_acknowledged(version, acknowledged, filled, gaps):
    """docs/verdict.md: data that the capture does not have, and not that which is only late."""
    for sides in (("server", "client"), ("client", "server")):
        talk = Talk(version)
        talk.handshake()
        sender, receiver = (getattr(talk, side) for side in sides)
        first = sender.next
        sender.data(0.1, b"x" * 100)
        sender.data(0.2, b"y" * 100, lost=True)
        sender.data(0.3, b"z" * 100)
        if filled:
            sender.data(0.4, b"y" * 100, seq=first + 100)
        if acknowledged:
            receiver.ack(0.5, ack=first + acknowledged)
        run = play(talk)
        assert run.ledger["seen"]["flows_with_gaps"] == gaps
        assert sum(run.rows[-1]["missed_bytes"]) == (0 if filled else 100)


def test_what_came_late_was_not_lost(version):
    talks = []
    for number in range(5):
        talk = seen(version, 41_000 + number, both=True, lossy=True)
        talk.server.data(0.05, b"x" * 100, seq=talk.server.next - 100)
        talks.append(talk)
    lone = Talk(version)
    lone.client.syn(1)
    run = play(merged(*talks, lone, bystander(67)))
    (record,) = [one for one in run.records if one["source"]["port"] == 40_000]
    assert said(record) == DROPPED


@pytest.mark.parametrize(("act", "expected"), [
    (lambda side, asks: side.echo(0, asks, 7), ("dropped", "timeout", 0.6)),
    (lambda side, asks: side.echo(0, 13 if asks == 8 else 139, 7), NONE),
    (lambda side, asks: side.other(0, 253), NONE),
    (lambda side, asks: side.other(0, 132, b"\0\1\0\2" + bytes(8)), NONE),
    (lambda side, asks: side.udp(0), ("dropped", "timeout", 0.6)),
])  # fmt: skip
def test_whose_silence_means_something(version, act, expected):
    """A request's: a datagram of UDP, an echo. Others ask nothing, as far as we know."""
    talk = Talk(version, ports=(40_000, 53))
    act(talk.client, 8 if version == 4 else 128)
    assert verdicts(play(talk)) == [expected]


# ---- zeek's conn_state --------------------------------------------------------------------------


@pytest.mark.parametrize(("steps", "state"), [
    ("client.syn client.ack", "OTH"), ("client.syn client.ack client.fin", "SH"),
    ("client.syn client.fin", "SH"), ("client.syn server.synack client.fin", "S2"),
    ("server.synack server.fin", "SHR"), ("server.synack client.ack server.fin", "S3"),
    ("client.syn server.syn", "S1"), ("server.synack client.rst", "RSTO"),
    ("server.synack server.rst", "RSTRH"), ("client.syn server.synack server.rst", "RSTR"),
    ("client.syn server.ack", "OTH"), ("server.syn", "S0"),
])  # fmt: skip
def test_conn_state_by_what_was_seen(version, steps, state):
    assert flow_of(play(story(version, steps)))["conn_state"] == state


def test_a_refusal_that_proves_nothing_is_one_to_zeek(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.segment(0.01, RST | ACK, seq=0, ack=77)
    assert flow_of(play(talk))["conn_state"] == "REJ"
    talk = Talk(version)
    talk.client.syn(0)
    talk.client.ack(0.01)
    talk.server.segment(0.02, RST | ACK, seq=9, ack=77)
    assert flow_of(play(talk))["conn_state"] != "REJ"


def test_conn_state_of_other_transports(version):
    talk = Talk(version)
    talk.client.other(0, 253)
    talk.server.other(0.1, 253)
    assert flow_of(play(talk))["conn_state"] == "OTH"


# ---- flags that do not go together --------------------------------------------------------------


@pytest.mark.parametrize("flags", [
    RST | SYN, RST | FIN, SYN | FIN, RST | SYN | ACK, SYN | FIN | ACK])
def test_odd_flags_of_a_scan_accept_nothing(version, flags):
    talk = Talk(version)
    talk.client.segment(0, flags, seq=77)
    talk.server.rst(0.1, seq=0)
    assert "flow_started" not in play(talk).actions()


@pytest.mark.parametrize(("seq", "expected"), [(1, HALF_OPEN), (0, INCOMPLETE)])
def test_a_half_open_scan_ends_with_its_next_number(version, seq, expected):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.synack(0.01)
    talk.client.segment(0.02, RST, seq=talk.client.isn + seq)
    assert verdicts(play(talk)) == [expected]


def test_payload_after_a_refusal_is_of_another_connection(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.rst(0.01, seq=0)
    talk.server.segment(0.02, PSH | ACK, b"old", seq=77, ack=talk.client.isn + 1)
    assert play(talk).actions()[0] == "flow_denied"


def test_a_syn_that_is_sent_again_after_its_refusal_stays_refused(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.rst(0.01, seq=0)
    talk.client.segment(0.02, SYN, seq=talk.client.isn)
    assert verdicts(play(talk)) == [("denied", "rst", 0.95)]
