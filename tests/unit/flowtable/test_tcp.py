"""Sequence numbers, resets, port reuse, direction, and zeek's codes of TCP flows."""

from __future__ import annotations

import pytest

from tests.conversation import RST, Talk, play, verdicts
from tests.unit.flowtable.stories import flow_of

pytestmark = pytest.mark.parametrize("version", [4, 6])


# ---- zeek's conn_state and history --------------------------------------------------------------
# Expected values: zeek's documentation of conn.log (conn_state, history), not our output.


def attempt(talk):
    talk.client.syn(0)


def attempt_with_an_answer(talk):
    talk.client.syn(0)
    talk.server.synack(0.01)


STATES = {
    "S0 S": (attempt, []),
    "REJ Sr": (attempt, [("server", "refuse")]),
    "S1 ShA": (attempt_with_an_answer, [("client", "ack")]),
    "S1 ShAdD": (
        attempt_with_an_answer,
        [("client", "ack"), ("server", "data"), ("client", "data"), ("server", "data")],
    ),
    "SF ShAdDafF": (
        attempt_with_an_answer,
        [("client", "ack"), ("server", "data"), ("client", "data"), ("server", "ack"),
         ("server", "fin"), ("client", "fin"), ("server", "ack")],
    ),
    "S2 ShAFa": (
        attempt_with_an_answer, [("client", "ack"), ("client", "fin"), ("server", "ack")]
    ),
    "S3 ShAf": (attempt_with_an_answer, [("client", "ack"), ("server", "fin"), ("client", "ack")]),
    "RSTO ShAR": (attempt_with_an_answer, [("client", "ack"), ("client", "rst")]),
    "RSTO ShR": (attempt_with_an_answer, [("client", "rst")]),
    "RSTR ShADr": (
        attempt_with_an_answer, [("client", "ack"), ("client", "data"), ("server", "rst")]
    ),
    "RSTOS0 SR": (attempt, [("client", "rst")]),
    "SH SF": (attempt, [("client", "fin")]),
}  # fmt: skip


@pytest.mark.parametrize("expected", STATES)
def test_conn_state_and_history(version, expected):
    opening, steps = STATES[expected]
    talk = Talk(version)
    opening(talk)
    for at, (side, act) in enumerate(steps, start=1):
        if act == "refuse":
            talk.server.rst(at * 0.1, seq=0)
        else:
            getattr(getattr(talk, side), act)(at * 0.1)
    run = play(talk)
    assert len(run.records) == 1
    assert f"{flow_of(run)['conn_state']} {flow_of(run)['history']}" == expected


@pytest.mark.parametrize("end,state", [("rst", "RSTRH hr"), ("fin", "SHR hf")])
def test_conn_state_without_the_originator(version, end, state):
    talk = Talk(version)
    talk.server.segment(0, 0x12, ack=talk.client.isn + 1)
    getattr(talk.server, end)(0.1)
    flow = flow_of(play(talk))
    assert f"{flow['conn_state']} {flow['history']}" == state


def test_conn_state_of_midstream_traffic(version):
    talk = Talk(version)
    talk.client.data(0)
    talk.server.data(0.1)
    talk.client.ack(0.2)
    flow = flow_of(play(talk))
    assert (flow["conn_state"], flow["history"]) == ("OTH", "DdA")


@pytest.mark.parametrize(("steps", "state"), [
    ("server.rst", "RSTRH"), ("client.rst", "RSTOS0"), ("client.fin", "SH"), ("server.fin", "SHR"),
    ("server.fin client.fin", "SF"), ("server.fin client.rst", "RSTOS0"), ("client.ack", "OTH"),
    ("server.fin client.fin server.rst", "SF"),
])  # fmt: skip
def test_a_flow_met_in_midstream_never_was_active(version, steps, state):
    """To zeek's conn.log; both sides are partial there."""
    talk = Talk(version)
    talk.client.data(0)
    talk.server.data(0.1)
    for at, step in enumerate(steps.split()):
        side, act = step.split(".")
        getattr(getattr(talk, side), act)(0.2 + at * 0.1)
    assert flow_of(play(talk))["conn_state"] == state


@pytest.mark.parametrize("who", ["client", "server"])
@pytest.mark.parametrize("first", ["client", "server"])
def test_a_reset_after_both_sides_closed_changes_nothing(version, first, who):
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1)
    for at, side in enumerate((first, {"client": "server", "server": "client"}[first])):
        getattr(talk, side).fin(0.2 + at * 0.1)
    getattr(talk, who).segment(0.4, RST, seq=getattr(talk, who).next)
    assert flow_of(play(talk))["conn_state"] == "SF"


@pytest.mark.parametrize(("steps", "state"), [
    ("", "OTH"), ("client.ack", "S1"), ("client.ack server.data client.ack", "S1"),
    ("client.ack client.fin", "S2"), ("client.ack server.fin", "S3"),
    ("client.ack server.rst", "RSTR"), ("client.ack client.rst", "RSTO"),
])  # fmt: skip
def test_conn_state_of_a_flow_that_begins_with_the_answer(version, steps, state):
    talk = Talk(version)
    talk.client.next += 1
    talk.server.synack(0)
    for at, step in enumerate(steps.split()):
        side, act = step.split(".")
        getattr(getattr(talk, side), act)(0.2 + at * 0.1)
    assert flow_of(play(talk))["conn_state"] == state


def test_history_of_odd_flags(version):
    talk = Talk(version)
    talk.client.segment(0, 0x05)  # FIN and RST
    talk.client.segment(0.1, 0x03)  # SYN and FIN
    histories = "".join(record["sensor"]["flow"]["history"] for record in play(talk).records)
    assert histories == "IQ"


def test_conn_state_of_udp(version):
    for steps, state in ((["client"], "S0"), (["client", "server"], "SF"), (["server"], "SHR")):
        talk = Talk(version, ports=(40_000, 53))
        for at, side in enumerate(steps):
            getattr(talk, side).udp(at * 0.1)
        assert flow_of(play(talk))["conn_state"] == state


# ---- bytes --------------------------------------------------------------------------------------


def test_counters(version):
    talk = Talk(version)
    talk.handshake()
    talk.client.data(0.1, b"x" * 100)
    talk.server.data(0.2, b"y" * 7)
    record = play(talk).records[0]
    header = 40 if version == 4 else 60
    assert record["source"]["packets"] == 3
    assert record["source"]["bytes"] == 3 * header + 100
    assert record["destination"]["packets"] == 2
    assert record["destination"]["bytes"] == 2 * header + 7
    flow = record["sensor"]["flow"]
    assert (flow["payload_bytes_orig"], flow["payload_bytes_resp"]) == (100, 7)
    assert (flow["missed_bytes_orig"], flow["missed_bytes_resp"]) == (0, 0)


def test_lost_segments_are_missed_bytes(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1, b"x" * 10)
    talk.server.data(0.2, b"y" * 300, lost=True)
    talk.server.data(0.3, b"z" * 10)
    assert flow_of(play(talk))["missed_bytes_resp"] == 300


def test_acknowledged_but_never_seen_is_missed(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.2, b"y" * 300, lost=True)
    talk.client.ack(0.3)
    assert flow_of(play(talk))["missed_bytes_resp"] == 300


def test_out_of_order_and_retransmitted_segments_are_not_missed(version):
    talk = Talk(version)
    talk.handshake()
    start = talk.server.next
    talk.server.data(0.1, b"x" * 10, seq=start)
    talk.server.data(0.2, b"z" * 10, seq=start + 20)
    talk.server.data(0.3, b"y" * 10, seq=start + 10)
    talk.server.data(0.4, b"x" * 10, seq=start)
    talk.server.next = start + 30
    talk.client.ack(0.5)
    flow = flow_of(play(talk))
    assert flow["missed_bytes_resp"] == 0
    assert flow["payload_bytes_resp"] == 40


def test_sequence_numbers_wrap(version):
    talk = Talk(version, isns=(0xFFFF_FFFE, 0xFFFF_FFF0))
    talk.handshake()
    talk.client.data(0.1, b"x" * 50)
    talk.server.data(0.2, b"y" * 50)
    talk.client.ack(0.3)
    talk.close(1)
    run = play(talk)
    assert verdicts(run) == [("accepted", "responder_data", 0.99)]
    assert flow_of(run)["conn_state"] == "SF"
    assert flow_of(run)["missed_bytes_resp"] == flow_of(run)["missed_bytes_orig"] == 0


# ---- resets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [-2_000_000, 0x1000_0000, 0x7000_0000])
def test_a_reset_out_of_window_leaves_the_flow_open(version, ahead):
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1)
    talk.client.ack(0.2)
    talk.server.rst(0.3, seq=talk.server.next + ahead)
    talk.client.rst(0.4, seq=talk.client.next + ahead)
    talk.client.data(10)
    talk.server.data(20)
    talk.client.ack(20.1)
    run = play(talk)
    assert run.actions() == ["flow_started", "network_flow"]
    assert flow_of(run)["conn_state"] == "S1"


@pytest.mark.parametrize("side", ["client", "server"])
def test_a_reset_in_midstream_counts_only_in_window(version, side):
    """Only one side was seen; the other's first packet is a RST from nowhere."""
    talk = Talk(version)
    seen, unseen = (talk.client, talk.server) if side == "server" else (talk.server, talk.client)
    seen.ack(0)
    unseen.rst(0.1, seq=unseen.next + 0x4000_0000)
    seen.data(10)
    unseen.data(10.1)
    seen.ack(10.2)
    run = play(talk)
    assert len(run.records) == 1
    assert flow_of(run)["end_reason"] == "end_of_capture"


def test_a_reset_in_window_closes(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1)
    talk.client.ack(0.2)
    talk.server.rst(0.3, seq=talk.server.next + 100)
    assert flow_of(play(talk))["end_reason"] == "rst"


# ---- another connection on the same ports -------------------------------------------------------


def reopened(version, *, close, isn=900_000, pause=1.0):
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1)
    talk.client.ack(0.2)
    if close == "fin":
        talk.close(0.3)
    elif close == "rst":
        talk.client.rst(0.3)
    talk.client.syn(0.3 + pause, isn=isn)
    talk.server.isn = talk.server.next = 77_000_000
    talk.server.synack(0.31 + pause)
    talk.client.ack(0.32 + pause)
    talk.server.data(0.33 + pause)
    return talk


@pytest.mark.parametrize("close", ["fin", "rst"])
@pytest.mark.parametrize("pause", [0.5, 60.0])
def test_a_new_syn_on_a_closed_flow_starts_another(version, close, pause):
    run = play(reopened(version, close=close, pause=pause))
    assert run.actions().count("flow_started") == 2
    assert [record["sensor"]["flow"]["end_reason"] for record in run.records] == [
        close, "end_of_capture"
    ]
    first, second = run.records
    assert first["flow"]["id"] != second["flow"]["id"]
    assert first["network"]["packets"] == {"fin": 8, "rst": 6}[close]
    assert second["network"]["packets"] == 4


@pytest.mark.parametrize("ends", ["refused", "reset", "closed", "closed again"])
def test_a_new_syn_starts_another_flow_whatever_each_side_has_sent(version, ends):
    """As many packets as the other one, one more, one less."""
    talk = Talk(version)
    if ends == "refused":
        talk.client.syn(0)
        talk.server.rst(0.01, seq=0)
    else:
        talk.handshake()
        talk.server.data(0.1)
        talk.client.fin(0.2)
        talk.server.fin(0.3)
        if ends == "reset":
            talk.client.rst(0.4)
        elif ends == "closed again":
            talk.server.segment(0.4, 0x11, seq=talk.server.next - 1)
    first = len(talk.frames)
    talk.client.syn(1, isn=900_000)
    assert [record["network"]["packets"] for record in play(talk).records] == [first, 1]


def test_a_new_syn_on_an_open_flow_starts_another_when_it_is_taken(version):
    run = play(reopened(version, close="none"))
    assert run.actions().count("flow_started") == 2
    assert [verdict[:2] for verdict in verdicts(run)] == [("accepted", "responder_data")] * 2


def test_a_new_syn_on_an_open_flow_alone_changes_nothing(version):
    """A forged SYN; the responder repeats its acknowledgement (RFC 5961 4)."""
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1)
    talk.client.ack(0.2)
    following = talk.client.next
    talk.client.segment(0.3, 0x02, seq=999_999)
    talk.server.ack(0.31)
    talk.client.next = following
    talk.client.data(0.4)
    talk.server.data(0.5)
    run = play(talk)
    assert run.actions() == ["flow_started", "network_flow"]


def test_a_new_syn_on_a_flow_met_in_midstream_starts_another_when_it_is_taken(version):
    talk = reopened(version, close="none", pause=100.0)
    run = play(talk.frames[3:])
    assert run.actions().count("flow_started") == 2
    assert [verdict[:2] for verdict in verdicts(run)] == [("accepted", "responder_data")] * 2


def test_half_open_after_a_taken_syn_on_an_open_flow(version):
    talk = reopened(version, close="none")
    del talk.frames[-2:]
    run = play(talk)
    assert run.actions().count("flow_started") == 1
    assert verdicts(run)[1][:2] == ("attempted", "handshake_incomplete")


def test_retransmitted_syn_is_the_same_attempt(version):
    talk = Talk(version)
    for at in (0, 1, 3):
        talk.client.syn(at)
    talk.server.synack(3.1)
    talk.client.ack(3.2)
    talk.server.data(3.3)
    run = play(talk)
    assert run.actions() == ["flow_started", "network_flow"]
    assert flow_of(run)["missed_bytes_orig"] == 0


def test_a_remnant_is_reset_and_the_syn_repeated(version):
    """The responder still has the old connection: challenge ACK, RST, and the SYN again."""
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.segment(0.01, 0x10, seq=123, ack=456)
    talk.client.segment(0.02, 0x04, seq=456)
    talk.client.syn(1)
    talk.server.synack(1.01)
    talk.client.ack(1.02)
    for at in (1.1, 20, 40):
        talk.server.data(at)
        talk.client.ack(at + 0.01)
    run = play(talk)
    assert run.actions() == ["flow_started", "network_flow"]
    assert verdicts(run) == [("accepted", "responder_data", 0.99)]


@pytest.mark.parametrize("late", [False, True])
def test_a_flow_has_one_id_whatever_comes_later(version, late):
    """A further attempt after a refusal; a SYN that comes late into a flow that was accepted."""
    talk = Talk(version)
    if late:
        talk.handshake()
        talk.server.data(0.03)
        talk.frames = [talk.frames[2], talk.frames[3], talk.frames[0], talk.frames[1]]
    else:
        talk.client.syn(0)
        talk.server.unreachable(0.1, 3 if version == 4 else 1, 1, talk.client.sent())
        talk.client.syn(1, isn=77)
    run = play(talk)
    assert len(run.events) == 2
    assert len({event["flow"]["id"] for event in run.events}) == 1


def test_pings_at_the_same_time_have_ids_of_their_own(version):
    talk = Talk(version)
    for identifier in range(5):
        talk.client.echo(0, 8 if version == 4 else 128, identifier)
    assert len({record["flow"]["id"] for record in play(talk).records}) == 5


# ---- attempts and answers that do not fit -------------------------------------------------------


def session(talk, at):
    talk.server.data(at, b"login: ")
    talk.client.ack(at + 0.01)
    talk.client.data(at + 0.02, b"root")
    talk.server.data(at + 0.03, b"$ ")


def test_an_acknowledgement_of_what_was_never_sent_hides_nothing(version):
    """The responder resets it and goes on waiting for the right one (RFC 9293 3.10.7.4)."""
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.synack(0.01)
    beyond = talk.server.isn + 0x2000_0000
    talk.client.segment(0.02, 0x10, ack=beyond)
    talk.server.segment(0.03, 0x04, seq=beyond)
    talk.client.ack(0.04)
    session(talk, 0.1)
    run = play(talk)
    assert verdicts(run) == [("accepted", "responder_data", 0.99)]
    assert run.actions() == ["flow_started", "network_flow"]


def test_the_answer_may_take_the_earlier_of_two_attempts(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.client.segment(0.001, 0x02, seq=999_999_999)
    talk.server.synack(0.01)
    talk.client.ack(0.02)
    session(talk, 0.1)
    run = play(talk)
    assert verdicts(run) == [("accepted", "responder_data", 0.99)]
    flow = flow_of(run)
    assert flow["conn_state"] == "S1"
    assert (flow["missed_bytes_orig"], flow["missed_bytes_resp"]) == (0, 0)


def test_a_refusal_before_the_handshake_leaves_nothing_missing(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.segment(0.01, 0x14, seq=0, ack=talk.client.isn + 1)
    talk.client.syn(0.5)
    talk.server.synack(0.51)
    talk.client.ack(0.52)
    session(talk, 0.6)
    assert flow_of(play(talk))["missed_bytes_resp"] == 0


def test_an_answer_to_no_attempt_at_all_counts_for_nothing(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.synack(0.01, ack=1)
    assert verdicts(play(talk))[0][0] == "attempted"
    assert flow_of(play(talk))["evidence"] != "handshake_incomplete"


@pytest.mark.parametrize("ack", [0, 1, 999_999])
def test_an_attempt_behind_a_forged_one_is_answered_by_its_own_number_alone(version, ack):
    """A SYN on the open flow is not taken, then the flow ends: what comes next is a third."""
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1)
    talk.client.ack(0.2)
    following = talk.client.next
    talk.client.segment(0.3, 0x02, seq=999_999)
    talk.client.segment(0.4, RST, seq=following)
    talk.client.syn(1, isn=5_000)
    talk.server.isn = talk.server.next = 77_000_000
    for answer, expected in ((ack, "none"), (5_001, "handshake_incomplete")):
        talk.server.synack(1.1, ack=answer)
        run = play(talk)
        assert verdicts(run)[1][:2] == ("attempted", expected)
        assert len(run.records) == 2
        talk.frames.pop()
