"""The loop over a batch: what each packet has of its frame."""

from __future__ import annotations

from tests.unit.decode.batches import decode_all, members_of
from tests.unit.decode.corpus import FRAMES, ethernet, ipv4

MACS = bytes(ethernet())[:12]

IPV4 = b"\x08\x00"


def test_the_batch_is_adopted() -> None:
    packets = decode_all([MACS + IPV4 + ipv4()])
    assert packets.count == 1


def test_an_empty_batch() -> None:
    assert decode_all([]).count == 0


def test_what_a_batch_sums_up() -> None:
    sound, cut = MACS + IPV4 + ipv4(), MACS + IPV4 + ipv4()[:-1]
    part = FRAMES["later_fragment"][1]
    packets = decode_all([sound])
    assert (packets.anomalous, packets.fragments) == (False, 0)
    packets = decode_all([sound, cut, part])
    assert (packets.anomalous, packets.fragments != 0) == (True, True)
    assert packets.wire_bytes == len(sound) + len(cut) + len(part)


def test_records_of_the_batch_before_leave_nothing() -> None:
    for name, (link, frame, _) in FRAMES.items():
        fresh, used = decode_all([frame], link), decode_all([frame], link, stale=0xA5)
        assert members_of(fresh.records[0]) == members_of(used.records[0]), name
