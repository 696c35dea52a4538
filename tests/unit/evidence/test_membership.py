"""Which frames belong to a flow: successors with the same key, late ones, copies, errors."""

from __future__ import annotations

import pytest

from sensor.config import Config
from tests.conversation import ROOMY, Talk
from tests.evidence import cut, flow_ids
from tests.memory_capture import MemoryCapture

HOUR_S = 3600.0


def numbers(talk: Talk, batch: int = 512, config: Config | None = None) -> list[list[int]]:
    """The numbers of the frames of each flow, in the order of the flows' first ones."""
    def capture() -> MemoryCapture:
        return MemoryCapture(talk.frames, batch_frames=batch, file="talk")

    found = cut(capture(), flow_ids(capture(), limits=ROOMY), config or Config(flow=ROOMY))
    return sorted([frame.number for frame in frames] for frames in found.values())


def two_with_one_key() -> Talk:
    talk = Talk()
    talk.handshake(0)
    talk.client.data(0.1)
    talk.close(0.2)
    talk.server.fin(1)  # late: sent again, as its answer got lost
    talk.client.syn(30, isn=77_000_000)
    talk.server.isn = talk.server.next = 9_000_000
    talk.server.synack(30.01)
    talk.client.ack(30.02)
    talk.again(at=30.021)
    return talk


@pytest.mark.parametrize("batch", [1, 2, 3, 512])
def test_a_second_flow_with_the_same_key_has_its_own_frames(batch: int) -> None:
    assert numbers(two_with_one_key(), batch) == [[1, 2, 3, 4, 5, 6, 7, 8], [9, 10, 11, 12]]


def test_only_the_flows_that_are_wanted_are_cut() -> None:
    talk = two_with_one_key()
    names = flow_ids(MemoryCapture(talk.frames), limits=ROOMY)
    for name in names:
        found = cut(MemoryCapture(talk.frames), [name], Config(flow=ROOMY))
        assert list(found) == [name]
    assert cut(MemoryCapture(talk.frames), ["0" * 32], Config(flow=ROOMY)) == {}


@pytest.mark.parametrize("batch", [1, 512])
def test_an_icmp_error_belongs_to_the_flow_that_it_quotes_also_when_that_is_over(
    batch: int
) -> None:
    talk = Talk(ports=(40_000, 9_999))
    talk.client.udp(0)
    talk.server.unreachable(0.1, 3, 3, talk.client.sent(0))
    talk.again(at=0.1001)
    talk.server.unreachable(HOUR_S / 2, 3, 3, talk.client.sent(0))  # of both: it has its own flow
    assert numbers(talk, batch) == [[1, 2, 3, 4], [4]]


@pytest.mark.parametrize("batch", [1, 4, 512])
def test_a_frame_that_is_held_back_for_its_time_is_in_its_place(batch: int) -> None:
    talk = Talk()
    talk.handshake(0)
    talk.client.data(3 * HOUR_S)  # dated far ahead of the one before: the next one decides
    talk.client.data(0.2)
    talk.client.data(0.3)
    assert numbers(talk, batch) == [[1, 2, 3, 4, 5, 6]]


def test_vlans_separate_flows_where_they_are_part_of_the_key() -> None:
    talks = [Talk(vlan=vlan) for vlan in (10, 20)]
    for talk in talks:
        talk.client.udp(0)
        talk.server.unreachable(0.1, 3, 3, talk.client.sent(0))
    both = Talk()
    both.frames = [talks[0].frames[0], talks[1].frames[0], talks[0].frames[1], talks[1].frames[1]]
    config = Config(flow=ROOMY, key_vlan=True)
    ids = flow_ids(MemoryCapture(both.frames), limits=ROOMY, key_vlan=True)
    found = cut(MemoryCapture(both.frames), ids, config)
    assert sorted([frame.number for frame in frames] for frames in found.values()) == [
        [1, 3], [2, 4]]
