"""Rows 1 to 11 of the verdict table (docs/verdict.md): answers and refusals."""

from __future__ import annotations

import pytest

from tests.conversation import Talk, merged, play, said, tags, verdicts
from tests.verdicts import (
    DATA,
    DATA_MIDSTREAM,
    DROPPED,
    HALF_OPEN,
    INCOMPLETE,
    REFUSED,
    SCAN,
    SILENT,
    SILENT_ACKED,
    VETOED,
)

pytestmark = pytest.mark.parametrize("version", [4, 6])


# ---- row 1: payload of the responder ------------------------------------------------------------


def test_row_1_responder_data_after_a_handshake(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.5, b"login: ")
    run = play(talk)
    assert run.actions() == ["flow_started", "network_flow"]
    assert [said(event) for event in run.events] == [DATA, DATA]
    assert run.events[0]["sensor"]["capture"]["frame"] == 4


def test_row_1_lost_syn_ack(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.synack(0.01, lost=True)
    talk.client.ack(0.02)
    talk.server.data(0.03)
    run = play(talk)
    assert run.actions() == ["flow_started", "network_flow"]
    assert verdicts(run)[0][:2] == DATA[:2]


def test_row_1_lost_ack(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.synack(0.01)
    talk.server.data(0.03)
    assert verdicts(play(talk)) == [DATA]


def test_row_1_data_overtakes_the_ack(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.03)
    talk.frames[2], talk.frames[3] = talk.frames[3], talk.frames[2]
    assert verdicts(play(talk)) == [DATA]


def test_row_1_mid_stream(version):
    talk = Talk(version)
    talk.client.data(0)
    talk.server.data(0.01)
    talk.client.ack(0.02)
    run = play(talk)
    assert verdicts(run) == [DATA_MIDSTREAM]
    assert run.actions() == ["flow_started", "network_flow"]


def test_row_1_data_out_of_window_proves_nothing(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1, seq=talk.server.next + 0x4000_0000)
    assert verdicts(play(talk)) == [SILENT]


def test_row_1_not_by_data_of_an_older_connection(version):
    """The port was used before; the responder still sends that connection's data."""
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.segment(0.01, 0x18, b"old", seq=77, ack=talk.client.isn - 9_999)
    run = play(talk)
    assert "flow_started" not in run.actions()


# ---- rows 2 and 3: a handshake and silence ------------------------------------------------------


def test_row_2_data_acknowledged(version):
    talk = Talk(version)
    talk.handshake()
    talk.client.data(0.1)
    talk.server.ack(0.11)
    assert verdicts(play(talk)) == [SILENT_ACKED]


def test_row_2_data_not_acknowledged_is_row_3(version):
    talk = Talk(version)
    talk.handshake()
    talk.client.data(0.1)
    assert verdicts(play(talk)) == [SILENT]


def test_row_3_open(version):
    talk = Talk(version)
    talk.handshake()
    run = play(talk)
    assert verdicts(run) == [SILENT]
    assert run.actions() == ["flow_started", "network_flow"]
    assert run.events[0]["sensor"]["capture"]["frame"] == 3


def test_row_3_waits_one_second_of_packet_time(version):
    talk = Talk(version)
    talk.handshake()
    other = Talk(version, ports=(1_111, 2_222))
    for at in (0.5, 0.9, 1.1, 2.0):
        other.client.udp(at)
    run = play(merged(talk, other))
    started = run.rows[0]
    assert run.actions()[0] == "flow_started"
    waited = int(started["known_ns"]) - int(started["decided_ns"])
    assert 1_000_000_000 <= waited <= 1_020_000_000


def test_row_3_closed_by_the_responder(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.fin(0.1)
    talk.client.fin(0.11)
    talk.server.ack(0.12)
    run = play(talk)
    assert verdicts(run) == [SILENT]
    assert tags(run.records[0]) == []


# ---- row 4: the veto ----------------------------------------------------------------------------


@pytest.mark.parametrize("data", [False, True])
def test_row_4_reset_within_a_second(version, data):
    talk = Talk(version)
    talk.handshake()
    if data:
        talk.client.data(0.1)
        talk.server.ack(0.11)
    talk.server.rst(0.5)
    run = play(talk)
    assert verdicts(run) == [VETOED]
    assert run.actions() == ["network_flow"]


def test_row_4_not_after_a_second(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.rst(1.5)
    run = play(talk)
    assert verdicts(run) == [SILENT]
    assert run.actions() == ["flow_started", "network_flow"]
    assert run.records[0]["sensor"]["flow"]["end_reason"] == "rst"


def test_row_4_not_after_responder_data(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1)
    talk.server.rst(0.2)
    assert verdicts(play(talk)) == [DATA]


def test_row_4_reset_out_of_window_is_ignored(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.rst(0.5, seq=talk.server.next + 0x1000_0000)
    run = play(talk)
    assert verdicts(run) == [SILENT]
    assert run.records[0]["sensor"]["flow"]["end_reason"] == "end_of_capture"


# ---- row 5: connect scan ------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["rst", "fin"])
def test_row_5_closed_by_the_originator(version, end):
    talk = Talk(version)
    talk.handshake()
    getattr(talk.client, end)(0.1)
    run = play(talk)
    assert verdicts(run) == [SCAN]
    assert tags(run.records[0]) == ["connect_scan"]
    assert run.actions() == ["flow_started", "network_flow"]


def test_row_5_responder_reset_after_the_originators_fin_does_not_veto_late(version):
    talk = Talk(version)
    talk.handshake()
    talk.client.fin(0.1)
    talk.server.ack(0.11)
    talk.server.rst(2.0)
    assert verdicts(play(talk)) == [SCAN]


# ---- rows 6 and 7: half open --------------------------------------------------------------------


def test_row_6_half_open_scan(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.synack(0.01)
    talk.client.segment(0.02, 0x04)
    run = play(talk)
    assert verdicts(run) == [HALF_OPEN]
    assert run.actions() == ["network_flow"]


def test_row_7_no_ack(version):
    talk = Talk(version)
    talk.client.syn(0)
    for at in (0.01, 1.01, 3.01, 7.01):
        talk.server.synack(at)
    run = play(talk)
    assert verdicts(run) == [INCOMPLETE]
    assert run.actions() == ["network_flow"]


def test_row_7_syn_ack_retransmitted_after_the_ack(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.synack(0.9)
    talk.client.ack(0.91)
    run = play(talk)
    assert verdicts(run) == [INCOMPLETE]
    assert run.actions() == ["network_flow"]


def test_row_7_becomes_row_1_when_the_responder_speaks(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.synack(0.9)
    talk.client.ack(0.91)
    talk.server.data(3)
    run = play(talk)
    assert verdicts(run) == [DATA]
    assert run.actions() == ["flow_started", "network_flow"]


def test_row_7_becomes_row_2_when_data_is_acknowledged(version):
    """A listener that defers accept repeats the SYN-ACK until data comes."""
    talk = Talk(version)
    talk.handshake()
    talk.server.synack(0.9)
    talk.client.ack(0.91)
    talk.client.data(3)
    talk.server.ack(3.01)
    run = play(talk)
    assert verdicts(run) == [SILENT_ACKED]
    assert run.actions() == ["flow_started", "network_flow"]


def test_row_7_never_takes_accepted_back(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.synack(2.5)
    run = play(talk)
    assert verdicts(run)[0][:2] == ("accepted", "handshake")


# ---- row 8: refused -----------------------------------------------------------------------------


def test_row_8_refused(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.rst(0.01, seq=0)
    run = play(talk)
    assert [said(event) for event in run.events] == [REFUSED, REFUSED]
    assert run.actions() == ["flow_denied", "network_flow"]
    assert run.events[0]["event"]["outcome"] == "failure"


def test_row_8_reset_of_something_else_is_ignored(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.segment(0.01, 0x14, seq=0, ack=talk.client.isn + 77)
    assert "flow_denied" not in play(talk).actions()


def test_row_8_each_retry_with_the_same_number_is_one_flow(version):
    talk = Talk(version)
    for at in (0, 0.5, 1.0):
        talk.client.syn(at)
        talk.server.rst(at + 0.001, seq=0)
    run = play(talk)
    assert run.actions() == ["flow_denied", "network_flow"]
    assert run.records[0]["network"]["packets"] == 6


def test_row_8_is_upgraded_when_the_retry_is_taken(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.rst(0.001, seq=0)
    talk.client.syn(0.5)
    talk.server.synack(0.501)
    talk.client.ack(0.502)
    for at in (0.6, 20, 40):
        talk.server.data(at)
        talk.client.ack(at + 0.01)
    run = play(talk)
    assert run.actions() == ["flow_denied", "flow_started", "network_flow"]
    assert verdicts(run) == [DATA]


# ---- rows 9 to 11: ICMP -------------------------------------------------------------------------

PROHIBITED = {4: [(3, 9), (3, 10), (3, 13)], 6: [(1, 1), (1, 5), (1, 6)]}
PORT = {4: [(3, 3), (3, 2)], 6: [(1, 4)]}
ELSE = {4: [(3, 0), (3, 1), (3, 5), (11, 0)], 6: [(1, 0), (1, 3), (3, 0)]}
NOT = {4: [(3, 4), (12, 0)], 6: [(2, 0), (4, 1)]}
ICMP_ROWS = [
    (PROHIBITED, ("denied", "icmp_prohibited", 0.97), "flow_denied"),
    (PORT, ("denied", "icmp_port_unreachable", 0.9), "flow_denied"),
    (ELSE, ("dropped", "icmp_unreachable", 0.9), "flow_dropped"),
]
ROUTER = {4: "203.0.113.1", 6: "2001:db8:9::1"}


@pytest.mark.parametrize("codes,verdict,action", ICMP_ROWS, ids=["row 9", "row 10", "row 11"])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_rows_9_to_11_icmp(version, codes, verdict, action, transport):
    for kind, code in codes[version]:
        talk = Talk(version)
        talk.client.syn(0) if transport == "tcp" else talk.client.udp(0)
        talk.server.unreachable(0.1, kind, code, talk.client.sent(), sender=ROUTER[version])
        run = play(talk)
        assert run.actions() == [action, "network_flow"], (kind, code)
        assert verdicts(run) == [verdict], (kind, code)
        assert run.events[0]["sensor"]["capture"]["frame"] == 2
        assert run.ledger["icmp_errors"] == 1


def test_icmp_that_refuses_nothing(version):
    for kind, code in NOT[version]:
        talk = Talk(version)
        talk.client.syn(0)
        talk.server.unreachable(0.1, kind, code, talk.client.sent(), sender=ROUTER[version])
        talk.server.synack(0.2)
        talk.client.ack(0.3)
        run = play(talk)
        assert run.actions() == ["flow_started", "network_flow"], (kind, code)


def test_a_redirect_of_a_known_flow_is_a_flow_of_its_own(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.unreachable(
        0.1, 5 if version == 4 else 137, 1, talk.client.sent(), sender=ROUTER[version]
    )
    talk.server.synack(0.2)
    talk.client.ack(0.3)
    run = play(talk)
    told = [(one["network"]["transport"], one["event"]["dataset"]) for one in run.records]
    assert told == [
        ("tcp", "network_traffic.flow"),
        ("icmp" if version == 4 else "ipv6-icmp", "network_traffic.icmp"),
    ]
    assert run.ledger["icmp_errors"] == 0


def test_the_first_refusal_decides(version):
    talk = Talk(version)
    talk.client.syn(0)
    for at, (kind, code) in ((0.1, PORT[version][0]), (0.2, ELSE[version][0])):
        talk.server.unreachable(at, kind, code, talk.client.sent(0))
    run = play(talk)
    assert run.actions() == ["flow_denied", "network_flow"]
    assert verdicts(run) == [("denied", "icmp_port_unreachable", 0.9)]


def test_icmp_quote_with_another_sequence_number_is_ignored(version):
    talk = Talk(version)
    talk.client.syn(0)
    forged = Talk(version, isns=(999_999, 1))
    forged.client.syn(0)
    talk.server.unreachable(0.1, 3 if version == 4 else 1, 1, forged.client.sent())
    run = play(talk)
    assert verdicts(run) == [(*DROPPED[:2], 0.6)]  # cut short by the end of the capture


def test_icmp_of_a_flow_that_was_answered_changes_nothing(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.unreachable(
        0.1, 3 if version == 4 else 1, 1, talk.client.sent(0), sender=ROUTER[version]
    )
    assert verdicts(play(talk)) == [SILENT]


def test_icmp_after_the_flow_is_gone_makes_a_flow_of_its_own(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.unreachable(100, 3 if version == 4 else 1, 1, talk.client.sent())
    run = play(talk)
    assert [event["network"]["transport"] for event in run.records] == [
        "tcp", "icmp" if version == 4 else "ipv6-icmp"
    ]
    assert run.actions().count("flow_started") == 0


def test_icmp_of_an_unknown_flow_makes_a_flow_of_its_own(version):
    quoted = Talk(version)
    quoted.client.syn(0)
    talk = Talk(version)
    talk.server.unreachable(0, 3 if version == 4 else 1, 1, quoted.client.sent())
    run = play(talk)
    assert run.actions() == ["network_flow"]
    assert verdicts(run)[0][0] == "unknown"


def test_late_icmp_never_takes_accepted_back(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1)
    talk.server.unreachable(5, 3 if version == 4 else 1, 1, talk.client.sent(0))
    run = play(talk)
    assert run.actions() == ["flow_started", "network_flow"]
    assert verdicts(run) == [DATA]


def test_icmp_then_an_answer_is_an_upgrade(version):
    """A router complained of the first SYN; the second came through."""
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.unreachable(
        0.1, 3 if version == 4 else 1, 0, talk.client.sent(), sender=ROUTER[version]
    )
    talk.client.syn(1)
    talk.server.synack(1.1)
    talk.client.ack(1.2)
    talk.server.data(1.3)
    run = play(talk)
    assert run.actions() == ["flow_dropped", "flow_started", "network_flow"]
    assert verdicts(run) == [DATA]
