"""Segments: each payload of a followed flow with what its numbers mean, and the flow's end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sensor.config import Config, FlowLimits
from sensor.decode import Decoder
from sensor.flowtable.constants import SEGMENT_BYTES, SEGMENTS_MAX
from sensor.flowtable.table import FlowTable
from sensor.model.packets import PacketBatch
from sensor.model.segments import SEGMENT_DATA, SEGMENT_END, Segments
from sensor.streams.selection import Selection
from tests.conversation import ACK, RST, SYN, Talk, merged, time_ns
from tests.memory_capture import MemoryCapture
from tests.unit.flowtable.stories import bystander

SSH = (40_000, 22)
LIMITS = FlowLimits(flows_max=100)


@dataclass
class Told:
    """A segment, its payload, and its flow as it was then."""

    row: Any
    octets: bytes
    flow: Any


def taken(frames: Any, batch: int = 512, *, pressed: bool = False) -> Iterator[Segments]:
    """The segments of flows with port 22 as the table gives them, in portions.

    `pressed`: only where it goes no further before they are taken.
    """
    table = FlowTable(LIMITS, follow=True, duplicates=False)
    chosen = Selection((22,), (22,), ())
    decoder = Decoder(Config(duplicates=False))
    for frame_batch in MemoryCapture(frames, batch_frames=batch):
        packets = PacketBatch(batch)
        decoder.decode(frame_batch, packets)
        table.prepare(packets)
        chosen.select(frame_batch, packets)
        done = False
        while not done:
            done = table.advance(packets)
            table.take()
            if pressed and done:
                continue
            if (some := table.take_segments()) is not None:
                yield some
    done = False
    while not done:
        done = table.drain()
        table.take()
        if (some := table.take_segments()) is not None:
            yield some


def told(*talks: Talk, batch: int = 512) -> list[Told]:
    frames = talks[0].frames if len(talks) == 1 else merged(*talks)
    return [Told(row, some.octets[row["offset"] :][: row["captured"]], flow)
            for some in taken(frames, batch)
            for row, flow in zip(some.records, some.flows, strict=True)]  # fmt: skip


def session() -> Talk:
    talk = Talk(ports=SSH)
    talk.handshake()
    talk.server.data(0.1, b"SSH-2.0-a\r\n")
    talk.client.data(0.2, b"SSH-2.0-bc\r\n")
    talk.client.ack(0.3)
    talk.server.data(0.4, b"keys")
    talk.server.rst(0.5)
    return talk


@pytest.mark.parametrize("batch", [1, 3, 512])
def test_payloads_in_their_order_and_the_end(batch: int) -> None:
    talk = session()
    segments = told(talk, batch=batch)
    rows = [one.row for one in segments]
    assert [one.octets for one in segments] == [b"SSH-2.0-a\r\n", b"SSH-2.0-bc\r\n", b"keys", b""]
    assert [row["kind"] for row in rows] == [SEGMENT_DATA] * 3 + [SEGMENT_END]
    assert [row["side"] for row in rows[:3]] == [1, 0, 1]
    assert [row["frame"] for row in rows[:3]] == [4, 5, 7]
    assert [row["bytes"] for row in rows] == [11, 12, 4, 0]
    assert [row["time_ns"] for row in rows] == [time_ns(at) for at in (0.1, 0.2, 0.4, 0.5)]
    assert [row["known_ns"] for row in rows[:3]] == [time_ns(at) for at in (0.1, 0.2, 0.4)]
    server, client = talk.server.isn, talk.client.isn
    assert [row["seq"] for row in rows[:3]] == [server + 1, client + 1, server + 12]
    assert [row["isn"] for row in rows[:3]] == [server, client, server]
    assert [row["acked"] for row in rows[:3]] == [server + 1, client + 1, server + 12]
    assert all(row["has_isn"] and row["has_acked"] for row in rows[:3])
    assert not any(rows[3][name] for name in ("has_isn", "has_acked", "frame", "seq", "offset"))
    assert {(int(row["slot"]), int(row["turned"])) for row in rows} == {(0, 0)}
    assert [int(one.flow["packets"].sum()) for one in segments] == [4, 5, 7, 8]
    assert [one.flow["orig_port"] for one in segments] == [40_000] * 4


@pytest.mark.parametrize(("seen", "known"), [
    ((0, 1, 2), (True, True)), ((0, 2), (True, False)), ((1, 2), (False, True)),
    ((2,), (False, False)), ((), (False, False))])
def test_the_number_of_a_syn_is_that_of_one_that_was_seen(
    seen: tuple[int, ...], known: tuple[bool, bool]
) -> None:
    talk = session()
    talk.frames = [talk.frames[which] for which in seen] + talk.frames[3:5]
    server, client, _ = told(talk)
    assert (bool(client.row["has_isn"]), bool(server.row["has_isn"])) == known
    for one, side, has in ((client, talk.client, known[0]), (server, talk.server, known[1])):
        assert not has or one.row["isn"] == side.isn


def test_both_may_open_a_connection() -> None:
    talk = Talk(ports=SSH)
    talk.client.syn(0)
    talk.server.syn(0.01)
    talk.client.data(0.1, b"a")
    talk.server.data(0.2, b"b")
    rows = [one.row for one in told(talk)]
    assert [row["isn"] for row in rows[:2]] == [talk.client.isn, talk.server.isn]
    assert [bool(row["has_isn"]) for row in rows] == [True, True, False]


def test_what_a_receiver_acknowledged_is_known_when_it_did() -> None:
    talk = Talk(ports=SSH)
    talk.client.segment(0, 0, b"first")  # whoever sends this acknowledges nothing
    talk.server.segment(0.1, 0, b"second")
    talk.server.ack(0.2)
    talk.client.data(0.3, b"third")
    talk.server.data(0.4, b"fourth")
    rows = [one.row for one in told(talk)]
    assert [bool(row["has_acked"]) for row in rows] == [False, False, True, True, False]
    assert [row["acked"] for row in rows[2:4]] == [talk.client.isn + 5, talk.server.isn + 6]


def test_datagrams_have_no_numbers() -> None:
    talk = Talk(ports=SSH)
    talk.client.udp(0, b"one")
    talk.server.udp(1, b"two")
    segments = told(talk)
    assert [one.octets for one in segments] == [b"one", b"two", b""]
    assert [one.row["side"] for one in segments] == [0, 1, 0]
    assert not any(one.row[name] for one in segments for name in ("has_isn", "has_acked"))


def test_a_flow_that_is_turned_round_keeps_its_sides() -> None:
    """Of the first payload the ports tell that it is the server's; a SYN-ACK tells better."""
    talk = Talk(ports=SSH[::-1])
    talk.handshake()
    talk.client.data(0.1, b"mine")
    talk.server.data(0.2, b"yours")
    talk.frames = [talk.frames[3], talk.frames[1], talk.frames[4]]
    segments = told(talk)
    assert [one.octets for one in segments] == [b"mine", b"yours", b""]
    assert [int(one.row["turned"]) for one in segments] == [0, 1, 1]
    assert segments[0].row["side"] == 1 != segments[1].row["side"]
    assert [one.flow["orig_port"] for one in segments] == [40_000, 22, 22]


def test_of_a_payload_that_was_cut_there_is_what_was_captured() -> None:
    cut = [(time, octets[:60], len(octets)) for time, octets in session().frames]
    some, _ = taken(cut)
    assert some.records["captured"].tolist() == [6, 6, 4]
    assert some.records["bytes"].tolist() == [11, 12, 4]
    assert some.octets == b"SSH-2.SSH-2.keys"


def test_only_what_was_chosen_is_followed() -> None:
    other = Talk(ports=(40_000, 23))
    other.handshake()
    other.server.data(0.15, b"SSH-2.0-a\r\n")
    assert [one.octets for one in told(session(), other)] == [
        one.octets for one in told(session())]
    silent = Talk(ports=SSH)
    silent.handshake()
    silent.close(1)
    assert told(silent) == []


def test_the_end_is_known_when_the_flow_times_out() -> None:
    """With the time of its last packet, and in its place another flow may be followed then."""
    talk = session()
    again = Talk(ports=(41_000, 22))
    again.handshake(100)
    again.client.data(100.1, b"new")
    segments = told(talk, again, bystander(50))
    end = segments[3].row
    assert (int(end["kind"]), int(end["time_ns"])) == (SEGMENT_END, time_ns(0.5))
    assert time_ns(5.5) <= int(end["known_ns"]) <= time_ns(5.6)
    assert [one.octets for one in segments[4:]] == [b"new", b""]
    assert segments[4].row["known_ns"] == time_ns(100.1)


def test_whoever_has_enough_of_a_flow_gets_no_more_of_it() -> None:
    table, chosen = FlowTable(LIMITS, follow=True), Selection((22,), (22,), ())
    kinds: list[int] = []
    for frames in MemoryCapture(session().frames, batch_frames=1):
        packets = PacketBatch(1)
        Decoder().decode(frames, packets)
        table.prepare(packets)
        chosen.select(frames, packets)
        assert table.advance(packets)
        if (some := table.take_segments()) is not None:
            kinds += some.records["kind"].tolist()
            table.follow_no_more(int(some.records["slot"][0]))
    assert table.drain()
    if (some := table.take_segments()) is not None:
        kinds += some.records["kind"].tolist()
    assert kinds == [SEGMENT_DATA, SEGMENT_END]


@pytest.mark.parametrize(("size", "count"), [(1, 3 * SEGMENTS_MAX), (60_000, 150)])
def test_more_segments_or_octets_than_are_held_at_once(size: int, count: int) -> None:
    """They come in portions, each of which has room in front of its next packet."""
    talk = Talk(ports=SSH)
    talk.client.udp(0, bytes(size))
    (_, octets), = talk.frames
    frames = [(time_ns(number / 1e6), octets) for number in range(count)]
    portions = list(taken(frames, pressed=True))
    assert sum(len(one) for one in portions) == count + 1
    assert sum(len(one.octets) for one in portions) == count * size
    assert len(portions) > 2  # it was full more than once
    assert max(len(one) for one in portions) <= SEGMENTS_MAX
    assert max(len(one.octets) for one in portions) <= SEGMENT_BYTES
    for one in portions:
        rows = one.records[one.records["kind"] == SEGMENT_DATA]
        assert rows["offset"].tolist() == [number * size for number in range(len(rows))]
        assert set(rows["captured"].tolist()) <= {size}


@pytest.mark.parametrize("flags", [ACK, RST | ACK, SYN])
def test_payload_of_any_segment_is_given(flags: int) -> None:
    talk = Talk(ports=SSH)
    talk.client.segment(0, flags, b"early")
    assert [one.octets for one in told(talk)] == [b"early", b""]


@pytest.mark.parametrize("isn", [1_000, 0xFFFFFFFF])
def test_a_payload_in_a_syn_begins_behind_the_number_of_the_syn(isn: int) -> None:
    """RFC 9293 3.4, RFC 7413: what follows the handshake goes on behind it."""
    talk = Talk(ports=SSH, isns=(isn, 5_000))
    talk.client.syn(0.0, b"SSH-2.0-")
    talk.server.synack(0.1)
    talk.client.data(0.2, b"a\r\n")
    first, second, _ = told(talk)
    assert (first.octets, first.row["seq"]) == (b"SSH-2.0-", (isn + 1) & 0xFFFFFFFF)
    assert (second.octets, second.row["seq"]) == (b"a\r\n", (isn + 9) & 0xFFFFFFFF)
