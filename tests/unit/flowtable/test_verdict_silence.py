"""Rows 12 to 22 of the verdict table, what is not TCP, and --accept-on data."""

from __future__ import annotations

import pytest

from tests.conversation import Talk, merged, play, said, tags, verdicts
from tests.verdicts import (
    BACKSCATTER,
    DATA,
    DROPPED,
    MIDSTREAM,
    ONE_SIDED,
    ORIGINATOR_ONLY,
    REFUSED,
    REPLY,
    RESPONDER_ONLY,
    SCAN,
    SILENT_ACKED,
)

pytestmark = pytest.mark.parametrize("version", [4, 6])


def clean(version, **options):
    """A clean connection of another client: the capture sees both directions."""
    talk = Talk(version, ports=(50_000, 80), **options)
    talk.handshake()
    talk.server.data(0.03)
    talk.client.ack(0.04)
    talk.close(0.05)
    return talk


def one_sided(version, port, start=0.0):
    """A connection of which only the originator's packets are seen."""
    talk = Talk(version, ports=(port, 80))
    talk.client.syn(start)
    talk.server.synack(start + 0.01, lost=True)
    talk.client.ack(start + 0.02)
    talk.client.data(start + 0.03)
    talk.server.data(start + 0.04, lost=True)
    talk.client.ack(start + 0.05)
    return talk


# ---- rows 12 and 13: no answer ------------------------------------------------------------------


def test_row_12_dropped_where_both_directions_are_seen(version):
    talk = Talk(version)
    for at in (0, 1, 3, 7, 15):
        talk.client.syn(at)
    late = Talk(version, ports=(1_111, 2_222))
    late.client.udp(81)
    run = play(merged(clean(version), talk, late))
    dropped = [event for event in run.events if event["event"]["action"] == "flow_dropped"]
    assert [said(event) for event in dropped if event["network"]["transport"] == "tcp"] == [DROPPED]


def test_row_13_unknown_where_the_capture_is_one_sided(version):
    talk = Talk(version)
    talk.client.syn(1)
    late = Talk(version, ports=(1_111, 2_222))
    late.client.udp(60)
    run = play(merged(one_sided(version, 40_001), one_sided(version, 40_002), talk, late))
    lone = [record for record in run.records if record["source"].get("port") == 40_000]
    assert [said(record) for record in lone] == [ONE_SIDED]
    assert "flow_dropped" not in run.actions()


def test_row_13_unknown_where_the_capture_is_lossy(version):
    """Responders' acknowledgements of data that was never seen."""
    talks = []
    for port in range(50_000, 50_005):
        talk = Talk(version, ports=(port, 80))
        talk.handshake()
        talk.client.data(0.1, b"x" * 100, lost=True)
        talk.server.ack(0.11)
        talks.append(talk)
    lone = Talk(version)
    lone.client.syn(1)
    late = Talk(version, ports=(1_111, 2_222))
    late.client.udp(60)
    run = play(merged(*talks, lone, late))
    found = [record for record in run.records if record["source"].get("port") == 40_000]
    assert [said(record) for record in found] == [ONE_SIDED]


# ---- rows 14 to 16: one side --------------------------------------------------------------------


def test_row_14_originator_only(version):
    run = play(one_sided(version, 40_000))
    assert verdicts(run) == [ORIGINATOR_ONLY]
    assert run.actions() == ["flow_started", "network_flow"]


def test_row_14_acks_alone_do_advance(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.synack(0.01, lost=True)
    talk.client.ack(0.02)
    talk.server.data(0.03, lost=True)
    talk.client.ack(0.04)
    assert verdicts(play(talk)) == [ORIGINATOR_ONLY]


def test_row_14_syn_and_one_ack_is_not_enough(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.synack(0.01, lost=True)
    talk.client.ack(0.02)
    run = play(talk)
    assert run.actions() == ["network_flow"]
    assert verdicts(run)[0][0] == "unknown"


def test_row_14_needs_the_responder_to_be_unseen(version):
    """The responder refused; what the originator sends on says nothing."""
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.rst(0.01, seq=0)
    talk.client.segment(0.02, 0x10, ack=1)
    talk.client.segment(0.03, 0x18, b"blind", ack=1)
    assert "flow_started" not in play(talk).actions()


def test_row_15_responder_only(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.synack(0.01)
    talk.client.ack(0.02)
    talk.server.data(0.03)
    talk.client.data(0.04)
    talk.server.ack(0.05)
    talk.frames = [talk.frames[1], talk.frames[3], talk.frames[5]]
    run = play(talk)
    assert verdicts(run) == [RESPONDER_ONLY]
    assert run.actions() == ["flow_started", "network_flow"]
    assert run.records[0]["source"]["port"] == 40_000


def test_row_15_one_payload_alone_is_enough_at_the_end(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.synack(0.01)
    talk.server.data(0.03)
    del talk.frames[0]
    assert verdicts(play(talk)) == [RESPONDER_ONLY]


@pytest.mark.parametrize("flags", [0x12, 0x04, 0x14, 0x10, 0x11])
@pytest.mark.parametrize("times", [1, 3])
def test_row_16_backscatter(version, flags, times):
    talk = Talk(version)
    for again in range(times):
        talk.server.segment(again * 1.0, flags, seq=talk.server.isn, ack=4_711)
    run = play(talk)
    assert verdicts(run) == [BACKSCATTER]
    assert run.actions() == ["network_flow"]


def test_row_16_answered_by_the_victims_reset(version):
    """A spoofed SYN: its sender knows nothing of the SYN-ACK."""
    talk = Talk(version)
    talk.server.segment(0, 0x12, ack=4_711)
    talk.client.segment(0.01, 0x04, seq=4_711)
    assert "flow_started" not in play(talk).actions()


def test_row_16_ack_scan(version):
    talk = Talk(version)
    talk.client.segment(0, 0x10, seq=7, ack=8)
    talk.server.segment(0.01, 0x04, seq=8)
    run = play(talk)
    assert run.actions() == ["network_flow"]
    assert verdicts(run)[0][0] == "unknown"


def test_row_16_acks_of_a_flood_advance_by_nothing_plausible(version):
    """An ACK flood from one port: each acknowledges another random number."""
    talk = Talk(version)
    for at, number in enumerate((100, 70_000_000, 1_900_000_000)):
        talk.client.segment(at * 0.1, 0x10, seq=number, ack=number)
    run = play(talk)
    assert run.actions() == ["network_flow"]
    assert verdicts(run) == [BACKSCATTER]


# ---- closing only: the capture began at the end of a connection ---------------------------------


def test_closing_segments_alone_are_never_accepted(version):
    endings = [
        ["client.fin", "server.fin", "client.ack"],
        ["client.fin", "server.ack", "server.fin", "client.ack"],
        ["server.fin", "client.ack", "client.fin", "server.ack"],
        ["client.ack", "server.fin", "client.fin", "server.ack"],
        ["server.ack", "client.fin", "server.fin", "client.ack"],
        ["client.fin", "client.fin", "server.ack", "server.ack"],
        ["client.fin", "server.rst"],
        ["client.rst", "server.rst", "client.rst"],
    ]
    for ending in endings:
        talk = Talk(version)
        for at, step in enumerate(ending):
            side, act = step.split(".")
            getattr(getattr(talk, side), act)(at * 0.1)
        assert play(talk).actions() == ["network_flow"], ending


# ---- row 17: fast open --------------------------------------------------------------------------


def test_row_17_unanswered(version):
    talk = Talk(version)
    talk.client.syn(0, b"GET")
    run = play(talk)
    assert run.actions() == ["network_flow"]
    assert verdicts(run)[0][:2] == ("attempted", "fast_open")


def test_row_17_refused(version):
    talk = Talk(version)
    talk.client.syn(0, b"GET")
    talk.server.rst(0.01, seq=0)
    assert verdicts(play(talk)) == [REFUSED]


@pytest.mark.parametrize("taken", [True, False])
def test_row_17_answered(version, taken):
    """The responder takes the data with the SYN, or the SYN alone and the data again."""
    talk = Talk(version)
    talk.client.syn(0, b"GET")
    if not taken:
        talk.client.next = talk.client.isn + 1
    talk.server.synack(0.01)
    if taken:
        talk.server.data(0.02, b"200")
    else:
        talk.client.data(0.02, b"GET")
        talk.server.data(0.03, b"200")
    assert verdicts(play(talk)) == [DATA]


def test_row_17_acknowledged(version):
    talk = Talk(version)
    talk.client.syn(0, b"GET")
    talk.server.synack(0.01)
    talk.client.ack(0.02)
    run = play(talk)
    assert run.actions() == ["flow_started", "network_flow"]
    assert verdicts(run) == [SILENT_ACKED]


# ---- rows 18 and 19 -----------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["synack", "ack"])
def test_row_18_simultaneous_open(version, answer):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.syn(0.001)
    getattr(talk.client, answer)(0.01)
    getattr(talk.server, answer)(0.011)
    run = play(talk)
    assert verdicts(run) == [("accepted", "handshake", 0.9)]
    assert run.actions() == ["flow_started", "network_flow"]


def test_row_18_needs_both_acknowledged(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.syn(0.001)
    talk.client.synack(0.01)
    assert "flow_started" not in play(talk).actions()


def test_row_19_tarpit(version):
    talk = Talk(version)
    talk.server.window = 0
    talk.handshake()
    for at in (0.1, 1, 5, 20):
        talk.client.data(at, b"x", seq=talk.client.next)
        talk.server.ack(at + 0.01, ack=talk.client.isn + 1)
    run = play(talk)
    assert verdicts(run) == [SCAN]
    assert tags(run.records[0]) == ["tarpit"]


def test_row_19_not_if_the_window_opens(version):
    talk = Talk(version)
    talk.server.window = 0
    talk.handshake()
    talk.server.window = 1_000
    talk.server.ack(0.5)
    run = play(talk)
    assert tags(run.records[0]) == []


# ---- rows 20 and 21: UDP and others -------------------------------------------------------------


def test_row_20_udp_reply(version):
    talk = Talk(version, ports=(40_000, 53))
    talk.client.udp(0)
    talk.server.udp(59.9)
    run = play(talk)
    assert run.actions() == ["flow_started", "network_flow"]
    assert verdicts(run) == [REPLY]


def test_row_20_a_reply_after_the_timeout_is_another_flow(version):
    talk = Talk(version, ports=(40_000, 53))
    talk.client.udp(0)
    talk.server.udp(60.1)
    run = play(talk)
    assert "flow_started" not in run.actions()
    assert len(run.records) == 2


def test_row_20_echo_by_identifier(version):
    talk = Talk(version)
    ask, answer = (8, 0) if version == 4 else (128, 129)
    talk.client.echo(0, ask, 1)
    talk.client.echo(0.001, ask, 2)
    talk.server.echo(0.01, answer, 2)
    run = play(talk)
    assert sorted(verdicts(run)) == [REPLY, ("dropped", "timeout", 0.6)]
    assert len(run.records) == 2


def test_row_20_other_transport(version):
    talk = Talk(version)
    talk.client.other(0, 253)
    talk.server.other(0.1, 253)
    assert verdicts(play(talk)) == [REPLY]


def test_row_21_udp_without_a_reply(version):
    talk = Talk(version, ports=(40_000, 53))
    talk.client.udp(0)
    talk.client.udp(3)
    run = play(talk)
    assert run.actions() == ["flow_dropped", "network_flow"]
    assert verdicts(run) == [("dropped", "timeout", 0.6)]


# ---- row 22 -------------------------------------------------------------------------------------


def test_row_22_keep_alives(version):
    talk = Talk(version)
    for at in (0, 75, 150):
        talk.client.ack(at, seq=talk.client.next - 1)
        talk.server.ack(at + 0.01)
    run = play(talk)
    assert verdicts(run) == [MIDSTREAM]
    assert run.actions() == ["flow_started", "network_flow"]


# ---- --accept-on data ---------------------------------------------------------------------------


def test_accept_on_data_holds_a_silent_handshake_back(version):
    talk = Talk(version)
    talk.handshake()
    talk.client.data(2)
    talk.server.ack(2.01)
    run = play(talk, accept_on_data=True)
    assert run.actions() == ["network_flow"]
    assert verdicts(run) == [SILENT_ACKED]


def test_accept_on_data_emits_when_the_responder_speaks(version):
    talk = Talk(version)
    talk.handshake()
    talk.client.data(2)
    talk.server.ack(2.01)
    talk.server.data(9)
    run = play(talk, accept_on_data=True)
    assert run.actions() == ["flow_started", "network_flow"]
    assert run.events[0]["sensor"]["capture"]["frame"] == 6


def test_accept_on_data_leaves_replies_and_one_sided_flows(version):
    udp = Talk(version, ports=(40_000, 53))
    udp.client.udp(0)
    udp.server.udp(1)
    assert play(udp, accept_on_data=True).actions() == ["flow_started", "network_flow"]
    lone = one_sided(version, 40_000)
    assert play(lone, accept_on_data=True).actions() == ["flow_started", "network_flow"]


def test_accept_on_data_holds_keep_alives_back(version):
    talk = Talk(version)
    talk.client.ack(0)
    talk.server.ack(0.01)
    assert play(talk, accept_on_data=True).actions() == ["network_flow"]


def test_a_probe_and_its_rst_are_no_backscatter(version):
    """An ACK scan: nothing was asked for by a SYN, and it was not alone either."""
    talk = Talk(version)
    talk.client.ack(0, ack=77)
    talk.server.rst(0.01)
    run = play(talk)
    assert verdicts(run) == [("unknown", "none", 0.3)]
    assert run.actions() == ["network_flow"]


def test_data_both_ways_of_a_session_that_is_closing_is_a_session(version):
    """The capture begins with the server's last words; the client still answers."""
    talk = Talk(version)
    talk.server.data(0, b"bye")
    talk.server.fin(0.01)
    talk.client.data(0.02, b"logout")
    run = play(talk)
    assert verdicts(run) == [("accepted", "responder_data", 0.9)]


def test_only_the_end_of_a_session_is_none(version):
    talk = Talk(version)
    talk.server.fin(0)
    talk.client.ack(0.01)
    talk.client.fin(0.02)
    talk.server.ack(0.03)
    run = play(talk)
    assert verdicts(run) == [("unknown", "none", 0.3)]
    assert run.records[0]["sensor"]["flow"]["conn_state"] == "SF"
