"""Fragments: ports of the first one serve the later ones, in any order; nothing hides in them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from sensor.config import Config, FlowLimits
from sensor.decode import Decoder
from sensor.decode.fragments import Fragments
from sensor.model.frames import FrameBatch
from sensor.model.packets import PacketBatch
from tests.conversation import SECOND_NS, START_NS, Frames, Talk, play, said, time_ns
from tests.fragmenting import fragments_of, piece
from tests.memory_capture import MemoryCapture
from tests.running import Run, run_capture

PAYLOAD = bytes(range(250)) * 4
VERSIONS = pytest.mark.parametrize("version", [4, 6])


def datagram(version: int = 4, at: float = 0, ports: tuple[int, int] = (40_000, 5_353)) -> bytes:
    """A frame with a datagram of 1,008 octets."""
    talk = Talk(version, ports=ports)
    talk.ip_id = 76
    talk.client.udp(at, PAYLOAD)
    return talk.frames[0][1]


def sent(pieces: list[bytes], first: float = 0, apart: float = 0.0001) -> Frames:
    return [(time_ns(first + i * apart), octets) for i, octets in enumerate(pieces)]


def numbers(run: Run) -> list[tuple[int, int, int]]:
    """Packets, octets and payload of the originator of each flow."""
    return [
        (one["source"]["packets"], one["source"]["bytes"],
         one["sensor"]["flow"]["payload_bytes_orig"]) for one in run.records
    ]  # fmt: skip


@VERSIONS
@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_fragments_of_a_datagram_belong_to_its_flow_in_any_order(version: int, order: Any) -> None:
    pieces = fragments_of(datagram(version), [8, 400, 800])
    run = play(sent([pieces[i] for i in order]))
    assert numbers(run) == [(4, sum(len(one) - 14 for one in pieces), 1000)]
    assert run.ledger["fragments"] == 0
    assert run.ledger["packets"] == 4
    (record,) = run.records
    assert (record["source"]["port"], record["destination"]["port"]) == (40_000, 5_353)


def long_talk(version: int) -> Talk:
    talk = Talk(version)
    talk.handshake()
    talk.client.data(0.1, PAYLOAD)
    talk.server.data(0.2, PAYLOAD)
    talk.client.data(0.3, PAYLOAD)
    talk.client.fin(0.4)
    talk.server.fin(0.5)
    talk.client.ack(0.6)
    return talk


TOLD = ("verdict", "evidence", "confidence", "conn_state", "history", "payload_bytes_orig",
        "payload_bytes_resp", "tcp_flags_orig", "tcp_flags_resp", "end_reason")  # fmt: skip


def flows_of(run: Run) -> list[dict[str, Any]]:
    """What does not depend on the number of packets."""
    assert all(row["missed_bytes"].tolist() == [0, 0] for row in run.rows if row["action"] == 3)
    return [{name: one["sensor"]["flow"].get(name) for name in TOLD} for one in run.records]


@VERSIONS
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_segments_in_fragments_tell_what_whole_ones_tell(version: int, order: Any) -> None:
    talk = long_talk(version)
    frames: Frames = []
    for number, (time, octets) in enumerate(talk.frames):
        pieces = [octets]
        if len(octets) > 200:
            cut = fragments_of(octets, [24, 600], 100 + number)
            pieces = [cut[i] for i in order]
        frames += [(time + i, one) for i, one in enumerate(pieces)]
    run = play(frames)
    assert flows_of(run) == flows_of(play(talk))
    assert run.ledger["fragments"] == 0
    assert run.records[0]["network"]["packets"] == len(talk.frames) + 6


@VERSIONS
def test_a_segment_with_fin_in_fragments_leaves_no_gap(version: int) -> None:
    talk = Talk(version)
    talk.handshake()
    talk.client.segment(0.1, 17, PAYLOAD)
    talk.server.ack(0.2)
    talk.server.fin(0.3)
    talk.client.ack(0.4)
    frames = [one for at, octets in talk.frames for one in (
        sent(fragments_of(octets, [504], 9), (at - START_NS) / SECOND_NS)
        if len(octets) > 200 else [(at, octets)])]  # fmt: skip
    assert flows_of(play(frames)) == flows_of(play(talk))


def with_syn_cut(
    version: int, cuts: list[int], order: Any, payload: bytes = b""
) -> tuple[Talk, Frames]:
    talk = Talk(version)
    talk.client.syn(0, payload)
    talk.server.synack(0.01)
    talk.client.ack(0.02)
    talk.server.data(0.03, b"login: ")
    pieces = fragments_of(talk.frames[0][1], cuts, 7)
    return talk, sent([pieces[i] for i in order]) + talk.frames[1:]


@VERSIONS
@pytest.mark.parametrize("cuts", [[8], [16], [8, 16]])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_syn_cut_within_its_header_is_still_a_syn(
    version: int, cuts: list[int], backwards: bool
) -> None:
    order = list(range(len(cuts) + 1))
    talk, frames = with_syn_cut(version, cuts, order[::-1] if backwards else order)
    run = play(frames)
    assert said(run.records[0]) == ("accepted", "responder_data", 0.99)
    assert said(run.records[0]) == said(play(talk).records[0])
    assert run.records[0]["sensor"]["flow"]["history"] == "ShAd"
    assert run.ledger["anomalies"] == {"ip_tiny_fragment": 1}
    assert run.ledger["fragments"] == 0
    assert run.records[0]["network"]["packets"] == len(frames) - 1


def test_a_lone_syn_in_fragments_is_an_attempt_in_either_order() -> None:
    for order in ((0, 1), (1, 0)):
        _, frames = with_syn_cut(4, [8], order)
        run = play(frames[:2])
        assert said(run.records[0])[:2] == ("dropped", "timeout"), order
        assert run.records[0]["source"]["packets"] == 1


def test_payload_behind_a_header_in_fragments_is_counted() -> None:
    for order in itertools.permutations(range(3)):
        _, frames = with_syn_cut(4, [16, 24], order, b"early data")
        run = play(frames[:3])
        assert run.records[0]["sensor"]["flow"]["payload_bytes_orig"] == 10, order


def test_an_overlapping_fragment_is_an_anomaly_and_the_first_data_counts() -> None:
    octets = datagram()
    other = datagram(ports=(1_111, 2_222))
    pieces = [
        piece(octets, 0, 504),
        piece(octets, 496, 800),  # reaches back
        piece(other, 0, 24),  # says that the ports are others
        piece(octets, 504, 1008),
        piece(octets, 800, 1016, body=b"x" * 216, last=False),  # beyond the end
    ]
    run = play(sent(pieces))
    assert run.ledger["anomalies"] == {"ip_overlapping_fragments": 3}
    assert numbers(run) == [(2, 504 + 504 + 40, 1000)]
    assert run.records[0]["source"]["port"] == 40_000


def test_two_ends_of_one_packet_are_an_anomaly() -> None:
    octets = datagram()
    pieces = [piece(octets, 0, 504), piece(octets, 600, 1008), piece(octets, 504, 600, last=True)]
    assert play(sent(pieces)).ledger["anomalies"] == {"ip_overlapping_fragments": 1}


@VERSIONS
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("cuts", [[8, 400], [400, 800]])
def test_a_doubled_capture_gives_the_same_flow(version: int, order: Any, cuts: list[int]) -> None:
    pieces = fragments_of(datagram(version), cuts)
    plain = sent([pieces[i] for i in order])
    doubled = [(at + i, octets) for at, octets in plain for i in (0, 500)]
    run = play(doubled)
    assert numbers(run) == numbers(play(plain)) == [
        (3, sum(len(one) - 14 for one in pieces), 1000)
    ]
    assert run.ledger["duplicates"] == 3
    assert play(doubled, duplicates=False).ledger["duplicates"] == 0
    assert numbers(play(doubled, duplicates=False))[0][0] == 6


@pytest.mark.parametrize("backwards", [False, True])
def test_a_doubled_tiny_fragment_is_one_anomaly(backwards: bool) -> None:
    talk, frames = with_syn_cut(4, [8], (1, 0) if backwards else (0, 1))
    doubled = [(at + i, octets) for at, octets in frames for i in (0, 500)]
    run = play(doubled)
    assert run.ledger["anomalies"] == {"ip_tiny_fragment": 1}
    assert run.ledger["duplicates"] == len(frames)
    assert said(run.records[0]) == said(play(talk).records[0])


def test_fragments_whose_first_one_never_comes_belong_to_no_flow() -> None:
    pieces = fragments_of(datagram(), [400, 800])[1:]
    run = play(sent(pieces))
    assert run.records == []
    assert run.ledger["fragments"] == 2


def test_an_identification_that_comes_round_again_is_another_packet() -> None:
    one = fragments_of(datagram(), [400])
    two = fragments_of(datagram(ports=(40_001, 5_353)), [400])
    run = play(sent(one) + sent(two, 5))
    assert sorted(one["source"]["port"] for one in run.records) == [40_000, 40_001]
    assert [count for count, _, _ in numbers(run)] == [2, 2]


def test_what_comes_after_half_a_minute_is_another_packet() -> None:
    pieces = fragments_of(datagram(), [400])
    seconds = 30
    for late, packets in ((seconds - 0.001, 2), (seconds + 0.001, 1)):
        frames = sent(pieces[:1]) + sent(pieces[1:], late)
        run = play(frames)
        assert numbers(run)[0][0] == packets
        assert run.ledger["fragments"] == 2 - packets


def test_packets_of_other_protocols_and_tenants_do_not_mix() -> None:
    """One identification, the same addresses, but another protocol: RFC 791 3.2."""
    talk = Talk()
    talk.client.other(0, 253, PAYLOAD)
    one = fragments_of(datagram(), [400], 9)
    two = fragments_of(talk.frames[0][1], [400], 9)
    run = play(sent([one[0], two[0], two[1], one[1]]))
    assert [count for count, _, _ in numbers(run)] == [2, 2]
    assert run.ledger["anomalies"] == {}


def test_beyond_the_limit_the_oldest_is_forgotten_and_that_is_counted() -> None:
    """Eight places: of the ninth packet at once the first one makes room."""
    cut = [fragments_of(datagram(ports=(1_000 + i, 53)), [400], i) for i in range(9)]
    frames = sent([first for first, _ in cut] + [last for _, last in cut])
    run = play(frames, limits=FlowLimits(fragments_max=8))
    assert run.ledger["fragments_evicted"] >= 1
    assert 1 <= run.ledger["fragments"] <= 9
    assert sum(count for count, _, _ in numbers(run)) == 18 - run.ledger["fragments"]
    roomy = play(frames)
    assert (roomy.ledger["fragments_evicted"], roomy.ledger["fragments"]) == (0, 0)


def test_complete_packets_make_room_without_being_missed() -> None:
    cut = [fragments_of(datagram(ports=(1_000 + i, 53)), [400], i) for i in range(50)]
    run = play(sent([one for pair in cut for one in pair]), limits=FlowLimits(fragments_max=8))
    assert (run.ledger["fragments_evicted"], run.ledger["fragments"]) == (0, 0)


def test_complete_packets_are_remembered_for_their_copies_until_the_oldest_makes_room() -> None:
    """Nine packets through eight places, then all fragments but the first packet's once more."""
    cut = [one for i in range(9) for one in fragments_of(datagram(ports=(1_000 + i, 53)), [400], i)]
    run = play(sent(cut + cut[2:]), limits=FlowLimits(fragments_max=8))
    assert run.ledger["duplicates"] == 16
    assert [count for count, _, _ in numbers(run)] == [2] * 9


def test_the_places_are_bounded() -> None:
    assert len(Fragments(65_536).records) == 65_536
    assert len(Fragments(100).records) == 64
    assert len(Fragments(1).records) == 8


@VERSIONS
def test_a_large_ping_is_one_flow(version: int) -> None:
    talk = Talk(version)
    talk.client.echo(0, 8 if version == 4 else 128, 77)
    asked = talk.frames[0][1] + PAYLOAD
    if version == 4:
        asked = asked[:16] + (len(asked) - 14).to_bytes(2, "big") + asked[18:]
    else:
        asked = asked[:18] + (len(asked) - 54).to_bytes(2, "big") + asked[20:]
    for order in itertools.permutations(range(3)):
        pieces = fragments_of(asked, [480, 960])
        run = play(sent([pieces[i] for i in order]))
        assert numbers(run)[0][0] == 3
        assert run.ledger["fragments"] == 0


def test_the_snapshot_length_may_cut_later_fragments() -> None:
    """Their octets count by the IP length; their content is not needed."""
    pieces = fragments_of(datagram(), [400])
    capture = MemoryCapture([(at, one[:64], len(one)) for at, one in sent(pieces)])
    run = run_capture(capture)
    assert numbers(run) == [(2, 1008 + 40, 1000)]


# ---- both sides of every limit ------------------------------------------------------------------


def at_ns(*pieces: tuple[int, bytes]) -> Frames:
    """Fragments at so many nanoseconds."""
    return [(START_NS + SECOND_NS + at, octets) for at, octets in pieces]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("apart_ns", "copies"), [
    (0, 1), (10_000_000, 1), (10_000_001, 0), (-10_000_000, 1), (-10_000_001, 0)])
def test_the_window_of_copies(whole: bool, apart_ns: int, copies: int) -> None:
    """The same fragment later is one of another packet, whose identification came round again."""
    first, last = fragments_of(datagram(), [400])
    pieces = [(0, first), (0, last)] if whole else [(0, first)]
    run = play(at_ns(*pieces, (apart_ns, first)))
    assert run.ledger["duplicates"] == copies
    assert numbers(run)[0][0] == len(pieces) + 1 - copies


@pytest.mark.parametrize(("apart_ns", "same"), [
    (30 * SECOND_NS, True), (30 * SECOND_NS + 1, False),
    (-30 * SECOND_NS, True), (-30 * SECOND_NS - 1, False)])
def test_fragments_of_one_packet_come_within_half_a_minute(apart_ns: int, same: bool) -> None:
    first, last = fragments_of(datagram(), [400])
    run = play([(START_NS, other_frame()), *at_ns((40 * SECOND_NS, first)),
                *at_ns((40 * SECOND_NS + apart_ns, last))])  # fmt: skip
    assert run.ledger["fragments"] == (0 if same else 1)


def other_frame() -> bytes:
    talk = Talk(ports=(1, 2))
    talk.client.udp(0)
    return talk.frames[0][1]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
def test_a_packet_that_is_not_whole_goes_on_whenever_its_fragments_come(order: Any) -> None:
    pieces = fragments_of(datagram(), [400, 800])
    run = play(sent([pieces[i] for i in order], apart=5))
    assert (numbers(run)[0][0], run.ledger["fragments"]) == (3, 0)


@pytest.mark.parametrize(("start", "end", "found"), [
    (504, 800, "sound"), (496, 800, "overlap"), (504, 808, "overlap"), (504, 512, "sound"),
    (0, 504, "copy"), (0, 496, "overlap"), (0, 512, "overlap"), (8, 504, "overlap"),
    (800, 1008, "copy"), (800, 1000, "overlap"), (808, 1008, "overlap"), (96, 104, "overlap"),
])
def test_which_fragments_overlap(start: int, end: int, found: str) -> None:
    """Beside octets 0 to 504 and 800 to 1008, the last."""
    octets = datagram()
    known = [piece(octets, 0, 504), piece(octets, 800, 1008)]
    for pieces in (known, known[::-1]):
        run = play(sent([*pieces, piece(octets, start, end)]))
        assert run.ledger["anomalies"] == (
            {"ip_overlapping_fragments": 1} if found == "overlap" else {})
        assert run.ledger["duplicates"] == (found == "copy")


def test_nothing_follows_the_last_fragment() -> None:
    octets = datagram()
    last = piece(octets, 504, 800, last=True)
    for order in ((0, 1), (1, 0)):
        pieces = [last, piece(octets, 800, 1008)]
        run = play(sent([piece(octets, 0, 504), *(pieces[i] for i in order)]))
        assert run.ledger["anomalies"] == {"ip_overlapping_fragments": 1}, order
    run = play(sent([piece(octets, 0, 504), piece(octets, 800, 808, last=False), last]))
    assert run.ledger["anomalies"] == {"ip_overlapping_fragments": 1}


@VERSIONS
@pytest.mark.parametrize("count", [8, 40, 125])
def test_a_packet_in_many_fragments(version: int, count: int) -> None:
    size = 1008 // count & ~7
    pieces = fragments_of(datagram(version), range(size, size * count, size))
    for order in (pieces, pieces[::-1]):
        run = play(sent(order))
        assert run.ledger["fragments"] + sum(packets for packets, _, _ in numbers(run)) == (
            len(pieces))
        assert (run.ledger["anomalies"], len(run.records)) == ({}, 1)


def test_the_packet_that_began_first_is_forgotten_first() -> None:
    cut = [fragments_of(datagram(ports=(1_000 + i, 53)), [400], i) for i in range(9)]
    frames = sent([first for first, _ in cut] + [last for _, last in cut[::-1]])
    run = play(frames, limits=FlowLimits(fragments_max=8))
    assert (run.ledger["fragments_evicted"], run.ledger["fragments"]) == (1, 1)
    packets = {one["source"]["port"]: one["source"]["packets"] for one in run.records}
    assert packets == {1_000: 1, **{1_000 + i: 2 for i in range(1, 9)}}


def test_packets_that_will_never_be_whole_make_room() -> None:
    cut = [fragments_of(datagram(ports=(1_000 + i, 53)), [400], i)[0] for i in range(16)]
    frames = sent(cut[:8]) + sent(cut[8:], 31)
    run = play(frames, limits=FlowLimits(fragments_max=8))
    assert (run.ledger["fragments_evicted"], run.ledger["fragments"]) == (0, 0)


@VERSIONS
@pytest.mark.parametrize("lost", [1, 2, 3])
def test_what_of_a_segment_never_came_is_missing(version: int, lost: int) -> None:
    """In every order of the others, also where the last one comes before the first one."""
    talk = Talk(version)
    talk.handshake()
    talk.client.data(0.1, PAYLOAD)
    talk.client.data(0.2, b"more")
    pieces = fragments_of(talk.frames[3][1], [48, 200, 600], 9)
    sizes = [28, 152, 400, 420]  # of payload: the header has 20 octets
    kept = [one for number, one in enumerate(pieces) if number != lost]
    for order in itertools.permutations(kept):
        frames = talk.frames[:3] + sent(list(order), 0.1) + talk.frames[4:]
        run = play(frames)
        missed = next(row["missed_bytes"][0] for row in run.rows if row["action"] == 3)
        assert missed == sizes[lost], order
        assert len(run.records) == 1


def test_data_in_the_fragments_of_a_syn_is_no_data_of_a_session() -> None:
    """As that of a SYN in one piece: it is taken when the responder says so."""
    for answer in (False, True):
        talk = Talk()
        talk.client.syn(0, PAYLOAD)
        talk.server.synack(0.01, lost=not answer)
        talk.client.ack(0.02)
        pieces = fragments_of(talk.frames[0][1], [24, 400], 7)
        for order in itertools.permutations(pieces):
            run = play(sent(list(order)) + talk.frames[1:])
            assert flows_of(run) == flows_of(play(talk)), (answer, order)


def test_one_answer_in_fragments_is_one_answer() -> None:
    """Of a responder that is seen alone it takes two to be accepted before the end (row 15)."""
    talk = Talk()
    talk.client.syn(0)
    talk.server.synack(0.01)
    talk.server.data(0.03, PAYLOAD)
    del talk.frames[0]
    pieces = fragments_of(talk.frames[1][1], [48, 400], 7)
    for order in itertools.permutations(pieces):
        run = play([talk.frames[0], *sent(list(order), 0.03), (time_ns(20), other_frame())])
        started = next(row for row in run.rows if row["action"] == 0)
        assert int(started["known_ns"]) == time_ns(20), order


def test_vlans_separate_packets_where_they_separate_flows() -> None:
    talks = [Talk(vlan=vlan) for vlan in (10, 20)]
    cut = []
    for talk in talks:
        talk.ip_id = 76
        talk.client.udp(0, PAYLOAD)
        untagged = talk.frames[0][1]
        pieces = fragments_of(untagged[:12] + untagged[16:], [400])
        cut.append([one[:12] + untagged[12:16] + one[12:] for one in pieces])
    frames = sent([cut[0][0], cut[1][1], cut[1][0], cut[0][1]])
    run = play(frames, key_vlan=True)
    assert [packets for packets, _, _ in numbers(run)] == [2, 2]
    mixed = play(frames)
    assert (len(mixed.records), mixed.ledger["duplicates"]) == (1, 2)


@pytest.mark.parametrize(("pieces", "anomalous"), [
    ([(0, 504), (504, 1008)], False), ([(0, 504), (496, 1008)], True), ([(0, 8), (8, 1008)], False),
    ([(504, 1008)], False)])
def test_a_batch_says_whether_any_fragment_is_an_anomaly(
    pieces: list[tuple[int, int]], anomalous: bool
) -> None:
    frames, packets = FrameBatch(2), PacketBatch(2)
    octets = [piece(datagram(), *edges) for edges in pieces]
    frames.attach(b"".join(octets))
    for number, one in enumerate(octets):
        row = frames.records[number]
        row["link"], row["offset"] = 1, sum(map(len, octets[:number]))
        row["captured"] = row["wire"] = len(one)
    frames.count = len(octets)
    Decoder(Config()).decode(frames, packets)
    assert packets.anomalous is anomalous


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_header_behind_an_authentication_header_may_be_cut(order: Any) -> None:
    """RFC 4302 2: in IPv4 it stands between the header of the packet and that of the datagram."""
    talk = Talk()
    talk.client.udp(0)
    udp = talk.client.sent()[20:]
    talk.client.other(0, 51, bytes([17, 4]) + bytes(22) + udp)
    pieces = fragments_of(talk.frames[1][1], [8], 9)
    run = play(sent([pieces[which] for which in order]))
    (record,) = run.records
    assert (record["network"]["iana_number"], record["source"]["port"]) == ("17", 40_000)
    assert run.ledger["anomalies"] == {"ip_tiny_fragment": 1}
