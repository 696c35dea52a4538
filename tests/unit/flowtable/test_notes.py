"""Notes: the packets that made a flow, and the ICMP errors that were counted with another one."""

from __future__ import annotations

from sensor.config import Config
from sensor.decode import Decoder
from sensor.flowtable.constants import MADE_FLOW, QUOTES_FLOW
from sensor.flowtable.table import FlowTable
from sensor.model.packets import PacketBatch
from tests.conversation import ROOMY, Talk
from tests.memory_capture import MemoryCapture


def notes_of(talk: Talk, batch: int, note: bool = True) -> list[tuple[int, int]]:
    """The ordinals of packets and what was noted of them, whatever the batches."""
    table = FlowTable(ROOMY, note=note)
    decoder, packets, ordinal = Decoder(Config(flow=ROOMY)), PacketBatch(), 0
    found: list[int] = []
    for frames in MemoryCapture(talk.frames, batch_frames=batch):
        decoder.decode(frames, packets)
        packets.ordinal = ordinal
        ordinal += packets.count
        assert table.advance(packets)
        found += table.take_notes().tolist()
    assert table.drain()
    found += table.take_notes().tolist()
    return [(number >> 1, number & 1) for number in found]


def story() -> Talk:
    talk = Talk()
    talk.client.syn(0)
    talk.server.unreachable(0.1, 3, 1, talk.client.sent(0))
    talk.client.syn(1)
    talk.client.udp(2)
    talk.server.udp(2.1)
    return talk


def test_what_made_a_flow_and_what_quotes_one_is_noted_however_it_is_cut() -> None:
    for batch in (1, 2, 3, 512):
        assert notes_of(story(), batch) == [(0, MADE_FLOW), (1, QUOTES_FLOW), (3, MADE_FLOW)]


def test_an_error_that_quotes_an_unknown_flow_makes_one() -> None:
    talk = story()
    del talk.frames[0], talk.frames[1:]
    assert notes_of(talk, 1) == [(0, MADE_FLOW)]


def test_nothing_is_noted_unless_somebody_asks() -> None:
    assert notes_of(story(), 1, note=False) == []
