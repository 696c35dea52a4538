"""Captures that were cut anew hold the streams that they held, as scapy reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from tests.running import CAPTURES
from tests.segments import (
    Frame,
    Rewrite,
    begun_late,
    ended_early,
    joined,
    one_side,
    read,
    reordered,
    repeated,
    split,
    without,
    write,
)

NAMES = ("mirai", "busybox")
Streams = dict[tuple[int, int], bytes]


def frames_of(name: str) -> list[Frame]:
    return read(CAPTURES / f"sessions/{name}.pcap")


def streams(frames: list[Frame]) -> Streams:
    """What each side sent, put in place by its number, by the ports; a gap is left out."""
    first: dict[tuple[int, int], int] = {}
    parts: dict[tuple[int, int], dict[int, int]] = {}
    for frame in frames:
        packet = Ether(frame.octets)
        tcp = packet[TCP]
        size = packet[IP].len - packet[IP].ihl * 4 - tcp.dataofs * 4
        key = (tcp.sport, tcp.dport)
        start = first.setdefault(key, tcp.seq)
        for at, octet in enumerate(bytes(tcp.payload)[:size]):
            parts.setdefault(key, {})[(tcp.seq - start + at) & 0xFFFFFFFF] = octet
    return {key: bytes(octets[at] for at in sorted(octets)) for key, octets in parts.items()}


def checksums_hold(frames: list[Frame]) -> bool:
    for frame in frames:
        packet = Ether(frame.octets)
        told = packet[IP].chksum, packet[TCP].chksum
        del packet[IP].chksum, packet[TCP].chksum
        again = Ether(bytes(packet))
        if told != (again[IP].chksum, again[TCP].chksum):
            return False
    return True


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "rewrite",
    [split(1), split(7), joined(), lambda frames: reordered()(split(2)(frames)), repeated(3)],
    ids=["single", "sevens", "joined", "reordered", "repeated"],
)  # fmt: skip
def test_streams_stay(name: str, rewrite: Rewrite) -> None:
    before = frames_of(name)
    after = rewrite(before)
    assert streams(after) == streams(before)
    assert after != before
    assert [frame.time_ns for frame in after] == sorted(frame.time_ns for frame in after)
    assert checksums_hold(after)


def test_pieces_have_the_size_asked_for() -> None:
    sizes = {len(Ether(frame.octets)[TCP].payload) for frame in split(1)(frames_of("mirai"))}
    assert max(sizes) <= 6  # a bare acknowledgement is padded by nothing: scapy sees no more


def test_what_is_not_seen_is_missing() -> None:
    before = frames_of("busybox")
    whole = streams(before)
    client = streams(one_side(True)(before))
    assert client == {key: data for key, data in whole.items() if key[1] == 23}
    assert streams(one_side(False)(before)).keys().isdisjoint(client)
    for key, data in streams(without(True, [2])(before)).items():
        assert (len(data) < len(whole[key])) == (key[1] == 23 and key[0] != 53002)
    late, early = streams(begun_late(0.5)(before)), streams(ended_early(0.5)(before))
    assert all(whole[key].endswith(data) for key, data in late.items())
    assert all(whole[key].startswith(data) for key, data in early.items())


def test_written_as_read(tmp_path: Path) -> None:
    path = CAPTURES / "sessions/editing.pcap"
    write(tmp_path / "copy.pcap", read(path))
    assert (tmp_path / "copy.pcap").read_bytes() == path.read_bytes()
