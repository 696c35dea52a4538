"""Frames that were cut before the capture: which are believed, and what becomes of them."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.conversation import Frames, Talk, play, said
from tests.running import Run
from tests.unit.decode.batches import anomaly_of, decode_all
from tests.unit.decode.ip_packets import UDP, v4

DATA = b"L" * 1200


def session(at: float = 0.0, port: int = 40_000, **options: Any) -> Talk:
    """A telnet session of 7 and 5 packets in which the server sends two long segments."""
    talk = Talk(ports=(port, 23), **options)
    talk.handshake(at)
    talk.server.data(at + 0.03, DATA)
    talk.client.ack(at + 0.04)
    talk.client.data(at + 0.05, b"root\r\n")
    talk.server.ack(at + 0.06)
    talk.server.data(at + 0.07, DATA)
    talk.client.ack(at + 0.08)
    talk.close(at + 0.09)
    return talk


def cut(frames: Frames, octets: int) -> Frames:
    """What a device makes of frames that cuts at this length."""
    return [(at, frame[:octets]) for at, frame in frames]


def sums(run: Run) -> list[tuple[Any, ...]]:
    """Packets, octets and what is missing of each flow, both ways, with its evidence."""
    found = []
    for record in run.records:
        flow = record["sensor"]["flow"]
        found.append((
            record["source"]["packets"], record["source"]["bytes"],
            record["destination"]["packets"], record["destination"]["bytes"],
            flow["missed_bytes_orig"], flow["missed_bytes_resp"], flow["payload_bytes_resp"],
            flow["evidence"]))  # fmt: skip
    return found


def mirrored(talk: Talk, octets: int, kind: str) -> Frames:
    """The frames in a tunnel whose lengths are right, though what is inside was cut."""
    frames = []
    for at, frame in talk.frames:
        inner = frame[:octets]
        flag = 0x0400 if len(inner) < len(frame) else 0
        if kind == "vxlan":
            body = struct.pack("!II", 0x0800_0000, 77 << 8) + inner
            body = struct.pack("!HHHH", 50_000, 4789, 8 + len(body), 0) + body
        elif kind == "geneve":
            body = struct.pack("!II", 0x6558, 77 << 8) + inner
            body = struct.pack("!HHHH", 50_000, 6081, 8 + len(body), 0) + body
        elif kind == "gre":
            body = struct.pack("!HH", 0, 0x6558) + inner
        elif kind == "erspan_2":
            body = struct.pack("!HHIHHI", 0x1000, 0x88BE, 1, 0x1000, 5 | flag, 0) + inner
        else:
            body = struct.pack("!HHIHHIHH", 0x1000, 0x22EB, 1, 0x2000, 5 | flag, 0, 0, 0) + inner
        protocol = 17 if kind in ("vxlan", "geneve") else 47
        head = struct.pack(
            "!BBHHHBBH", 0x45, 0, 20 + len(body), len(frames) + 1, 0, 64, protocol, 0)
        ends = bytes([203, 0, 113, 5, 203, 0, 113, 9])
        frames.append((at, frame[:12] + b"\x08\x00" + head + ends + body))
    return frames


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("octets", [96, 100, 111, 128, 200, 1000])
def test_a_sliced_session_is_what_the_whole_one_is(version: int, octets: int) -> None:
    talk = session(version=version)
    run = play(cut(talk.frames, octets))
    assert sums(run) == sums(play(talk))
    assert (run.ledger["anomalies"], run.ledger["sliced"]) == ({}, 2)
    assert said(run.records[0])[:2] == ("accepted", "responder_data")


@pytest.mark.parametrize("kind", ["vxlan", "geneve", "gre", "erspan_2", "erspan_3"])
@pytest.mark.parametrize("octets", [100, 117])
def test_what_a_mirror_cut_inside_its_tunnel_belongs_to_the_flow_inside(
    kind: str, octets: int
) -> None:
    talk = session()
    run = play(mirrored(talk, octets, kind))
    assert sums(run) == sums(play(talk))
    assert (run.ledger["anomalies"], run.ledger["sliced"]) == ({}, 2)


def test_a_mirror_that_says_it_cut_is_believed_at_once() -> None:
    talk = session()
    talk.frames = talk.frames[:4]
    for kind, found in (("erspan_2", {}), ("erspan_3", {}), ("gre", {"ipv4_truncated": 1})):
        assert play(mirrored(talk, 117, kind)).ledger["anomalies"] == found
    never = play(mirrored(talk, 117, "erspan_2"), sliced="never")
    assert never.ledger["anomalies"] == {"ipv4_truncated": 1}


def test_a_tunnel_that_is_cut_outside_is_read_to_its_inside() -> None:
    talk = session()
    run = play(cut(mirrored(talk, 2000, "vxlan"), 160))
    assert sums(run) == sums(play(talk))
    assert (run.ledger["anomalies"], run.ledger["sliced"]) == ({}, 2)


def test_a_length_that_lies_in_a_whole_capture_accepts_nothing() -> None:
    for place in (3, 7):  # the first long segment of the server, or the second
        talk = session()
        frames = talk.frames[:]
        frames[place] = (frames[place][0], frames[place][1][:128])
        run = play(frames)
        assert run.ledger["anomalies"] == {"ipv4_truncated": 1}
        assert run.ledger["sliced"] == 0
    query = Talk(ports=(40_000, 53))
    query.client.udp(0, b"q" * 40)
    query.server.udp(0.02, b"r" * 900)
    lie = [query.frames[0], (query.frames[1][0], query.frames[1][1][:131])]
    run = play(lie)
    assert (run.ledger["anomalies"], said(run.records[0])[0]) == ({"ipv4_truncated": 1}, "dropped")


def test_a_single_answer_is_believed_at_a_length_that_devices_are_set_to() -> None:
    query = Talk(ports=(40_000, 53))
    query.client.udp(0, b"q" * 40)
    query.server.udp(0.02, b"r" * 900)
    for octets in (96, 100, 128, 256, 300):
        run = play(cut(query.frames, octets))
        assert said(run.records[0])[:2] == ("accepted", "reply")


def test_short_frames_that_lie_need_more_of_their_kind() -> None:
    def lies(count: int) -> Frames:
        talk = Talk()
        talk.client.syn(0)
        frames = talk.frames[:]
        for number in range(count):
            talk.server.synack(1.0 + number)
            at, frame = talk.frames[-1]
            frames.append((at, frame[:16] + b"\x05\xdc" + frame[18:54].ljust(42, b"\0")))
        return frames

    assert play(lies(7)).ledger["anomalies"] == {"ipv4_truncated": 7}
    assert play(lies(8)).ledger["anomalies"] == {}


def test_some_traffic_may_be_cut_and_other_not() -> None:
    """A broker that slices some flows only: many cuts at one length prove it beside long frames."""
    frames: Frames = session(0, 50_000).frames[:]
    for number in range(40):
        frames += cut(session(1.0 + number, 40_000 + number).frames, 111)
    run = play(frames, batch=2048)
    assert (run.ledger["anomalies"], run.ledger["sliced"]) == ({}, 80)


def test_the_setting_decides_where_nothing_can_be_learned() -> None:
    talk = session()
    frames = talk.frames[:]
    frames[3] = (frames[3][0], frames[3][1][:111])
    assert sums(play(frames, sliced="always")) == sums(play(talk))
    run = play(cut(talk.frames, 128), sliced="never")
    assert run.ledger["anomalies"] == {"ipv4_truncated": 2}


@pytest.mark.parametrize("batch", [1, 2, 3, 5])
def test_what_was_learned_holds_for_the_batches_that_follow(batch: int) -> None:
    frames = [frame for number in range(4)
              for frame in cut(session(float(number), 40_000 + number).frames, 111)]
    run = play(frames, batch=batch)
    lost = sum(run.ledger["anomalies"].values())
    assert lost <= 1 and run.ledger["sliced"] == 8 - lost


def test_the_capture_is_not_lossy_because_it_is_sliced() -> None:
    frames = [frame for number in range(12)
              for frame in cut(session(number / 5, 40_000 + number).frames, 128)]
    attempt = Talk(ports=(50_432, 23))
    attempt.client.syn(5)
    other = Talk(ports=(4000, 53))
    other.client.udp(90, b"x")
    run = play([*frames, *attempt.frames, *other.frames])
    assert not run.ledger["seen"]["lossy"]
    assert run.ledger["flows"]["unknown"] == 0


def test_the_fragment_of_a_sliced_packet_is_followed_by_the_others() -> None:
    """Two fragments of one datagram, each cut: one flow with the octets of both."""
    def fragment(offset: int, more: bool, body: bytes) -> bytes:
        word = (0x2000 if more else 0) | offset >> 3
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 9, word, 64, 17, 0)
        return bytes(12) + b"\x08\x00" + head + bytes([192, 0, 2, 1, 192, 0, 2, 2]) + body

    first = struct.pack("!HHHH", 5000, 53, 8 + 1472 + 600, 0) + bytes(1472)
    frames = [(1, fragment(0, True, first)), (2, fragment(1480, False, bytes(600)))]
    run = play(cut(frames, 96))
    assert (len(run.records), run.records[0]["source"]["packets"]) == (1, 2)
    assert run.records[0]["source"]["bytes"] == 1500 + 620


@pytest.mark.parametrize("octets", [62, 64, 68])
def test_a_header_that_is_cut_behind_its_ports_still_belongs_to_its_flow(octets: int) -> None:
    """IPv6 with a VLAN tag at tcpdump's old 68 octets: no flags, so no verdict."""
    talk = session(version=6, vlan=5)
    frames = [(at, frame[:octets], len(frame)) for at, frame in talk.frames]
    run = play(frames)
    whole = play(talk).records[0]
    record, = run.records
    assert run.ledger["anomalies"] == {}
    assert [record[end][what] for end in ("source", "destination") for what in ("packets", "bytes")
            ] == [whole[end][what] for end in ("source", "destination")
                  for what in ("packets", "bytes")]
    assert said(record)[:2] == ("unknown", "none")


LONG = bytes(12) + b"\x08\x00" + v4(UDP + bytes(2_000), protocol=253)


def believed(lengths: list[int], **options: Any) -> list[bool]:
    """Whether each of these parts of a long frame, all of one batch, is taken for a cut one."""
    packets = decode_all([LONG[:length] for length in lengths], sliced="auto", **options)
    return [anomaly_of(row) == "sound" for row in packets.records[: len(lengths)]]


@pytest.mark.parametrize(("lengths", "expected"), [
    # Up to the shortest frame of Ethernet, 64 octets, it takes eight of them.
    ([60] * 7, False), ([60] * 8, True), ([64] * 7, False), ([64] * 8, True), ([64], False),
    # Above it two, or one at a length that people set devices to.
    ([65], False), ([65] * 2, True), ([96], True), ([97], False), ([97] * 2, True), ([100], True),
    ([101], False), ([128], True), ([150], True), ([151], False), ([1_500], True),
])  # fmt: skip
def test_how_many_cuts_prove_a_device(lengths: list[int], expected: bool) -> None:
    assert believed(lengths) == [expected] * len(lengths)


@pytest.mark.parametrize(("more", "expected"), [(0, True), (1, False)])
def test_what_is_longer_than_a_cut_was_not_cut(more: int, expected: bool) -> None:
    whole = bytes(12) + b"\x08\x00" + v4(bytes(111 + more - 34), protocol=253)
    for frames in ([whole, LONG[:111], LONG[:111]], [LONG[:111], LONG[:111], whole]):
        packets = decode_all(frames, sliced="auto")
        names = [anomaly_of(row) for row in packets.records[:3]]
        assert names.count("ipv4_truncated") == (0 if expected else 2)


@pytest.mark.parametrize(("cuts", "others", "expected"), [
    (63, 0, False), (64, 0, True), (64, 6, True), (64, 7, False), (70, 7, True)])
def test_many_cuts_prove_a_device_beside_longer_frames(
    cuts: int, others: int, expected: bool
) -> None:
    """Ten times as many as at other lengths."""
    whole = bytes(12) + b"\x08\x00" + v4(bytes(900), protocol=253)
    lengths = [111] * cuts + [300 + number for number in range(others)]
    packets = decode_all([whole, *(LONG[:length] for length in lengths)], sliced="auto")
    names = [anomaly_of(row) for row in packets.records[1 : 1 + cuts]]
    assert names == ["sound" if expected else "ipv4_truncated"] * cuts


@pytest.mark.parametrize("lengths", [[111, 113], [113, 111, 115], [111, 113, 115, 117]])
def test_cuts_that_agree_in_no_length_prove_nothing(lengths: list[int]) -> None:
    assert not any(believed(lengths))


def test_the_length_that_most_have_stays() -> None:
    assert believed([113, 111, 111, 111])[1:] == [False] * 3  # another length came, too
    many = believed([113] + [111] * 80)
    assert many == [False] + [True] * 80


@pytest.mark.parametrize(("octets", "tagged", "expected"), [
    (92, True, True), (96, True, True), (96, False, True), (92, False, False), (93, True, False)])
def test_a_tag_that_the_kernel_took_out_was_in_the_frame_that_was_cut(
    octets: int, tagged: bool, expected: bool
) -> None:
    """92 octets and four of the tag: a device that cuts at 96; and 100 is a length, too."""
    options = {"vlan_tci": 7} if tagged else {}
    assert believed([octets], **options) == [expected]
