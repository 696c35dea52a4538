"""Captures that were cut anew hold the streams that they held, as dpkt reads them."""

from __future__ import annotations

from pathlib import Path

import dpkt
import pytest

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


def ip_of(frame: Frame) -> dpkt.ip.IP:
    """The packet of a frame, all of which are TCP over IPv4 on Ethernet."""
    ip = dpkt.ethernet.Ethernet(frame.octets).data
    assert isinstance(ip, dpkt.ip.IP) and isinstance(ip.data, dpkt.tcp.TCP)
    return ip


def streams(frames: list[Frame]) -> Streams:
    """What each side sent, put in place by its number, by the ports; a gap is left out."""
    first: dict[tuple[int, int], int] = {}
    parts: dict[tuple[int, int], dict[int, int]] = {}
    for frame in frames:
        tcp = ip_of(frame).data
        key = (tcp.sport, tcp.dport)
        start = first.setdefault(key, tcp.seq)
        for at, octet in enumerate(tcp.data):
            parts.setdefault(key, {})[(tcp.seq - start + at) & 0xFFFFFFFF] = octet
    return {key: bytes(octets[at] for at in sorted(octets)) for key, octets in parts.items()}


def checksums_hold(frames: list[Frame]) -> bool:
    for frame in frames:
        ip = ip_of(frame)
        told = ip.sum, ip.data.sum
        ip.sum = ip.data.sum = 0  # dpkt computes what is zero
        again = dpkt.ip.IP(bytes(ip))
        if told != (again.sum, again.data.sum):
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
    sizes = {len(ip_of(frame).data.data) for frame in split(1)(frames_of("mirai"))}
    assert max(sizes) == 1


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
