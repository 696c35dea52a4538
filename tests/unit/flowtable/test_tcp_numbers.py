"""What sequence numbers decide: which payload is new, and which connection a late SYN opened."""

from __future__ import annotations

import itertools

import pytest

from tests.conversation import ACK, FIN, PSH, SYN, Talk, merged, play, time_ns, verdicts
from tests.fragmenting import fragments_of
from tests.unit.flowtable.stories import flow_of
from tests.verdicts import DATA, DATA_MIDSTREAM, HALF_OPEN, MIDSTREAM, REFUSED, SILENT, SILENT_ACKED

pytestmark = pytest.mark.parametrize("version", [4, 6])


def actions(run):
    return [action for action in run.actions() if action != "network_flow"]


# ---- old octets are no answer -------------------------------------------------------------------


@pytest.mark.parametrize("octets", [b"", b"\0"])
def test_keep_alives_of_the_responder_are_no_payload(version, octets):
    """RFC 9293 3.8.4: a probe has the number before the next one, and may carry one old octet."""
    talk = Talk(version)
    talk.handshake()
    for at in range(2, 200, 60):
        talk.server.segment(at, ACK, octets, seq=talk.server.next - 1)
        talk.client.ack(at + 0.01)
    run = play(talk)
    assert verdicts(run) == [SILENT]
    assert play(talk, accept_on_data=True).actions() == ["network_flow"]


def test_keep_alives_after_data_leave_it_at_that(version):
    talk = Talk(version)
    talk.handshake()
    talk.client.data(0.1, b"hello")
    talk.server.ack(0.11)
    for at in (60, 120):
        talk.server.segment(at, ACK, b"\0", seq=talk.server.next - 1)
        talk.client.ack(at + 0.01)
        talk.client.segment(at + 1, ACK, b"o", seq=talk.client.next - 1)
        talk.server.ack(at + 1.01)
    assert verdicts(play(talk)) == [SILENT_ACKED]


def test_keep_alives_in_midstream(version):
    """Row 22, whoever sends them: the octet stands before what the other side has taken."""
    talk = Talk(version)
    talk.client.ack(0)
    talk.server.segment(0.1, ACK, b"\0", seq=talk.server.next - 1)
    talk.client.ack(0.11)
    talk.server.segment(60, ACK, b"\0", seq=talk.server.next - 1)
    talk.client.ack(60.01)
    assert verdicts(play(talk)) == [MIDSTREAM]
    talk.server.data(61, b"x")  # one octet, and new
    assert verdicts(play(talk)) == [DATA_MIDSTREAM]


def test_a_new_octet_behind_an_old_one_counts(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.segment(2, ACK | PSH, b"\0", seq=talk.server.next - 1)
    talk.server.segment(3, ACK | PSH, b"\0x", seq=talk.server.next - 1)
    assert verdicts(play(talk)) == [DATA]


def test_payload_that_was_acknowledged_before_it_was_seen_counts(version):
    """The ports of a tap may be read out of step: the acknowledgement comes first."""
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1, b"login: ", lost=True)
    talk.client.ack(0.11)
    talk.server.data(0.12, b"login: ", seq=talk.server.next - 7)
    assert verdicts(play(talk)) == [DATA]


def test_payload_repeated_from_before_the_capture_counts(version):
    """In mid-stream a retransmission is the first that is seen of it."""
    talk = Talk(version)
    talk.client.ack(0)
    talk.server.data(0.1, b"login: ", seq=talk.server.next - 7)
    assert verdicts(play(talk)) == [DATA_MIDSTREAM]


# ---- payload in the SYN-ACK ---------------------------------------------------------------------


def fast_open(version, answer, *, took=True, first=b"GET /"):
    talk = Talk(version)
    talk.client.syn(0, first)
    taken = talk.client.isn + 1 + (len(first) if took else 0)
    talk.server.segment(0.01, SYN | ACK, answer, ack=taken)
    return talk


def test_payload_in_the_syn_ack_answers_what_the_syn_carried(version):
    """RFC 7413 4.2: the server may respond before the handshake completes."""
    talk = fast_open(version, b"200 OK")
    for options in ({}, {"accept_on_data": True}):
        run = play(talk, **options)
        assert verdicts(run) == [DATA]
        assert actions(run) == ["flow_started"]


def test_payload_in_the_syn_ack_counts_when_it_was_taken(version):
    """Without payload in the SYN the answer waits for the ACK that completes the handshake."""
    for first in (b"", b"GET /"):
        talk = fast_open(version, b"hello", took=False, first=first)
        talk.client.segment(0.02, ACK, seq=talk.client.isn + 1)
        run = play(talk, accept_on_data=True)
        assert verdicts(run) == [DATA]
        assert actions(run) == ["flow_started"]
        reset = fast_open(version, b"hello", took=False, first=first)
        reset.client.rst(0.02, seq=reset.client.isn + 1)
        assert verdicts(play(reset)) == [HALF_OPEN]


def test_a_syn_ack_without_payload_is_no_answer_yet(version):
    talk = fast_open(version, b"")
    talk.client.ack(0.02)
    assert verdicts(play(talk)) == [SILENT_ACKED]


# ---- a SYN that comes late ----------------------------------------------------------------------


def session(version, close="fin"):
    talk = Talk(version)
    talk.handshake()
    talk.client.data(0.03, b"user")
    talk.server.data(0.04, b"login: ")
    if close == "fin":
        talk.close(0.05)
    elif close == "rst":
        talk.server.rst(0.05)
    else:
        talk.client.rst(0.05)
    return talk


def placed(talk, order):
    """The frames in another order, at the times of the first one's."""
    times = [time for time, _ in talk.frames]
    return [(time, talk.frames[which][1]) for time, which in zip(times, order, strict=True)]


@pytest.mark.parametrize("close", ["fin", "rst", "client_rst"])
@pytest.mark.parametrize("late", [[0], [0, 1], [0, 1, 2], [1], [1, 2]])
def test_the_handshake_may_come_anywhere(version, close, late):
    """However far behind the data or the close: one connection, one event, every packet its own."""
    talk = session(version, close)
    count = len(talk.frames)
    rest = [which for which in range(count) if which not in late]
    for place in range(count - len(late) + 1):
        run = play(placed(talk, rest[:place] + late + rest[place:]))
        assert len(run.records) == 1, place
        assert verdicts(run)[0][0] == "accepted", place
        assert actions(run) == ["flow_started"], place
        assert run.records[0]["network"]["packets"] == count
        assert run.records[0]["source"]["port"] == 40_000


def test_the_answer_may_come_before_the_syn(version):
    for answer in ("refuse", "synack"):
        talk = Talk(version)
        talk.client.syn(0)
        if answer == "refuse":
            talk.server.rst(0.01, seq=0)
        else:
            talk.server.synack(0.01)
            talk.client.rst(0.02)
        count = len(talk.frames)
        for place in range(1, count):
            order = [*range(1, place + 1), 0, *range(place + 1, count)]
            expected = REFUSED if answer == "refuse" else HALF_OPEN
            assert verdicts(play(placed(talk, order))) == [expected], (answer, place)


def test_both_directions_may_come_one_after_the_other(version):
    """Two ports of a tap, one of them late by more than the whole connection."""
    for close, first in itertools.product(("fin", "rst"), (0, 1)):
        talk = session(version, close)
        sides = [[f for f in talk.frames if f[1][6:12] == mac]
                 for mac in (talk.client.mac, talk.server.mac)]  # fmt: skip
        frames = sides[first] + sides[1 - first]
        frames = [(talk.frames[at][0], octets) for at, (_, octets) in enumerate(frames)]
        run = play(frames)
        assert len(run.records) == 1
        assert verdicts(run)[0][0] == "accepted"
        assert len(actions(run)) == 1


@pytest.mark.parametrize("ahead", [1, 1_000, 250_000, 1 << 30, -(1 << 30), -5_000_000])
def test_another_number_on_a_closed_flow_opens_another(version, ahead):
    """RFC 6528: initial numbers go on from those of the last connection."""
    talk = session(version)
    del talk.frames[:3]  # met in mid-stream
    again = Talk(version, isns=((talk.client.next + ahead) & 0xFFFF_FFFF, 9))
    again.client.syn(0.1)
    again.server.synack(0.11)
    again.client.ack(0.12)
    again.server.data(0.13)
    run = play(merged(talk, again))
    assert [record["network"]["packets"] for record in run.records] == [5, 4]
    assert verdicts(run)[1] == DATA


def test_a_late_syn_ack_leaves_what_is_missing(version):
    talk = session(version)
    run = play(placed(talk, [0, 2, 3, 4, 1, 5, 6, 7]))
    assert flow_of(run)["missed_bytes_resp"] == 0
    assert flow_of(run)["conn_state"] == "SF"
    assert verdicts(run) == [DATA]


@pytest.mark.parametrize(("back", "new"), [(0, False), (1, True)])
def test_octets_from_the_number_of_the_syn_on_are_old(version, back, new):
    """SYN and FIN have numbers, too; what begins before the first is of another stream."""
    talk = Talk(version)
    talk.handshake()
    talk.server.fin(0.1)
    talk.server.segment(0.2, PSH | ACK, b"\0\0", seq=talk.server.isn - back)
    assert (DATA in verdicts(play(talk))) is new


# ---- segments in fragments ----------------------------------------------------------------------


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("flags", [PSH | ACK, PSH | ACK | FIN])
def test_what_is_missing_between_fragments_is_so_of_a_segment_that_is_new(version, flags, again):
    """Of one that comes again nothing is; what follows in order misses nothing more either way."""
    talk = Talk(version)
    talk.handshake()
    talk.client.segment(0.1, flags, bytes(1_000))
    talk.server.ack(0.2)
    if not flags & FIN:
        talk.client.data(0.3, b"more")
    talk.server.data(0.4, b"answer")
    talk.client.segment(0.5, ACK)
    pieces = fragments_of(talk.frames[3][1], [48, 200, 600], 9)
    parts = [(time_ns(0.25 if again else 0.1), pieces[which]) for which in (3, 0)]
    frames = [*talk.frames[: 5 if again else 3], *parts, *talk.frames[5 if again else 4 :]]
    run = play(frames)
    assert flow_of(run)["missed_bytes_orig"] == (0 if again else 552)
    assert flow_of(run)["missed_bytes_resp"] == 0
    assert run.ledger["seen"]["flows_with_gaps"] == (0 if again else 1)
    assert flow_of(run)["history"] == flow_of(play(talk))["history"]
