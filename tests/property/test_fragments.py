"""Any traffic in fragments tells what the same traffic tells in whole packets."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from sensor.config import Config
from sensor.model.flow import FLOW_ENDED
from tests.conversation import Frames, play
from tests.evidence import cut
from tests.examples import examples
from tests.fragmenting import fragments_of
from tests.memory_capture import MemoryCapture
from tests.random_traffic import printed, random_frames, random_options
from tests.running import SMALL, Run

SEEDS = st.integers(0, 2**40)
AS_MANY = examples(80)
EARLY = {"action", "verdict", "evidence", "confidence", "known_ns", "orig_port", "resp_port"}
NOT_TOLD = {"packets", "bytes", "first_ns", "last_ns", "decided_frame", "missed_bytes",
            "next_seq", "state"}  # fmt: skip
"""Members that depend on how packets were cut; what is missing of segments out of window, too."""


def is_cut_alike(octets: bytes) -> bool:
    """Whether a packet means the same in fragments: an ICMP error is not to be cut at all."""
    if octets[12:14] == b"\x08\0":
        return octets[23] != 1 or octets[34] not in (3, 11)
    return octets[12:14] == b"\x86\xdd" and (octets[20] != 58 or octets[54] >= 128)


def tcp_of(octets: bytes) -> tuple[int, int]:
    """Where the addresses and where the TCP header start; 0, 0 for another packet."""
    if octets[12:14] == b"\x08\0" and octets[23:24] == b"\x06":
        return 26, 34
    return (22, 54) if octets[12:14] == b"\x86\xdd" and octets[20:21] == b"\x06" else (0, 0)


def shut_windows(frames: Frames) -> set[bytes]:
    """What the segments to a receiver start with that has said that it takes nothing.

    Of a segment beyond a window the whole is judged by its first octet, each part by its own.
    """
    found = set()
    for _, octets in frames:
        addresses, at = tcp_of(octets)
        if at and octets[at + 14 : at + 16] == bytes(2):
            half = (at - addresses) // 2
            found.add(octets[addresses + half : at] + octets[addresses : addresses + half]
                      + octets[at + 2 : at + 4] + octets[at : at + 2])  # fmt: skip
    return found


def in_fragments(seed: int, frames: Frames, *, mixed: bool) -> Frames:
    """Packets cut at random places; `mixed`: the fragments of one in random order."""
    chance = random.Random(seed)
    cut: Frames = []
    shut = shut_windows(frames)
    for number, (time, octets) in enumerate(frames):
        size = len(octets) - (34 if octets[12:14] == b"\x08\0" else 54)
        pieces = [octets]
        addresses, at = tcp_of(octets)
        is_open = at == 0 or octets[addresses : at + 4] not in shut
        if size > 8 and is_cut_alike(octets) and is_open and chance.random() < 0.6:
            places = sorted(chance.sample(range(8, size, 8), min(3, len(range(8, size, 8)))))
            pieces = fragments_of(octets, places[: chance.randint(1, 3)], number & 0xFFFF)
        if mixed:
            chance.shuffle(pieces)
        cut += [(time, piece) for piece in pieces]
    return cut


def story(run: Run) -> list[dict[str, Any]]:
    """All of final records; of what became known before, at a first fragment, what it was."""
    return [
        {name: row[name].tolist() for name in row.dtype.names
         if name not in NOT_TOLD and (row["action"] == FLOW_ENDED or name in EARLY)}
        for row in run.rows
    ]  # fmt: skip


@AS_MANY
@example(seed=29541, mixed=False)  # a lone RST in several fragments closes no connection
@given(seed=SEEDS, mixed=st.booleans())
def test_fragments_tell_what_whole_packets_tell(seed: int, mixed: bool) -> None:
    frames = random_frames(seed)
    options = {**random_options(seed), "duplicates": False, "limits": SMALL}
    plain = play(frames, **options)
    run = play(in_fragments(seed, frames, mixed=mixed), **options)
    assert story(run) == story(plain)
    assert set(run.ledger["anomalies"]) <= {"ip_tiny_fragment"}


@AS_MANY
@given(seed=SEEDS, sizes=st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_the_cut_into_batches_never_shows_in_fragments(seed: int, sizes: list[int]) -> None:
    frames = in_fragments(seed, random_frames(seed, sound=seed % 2 == 0), mixed=True)
    options = random_options(seed)
    whole = play(frames, **options)
    assert printed(play(frames, batch=sizes, **options)) == printed(whole)
    assert printed(play(frames, **{**options, "seed": 99})) == printed(whole)


@examples(60)
@given(seed=SEEDS, sizes=st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_every_fragment_is_in_the_evidence_of_its_flow(seed: int, sizes: list[int]) -> None:
    """Nothing is missing of any packet, so that each has a flow: whatever came first, and late."""
    frames = in_fragments(seed, random_frames(seed), mixed=True)
    names = [record["flow"]["id"] for record in play(frames, limits=SMALL).records]
    found = cut(MemoryCapture(frames, batch_frames=sizes), names, Config(flow=SMALL))
    numbers = {frame.number for some in found.values() for frame in some}
    assert numbers == set(range(1, len(frames) + 1))
    assert all(some == sorted(some, key=lambda frame: frame.number) for some in found.values())
