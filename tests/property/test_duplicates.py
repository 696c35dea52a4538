"""A capture in which every packet is there twice tells what the plain one tells."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conversation import RST, Frames, Talk, checksum, play
from tests.examples import examples
from tests.property.test_fragments import in_fragments
from tests.random_traffic import random_frames, random_options
from tests.running import Run

SEEDS = st.integers(0, 2**40)
AS_MANY = examples(80)
WINDOW_NS = 1_000_000
"""Without an IPv4 identification copies are at most so far apart."""


def elsewhere(octets: bytes, chance: random.Random) -> bytes:
    """The frame as a second mirror port shows it: behind a router, in a VLAN, or unchanged."""
    fate = chance.randrange(4)
    if fate == 0:
        return octets
    if fate == 1:
        return octets[:12] + b"\x81\x00\x00\x07" + octets[12:]
    link, packet = bytes(12 - fate) + octets[12 - fate :], b""
    at = 18 if octets[12:14] == b"\x81\0" else 14
    link, packet = link[:at], octets[at:]
    if packet[0] >> 4 == 4:
        head = packet[:8] + bytes([packet[8] - 1]) + packet[9:10] + b"\0\0" + packet[12:20]
        packet = head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + packet[20:]
    else:
        packet = packet[:7] + bytes([packet[7] - 1]) + packet[8:]
    return link + packet


def plain_frames(seeds: Iterable[int]) -> Frames:
    """Random traffic in which no two packets are equal, and none lacks what tells it from others.

    A RST without an identification may be one of several that are equal.
    """
    packets: dict[bytes, tuple[int, bytes]] = {}
    for seed in seeds:
        for time, octets in random_frames(seed):
            packet = octets[18:] if octets[12:14] == b"\x81\0" else octets[14:]
            if packet[0] >> 4 == 4 or packet[6] != 6 or not packet[53] & RST:
                packets.setdefault(packet, (time, octets))
    # A time that runs backwards would say when copies are due.
    return sorted(packets.values(), key=lambda frame: frame[0])


def doubled(seed: int, frames: Frames, *, late: bool) -> Frames:
    """Every frame twice; `late`: the copies come up to a millisecond later, between others."""
    chance = random.Random(seed)
    both: Frames = []
    copies: Frames = []
    for time, octets in frames:
        while copies and copies[0][0] <= time:
            both.append(copies.pop(0))
        both.append((time, octets))
        lag = chance.randrange(WINDOW_NS) if late else 0
        copies.append((time + lag, elsewhere(octets, chance)))
        copies.sort(key=lambda copy: copy[0])
    return both + copies


UNLIKE = {"vlan_outer", "vlan_inner", "decided_frame", "known_ns"}
"""The last copy comes after the last packet: then the capture is over a little later."""

WHOSE = (
    "first_ns", "protocol", "orig_hi", "orig_lo", "resp_hi", "resp_lo", "orig_port", "resp_port"
)  # fmt: skip


def story(run: Run) -> list[dict[str, Any]]:
    """The events of each flow in their order.

    Not the order among flows: what is due between the last packet and its copy is told before the
    end of the capture then, and at its end without the copy.
    """
    told = [
        {name: row[name].tolist() for name in row.dtype.names if name not in UNLIKE}
        for row in run.rows
    ]
    return sorted(told, key=lambda row: [row[name] for name in WHOSE])


@AS_MANY
@given(seed=SEEDS, late=st.booleans(), cut=st.booleans())
def test_every_packet_twice_tells_the_same(seed: int, late: bool, cut: bool) -> None:
    frames = plain_frames([seed])
    if cut:
        frames = in_fragments(seed, frames, mixed=False)
    options = {**random_options(seed), "duplicates": True, "key_vlan": False}
    plain = play(frames, **options)
    run = play(doubled(seed, frames, late=late), **options)
    assert story(run) == story(plain)
    assert run.ledger["duplicates"] == plain.ledger["duplicates"] + len(frames)
    assert run.ledger["fragments"] == plain.ledger["fragments"]


def test_kept_copies_are_packets_like_others() -> None:
    frames = plain_frames([3])
    run = play(doubled(3, frames, late=False), duplicates=False)
    assert run.ledger["duplicates"] == 0
    told = sum(record["network"]["packets"] for record in run.records)
    assert told == 2 * len(frames) - run.ledger["icmp_errors"] - run.ledger["late"]


@pytest.mark.parametrize("lag", [1, 10, 100, 1_000])
def test_copies_are_found_after_many_other_packets(lag: int) -> None:
    """Of one packet per microsecond, each comes again after `lag` others."""
    talk = Talk()
    for number in range(5_000):
        talk.client.udp(number / 1_000_000)
    late = [(time + lag * 1_000 - 500, octets) for time, octets in talk.frames]
    run = play(sorted(talk.frames + late))
    assert run.ledger["duplicates"] == 5_000
    assert run.records[0]["network"]["packets"] == 5_000
