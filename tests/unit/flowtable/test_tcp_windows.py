"""Both sides of every limit of a sequence number: windows, gaps, what an ACK may take."""

from __future__ import annotations

import struct

import pytest

from tests.conversation import ACK, PSH, RST, SYN, Talk, merged, play, tags, verdicts
from tests.unit.flowtable.stories import bystander, flow_of, reasons
from tests.verdicts import (
    BACKSCATTER,
    DATA,
    DATA_MIDSTREAM,
    HALF_OPEN,
    INCOMPLETE,
    MIDSTREAM,
    ORIGINATOR_ONLY,
    REFUSED,
    SILENT,
    SILENT_ACKED,
)

pytestmark = pytest.mark.parametrize("version", [4, 6])

LOOSE = 1 << 20
"""What is assumed where a window is not known."""
HALF = 1 << 31


def opened(version, window=1_000, shifts=None):
    """A session with data both ways, in which both sides have this window."""
    talk = Talk(version)
    talk.client.window = talk.server.window = window
    talk.handshake()
    if shifts:
        for which, shift in enumerate(shifts):
            if shift is not None:
                talk.frames[which] = offering(talk.frames[which], shift)
    talk.client.data(0.03, b"user")
    talk.server.data(0.04, b"login: ")
    talk.client.ack(0.05)
    talk.server.ack(0.06)
    return talk


def offering(frame, shift):
    """A SYN with the option of RFC 7323 2.2."""
    time, octets = frame
    at, header = (16, 20) if octets[14] >> 4 == 4 else (18, 40)
    length = struct.unpack("!H", octets[at : at + 2])[0] + 4
    octets = octets[:at] + struct.pack("!H", length) + octets[at + 2 :]
    offset = 14 + header + 12
    octets = octets[:offset] + b"\x60" + octets[offset + 1 :]
    return time, octets + bytes([1, 3, 3, shift])


# ---- resets (RFC 9293 3.10.7, RFC 5961 3.2) -----------------------------------------------------


@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize(("window", "ahead", "counts"), [
    (1_000, 0, True), (1_000, 999, True), (1_000, 1_000, False), (1_000, -1, False),
    (1, 0, True), (1, 1, False), (0, 0, True), (0, 1, False), (0, -1, False),
])  # fmt: skip
def test_a_reset_counts_within_the_window(version, side, window, ahead, counts):
    talk = opened(version, window)
    sender = getattr(talk, side)
    sender.segment(0.1, RST, seq=sender.next + ahead)
    assert reasons(play(talk)) == ["rst" if counts else "end_of_capture"]


@pytest.mark.parametrize(("shifts", "window"), [
    ((4, 3), 8_000), ((0, 0), 1_000), ((0, 1), 2_000), ((None, 3), 1_000), ((3, None), 1_000)])
def test_a_window_is_scaled_where_both_sides_offered_it(version, shifts, window):
    """RFC 7323 2.2: each by its own shift; the SYN-ACK's window itself never is."""
    for ahead, counts in ((window - 1, True), (window, False)):
        talk = opened(version, 1_000, shifts)
        talk.client.segment(0.1, RST, seq=talk.client.next + ahead)
        assert reasons(play(talk)) == ["rst" if counts else "end_of_capture"], ahead
    own = 1_000 << (shifts[0] or 0) if None not in shifts else 1_000
    for ahead, counts in ((own - 1, True), (own, False)):
        talk = opened(version, 1_000, shifts)
        talk.server.segment(0.1, RST, seq=talk.server.next + ahead)
        assert reasons(play(talk)) == ["rst" if counts else "end_of_capture"], ahead


@pytest.mark.parametrize(("ahead", "end"), [
    (0, "rst"), (1, "end_of_capture"), (-1, "end_of_capture")])
def test_before_the_handshake_is_done_a_reset_has_the_next_number(version, ahead, end):
    """The originator acknowledged nothing: no window of it counts."""
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.synack(0.01)
    talk.server.segment(0.02, RST, seq=talk.server.next + ahead)
    assert reasons(play(talk)) == [end]


@pytest.mark.parametrize(("ahead", "expected"), [
    (0, HALF_OPEN), (LOOSE - 1, HALF_OPEN), (LOOSE, INCOMPLETE), (-1, INCOMPLETE)])
def test_the_reset_of_a_half_open_scan_is_near_what_was_acknowledged(version, ahead, expected):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.window = 10
    talk.server.synack(0.01)
    talk.client.segment(0.02, RST, seq=talk.client.next + ahead)
    assert verdicts(play(talk)) == [expected]


@pytest.mark.parametrize("payload", [b"", b"GET"])
def test_a_refusal_acknowledges_the_syn_and_at_most_its_payload(version, payload):
    for ack in range(-1, len(payload) + 2):
        talk = Talk(version)
        talk.client.syn(0, payload)
        talk.server.segment(0.01, RST | ACK, seq=0, ack=talk.client.isn + 1 + ack)
        refused = 0 <= ack <= len(payload)
        assert (verdicts(play(talk)) == [REFUSED]) is refused, ack
    talk = Talk(version)
    talk.client.syn(0, payload)
    talk.server.segment(0.01, RST, seq=0)  # it acknowledges nothing
    assert "flow_denied" not in play(talk).actions()


@pytest.mark.parametrize(("ahead", "counts"), [(0, True), (1, False), (-1, False)])
def test_a_reset_of_the_side_that_was_seen_alone_has_the_next_number(version, ahead, counts):
    for side in ("client", "server"):
        talk = Talk(version)
        sender = getattr(talk, side)
        sender.data(0, b"x" * 10)
        sender.segment(0.1, RST, seq=sender.next + ahead)
        # What the other side expects was not seen.
        assert reasons(play(talk)) == ["rst" if counts else "end_of_capture"]


# ---- payload ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ahead", "expected"), [
    (0, DATA), (999, DATA), (1_000, SILENT), (-LOOSE, DATA), (-LOOSE - 1, SILENT)])
def test_payload_counts_within_the_window_and_as_a_retransmission(version, ahead, expected):
    talk = Talk(version)
    talk.client.window = 1_000
    talk.handshake()
    talk.server.data(0.1, b"x" * 10, seq=talk.server.next + ahead)
    assert verdicts(play(talk)) == [expected]


@pytest.mark.parametrize(("ahead", "expected"), [
    (LOOSE - 1, "accepted"), (LOOSE, "unknown"), (-LOOSE, "accepted"), (-LOOSE - 1, "unknown")])
def test_in_midstream_a_window_may_be_scaled(version, ahead, expected):
    talk = Talk(version)
    talk.client.window = 10
    talk.client.ack(0)
    talk.server.segment(0.1, PSH | ACK, b"x" * 10, seq=talk.server.next + ahead)
    assert verdicts(play(talk))[0][0] == expected


@pytest.mark.parametrize(("ahead", "accepted"), [
    (0, True), (1, True), (LOOSE + 1, True), (LOOSE + 2, False), (-1, False)])
def test_without_a_syn_ack_payload_acknowledges_what_may_have_been_sent(version, ahead, accepted):
    """Of an older connection it would acknowledge anything."""
    talk = Talk(version)
    talk.client.syn(0)
    talk.client.segment(0.01, ACK, seq=talk.client.next, ack=talk.server.isn + 1)
    talk.server.segment(
        0.02, PSH | ACK, b"login: ", seq=talk.server.isn + 1, ack=talk.client.next + ahead)
    assert ("flow_started" in play(talk).actions()) is accepted


def test_without_a_syn_ack_payload_that_acknowledges_nothing_is_none(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.client.segment(0.01, ACK, seq=talk.client.next, ack=talk.server.isn + 1)
    talk.server.segment(0.02, PSH, b"login: ", seq=talk.server.isn + 1)
    assert "flow_started" not in play(talk).actions()


# ---- what is missing ----------------------------------------------------------------------------


@pytest.mark.parametrize(("came", "missing"), [(1, 299), (299, 1), (300, 0), (301, 0)])
def test_what_comes_late_is_not_missing(version, came, missing):
    talk = Talk(version)
    talk.handshake()
    gap = talk.server.next
    talk.server.data(0.1, b"x" * 300, lost=True)
    talk.server.data(0.2, b"y" * 10)
    talk.server.segment(0.3, PSH | ACK, b"x" * came, seq=gap)
    assert flow_of(play(talk))["missed_bytes_resp"] == missing


@pytest.mark.parametrize(("back", "octets"), [(5, 10), (5, 6), (5, 5), (5, 4), (10, 10), (10, 11)])
def test_a_segment_that_reaches_back_may_reach_beyond(version, back, octets):
    """What follows where it ends leaves no gap."""
    talk = Talk(version)
    talk.handshake()
    talk.server.data(0.1, b"x" * 10)
    start = talk.server.next - back
    talk.server.segment(0.2, PSH | ACK, b"y" * octets, seq=start)
    talk.server.next = max(talk.server.next, start + octets)
    talk.server.data(0.3, b"z" * 10)
    talk.server.data(0.4, b"z" * 7, seq=talk.server.next + 3)
    assert flow_of(play(talk))["missed_bytes_resp"] == 3


@pytest.mark.parametrize(("unseen", "missing"), [
    (1, 1), (LOOSE - 1, LOOSE - 1), (LOOSE, 0), (0, 0), (-1, 0)])
def test_what_was_acknowledged_and_never_seen_is_missing(version, unseen, missing):
    talk = opened(version)
    talk.client.segment(0.2, ACK, ack=talk.server.next + unseen)
    assert flow_of(play(talk))["missed_bytes_resp"] == missing
    talk = opened(version)
    talk.server.segment(0.2, ACK, ack=talk.client.next + unseen)
    assert flow_of(play(talk))["missed_bytes_orig"] == missing


def test_what_is_beyond_the_window_is_no_gap(version):
    for ahead, missing in ((999, 999), (1_000, 0)):
        talk = opened(version)
        talk.server.segment(0.2, PSH | ACK, b"x", seq=talk.server.next + ahead)
        assert flow_of(play(talk))["missed_bytes_resp"] == missing


@pytest.mark.parametrize("closed", [False, True])
def test_a_syn_and_a_fin_have_numbers_of_their_own(version, closed):
    talk = opened(version)
    if closed:
        talk.close(0.2)
    flow = flow_of(play(talk))
    assert (flow["missed_bytes_resp"], flow["missed_bytes_orig"]) == (0, 0)


# ---- acknowledgements ---------------------------------------------------------------------------


@pytest.mark.parametrize(("ahead", "expected"), [
    (0, SILENT), (LOOSE - 1, SILENT), (LOOSE, INCOMPLETE), (HALF - 1, INCOMPLETE),
    (-1, INCOMPLETE), (-2, INCOMPLETE)])  # fmt: skip
def test_which_acknowledgement_completes_a_handshake(version, ahead, expected):
    """It takes the SYN-ACK, and nothing far beyond what was sent (RFC 9293 3.10.7.4)."""
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.synack(0.01)
    talk.client.segment(0.02, ACK, ack=talk.server.next + ahead)
    assert verdicts(play(talk)) == [expected]


@pytest.mark.parametrize(("ahead", "expected"), [
    (0, SILENT), (1, SILENT), (HALF - 2, SILENT), (HALF - 1, INCOMPLETE), (-1, INCOMPLETE)])
def test_the_acknowledgement_of_a_handshake_comes_behind_its_syn(version, ahead, expected):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.synack(0.01)
    talk.client.segment(0.02, ACK, seq=talk.client.next + ahead)
    assert verdicts(play(talk)) == [expected]


@pytest.mark.parametrize(("taken", "expected"), [(0, SILENT), (1, SILENT_ACKED)])
def test_one_octet_of_data_that_was_acknowledged(version, taken, expected):
    talk = Talk(version)
    talk.handshake()
    talk.client.data(0.03, b"x")
    talk.server.ack(0.04, ack=talk.client.isn + 1 + taken)
    assert verdicts(play(talk)) == [expected]


@pytest.mark.parametrize(("moved", "expected"), [
    (1, ORIGINATOR_ONLY), (LOOSE, ORIGINATOR_ONLY), (LOOSE + 1, BACKSCATTER), (0, BACKSCATTER),
    (-1, BACKSCATTER)])  # fmt: skip
def test_how_far_an_acknowledgement_advances(version, moved, expected):
    talk = Talk(version)
    talk.client.ack(0)
    talk.client.segment(0.1, ACK, ack=talk.server.next + moved)
    assert verdicts(play(talk)) == [expected]


@pytest.mark.parametrize("closing", ["fin", "rst"])
def test_what_advances_behind_the_end_proves_nothing(version, closing):
    talk = Talk(version)
    talk.client.ack(0)
    getattr(talk.client, closing)(0.1)
    talk.client.segment(0.2, ACK, ack=talk.server.next + 10)
    assert "flow_started" not in play(talk).actions()


@pytest.mark.parametrize(("ahead", "expected"), [
    (LOOSE - 1, MIDSTREAM), (LOOSE, ("unknown", "none", 0.3)), (0, MIDSTREAM)])
def test_an_acknowledgement_out_of_window_proves_no_session(version, ahead, expected):
    talk = Talk(version)
    talk.client.ack(0)
    talk.server.segment(0.1, ACK, seq=talk.server.next + ahead)
    assert verdicts(play(talk)) == [expected]


# ---- which connection a SYN opens ---------------------------------------------------------------


@pytest.mark.parametrize(("back", "flows"), [(-1, 2), (0, 2), (1, 1), (6, 1), (7, 2)])
def test_a_late_syn_stands_before_the_stream(version, back, flows):
    """Four octets, SYN and FIN were sent: six numbers. Any of them may be the SYN's."""
    talk = Talk(version)
    talk.handshake()
    talk.client.data(0.03, b"user")
    talk.server.data(0.04, b"login: ")
    talk.close(0.05)
    del talk.frames[:3]
    talk.client.segment(0.1, SYN, seq=talk.client.next - back)
    assert len(play(talk).records) == flows


@pytest.mark.parametrize(("back", "flows"), [
    (1, 1), (LOOSE + 1, 1), (LOOSE + 2, 2), (0, 2), (-5, 2)])
def test_a_syn_in_midstream_stands_before_what_was_acknowledged(version, back, flows):
    """Else it opens another connection, as the answer to it then proves."""
    talk = Talk(version)
    talk.client.data(0, b"user")
    first = talk.client.next
    talk.server.ack(0.1)
    talk.client.segment(0.2, SYN, seq=first - back)
    talk.server.segment(0.3, SYN | ACK, seq=7_000, ack=first - back + 1)
    assert len(play(talk).records) == flows


def test_the_same_syn_on_a_closed_flow_is_its_own(version):
    talk = opened(version)
    talk.client.rst(0.1)
    talk.client.segment(0.2, SYN, seq=talk.client.isn)
    assert len(play(talk).records) == 1
    talk.client.segment(0.3, SYN, seq=talk.client.isn + 1)
    assert len(play(talk).records) == 2


@pytest.mark.parametrize(("beyond", "flows"), [(0, 1), (1, 2), (2, 1)])
def test_a_new_syn_is_taken_by_its_own_number_plus_one(version, beyond, flows):
    talk = opened(version)
    talk.client.segment(0.2, SYN, seq=900_000)
    talk.server.segment(0.21, SYN | ACK, seq=77, ack=900_000 + beyond)
    assert len(play(talk).records) == flows


@pytest.mark.parametrize("beyond", [0, 2])
def test_an_answer_takes_one_of_two_attempts_by_its_number_plus_one(version, beyond):
    talk = Talk(version)
    talk.client.syn(0)
    talk.client.segment(0.001, SYN, seq=999_999_999)
    talk.server.synack(0.01, ack=talk.client.isn + beyond)
    talk.client.ack(0.02)
    assert "flow_started" not in play(talk).actions()


@pytest.mark.parametrize(("taken", "expected"), [
    (0, ("attempted", "fast_open", 0.5)), (1, INCOMPLETE), (4, INCOMPLETE),
    (5, ("attempted", "fast_open", 0.5))])  # fmt: skip
def test_an_answer_takes_the_syn_and_at_most_its_payload(version, taken, expected):
    talk = Talk(version)
    talk.client.syn(0, b"GET")
    talk.server.segment(0.01, SYN | ACK, ack=talk.client.isn + taken)
    assert verdicts(play(talk)) == [expected]


# ---- simultaneous open (RFC 9293 3.5) -----------------------------------------------------------


@pytest.mark.parametrize(("client_ack", "server_ack", "accepted"), [
    (1, 1, True), (1, None, False), (None, 1, False), (0, 1, False), (1, 0, False)])
@pytest.mark.parametrize("flags", [ACK, SYN | ACK])
def test_both_syns_of_a_simultaneous_open_are_acknowledged(
    version, client_ack, server_ack, accepted, flags
):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.syn(0.001)
    ends = ((talk.client, talk.server, client_ack), (talk.server, talk.client, server_ack))
    for side, other, ack in ends:
        if ack is not None:
            seq = side.isn if flags & SYN else side.isn + 1
            side.segment(0.01, flags, seq=seq, ack=other.isn + ack)
    assert ("flow_started" in play(talk).actions()) is accepted


def test_an_answer_of_another_number_is_not_the_responders_syn(version):
    talk = Talk(version)
    talk.client.syn(0)
    talk.server.syn(0.001)
    talk.server.segment(0.002, SYN | ACK, seq=talk.server.isn + 9, ack=talk.client.isn + 1)
    talk.client.segment(0.003, ACK, seq=talk.client.isn + 1, ack=talk.server.isn + 1)
    assert verdicts(play(talk)) == [("accepted", "handshake", 0.9)]


# ---- the veto and the tarpit --------------------------------------------------------------------


def test_a_syn_ack_with_another_number_is_no_repeated_one(version):
    talk = Talk(version)
    talk.handshake()
    talk.server.segment(0.5, SYN | ACK, seq=talk.server.isn + 1, ack=talk.client.isn + 1)
    assert verdicts(play(talk)) == [SILENT]


@pytest.mark.parametrize(("window", "found"), [(0, ["tarpit"]), (1, [])])
def test_a_window_of_one_octet_is_no_tarpit(version, window, found):
    talk = Talk(version)
    talk.server.window = window
    talk.handshake()
    talk.client.data(0.1, b"x")
    assert tags(play(merged(talk, bystander(9))).records[0]) == found


def test_midstream_data_behind_a_gap_of_what_was_not_captured(version):
    """The first segment seen of a side leaves nothing missing, wherever it starts."""
    talk = Talk(version)
    talk.client.ack(0)
    talk.server.segment(0.1, PSH | ACK, b"x" * 10, seq=talk.server.next + 5_000)
    run = play(talk)
    assert verdicts(run) == [DATA_MIDSTREAM]
    assert flow_of(run)["missed_bytes_resp"] == 0
