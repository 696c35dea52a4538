"""Every row of the verdict table (docs/verdict.md), over IPv4 and IPv6, with its variations."""

from __future__ import annotations

import pytest

from tests.conversation import Talk, merged, play, said, tags, verdicts

DATA = ("accepted", "responder_data", 0.99)
DATA_MIDSTREAM = ("accepted", "responder_data", 0.9)
SILENT = ("accepted", "handshake", 0.7)
SILENT_ACKED = ("accepted", "handshake", 0.85)
SCAN = ("accepted", "handshake", 0.6)
VETOED = ("unknown", "reset_after_handshake", 0.5)
HALF_OPEN = ("attempted", "half_open_scan", 0.95)
INCOMPLETE = ("attempted", "handshake_incomplete", 0.8)
REFUSED = ("denied", "rst", 0.95)
DROPPED = ("dropped", "timeout", 0.8)
ONE_SIDED = ("unknown", "one_sided", 0.3)
ORIGINATOR_ONLY = ("accepted", "inferred_one_sided", 0.8)
RESPONDER_ONLY = ("accepted", "inferred_one_sided", 0.9)
BACKSCATTER = ("unknown", "backscatter", 0.9)
REPLY = ("accepted", "reply", 0.9)
MIDSTREAM = ("accepted", "midstream", 0.7)

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
NOT = {4: [(3, 4), (5, 1), (12, 0)], 6: [(2, 0), (4, 1)]}
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


# ---- rows 12 and 13: no answer ------------------------------------------------------------------


def test_row_12_dropped_where_both_directions_are_seen(version):
    talk = Talk(version)
    for at in (0, 1, 3, 7, 15):
        talk.client.syn(at)
    late = Talk(version, ports=(1_111, 2_222))
    late.client.udp(60)
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
    assert verdicts(run)[0][:2] == ("accepted", "handshake")


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
