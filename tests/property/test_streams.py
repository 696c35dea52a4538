"""However a connection is cut, mixed up and repeated, the same is said in it."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sensor.streams.reassembly import Reassembly
from tests.conversation import Frames, Talk, play
from tests.examples import examples
from tests.random_traffic import printed, random_frames, random_options

AS_MANY = examples(100)
SERVER_SAYS = b"hello\r\nSSH-2.0-OpenSSH_9.6 Debian\r\n\0\0\1\x14"
CLIENT_SAYS = b"SSH-2.0-PuTTY\r\n\0\0\1\x14"


def pieces_of(chance: random.Random, octets: bytes, most: int) -> list[tuple[int, bytes]]:
    """The octets in pieces, in any order, some of them twice or overlapping."""
    pieces, at = [], 0
    while at < len(octets):
        size = chance.randint(1, most)
        pieces.append((at, octets[at : at + size]))
        if chance.random() < 0.2:
            back = chance.randint(0, at)
            pieces.append((back, octets[back : at + size]))
        at += size
    if chance.random() < 0.7:
        chance.shuffle(pieces)
    return pieces


@AS_MANY
@given(seed=st.integers(0, 2**40), octets=st.binary(max_size=300), first=st.integers(0, 2**32 - 1))
def test_any_segments_give_the_octets(seed: int, octets: bytes, first: int) -> None:
    stream = Reassembly()
    stream.begin(first)
    found = b""
    for at, piece in pieces_of(random.Random(seed), octets, 40):
        for gap, ready in stream.add((first + at) & 0xFFFF_FFFF, piece):
            assert gap == 0
            found += ready
    assert found == octets
    assert (stream.conflicts, stream.waiting_bytes) == (0, 0)


@AS_MANY
@given(seed=st.integers(0, 2**40), octets=st.binary(min_size=1, max_size=300))
def test_what_is_lost_is_told_at_its_place(seed: int, octets: bytes) -> None:
    chance = random.Random(seed)
    stream = Reassembly()
    stream.begin(0)
    there = bytearray(len(octets))
    found: list[tuple[int, bytes]] = []
    for at, piece in pieces_of(chance, octets, 20):
        if chance.random() < 0.3:
            continue
        there[at : at + len(piece)] = b"\1" * len(piece)
        found += stream.add(at, piece)
    found += stream.finish()
    at = 0
    for gap, piece in found:
        assert not any(there[at : at + gap])
        at += gap
        assert piece == octets[at : at + len(piece)]
        assert all(there[at : at + len(piece)])
        at += len(piece)
    assert not any(there[at:])


def session(seed: int, most: int) -> Frames:
    """A session whose two sides speak in pieces."""
    chance = random.Random(seed)
    talk = Talk(ports=(40_000, 22), isns=(chance.randrange(1 << 32), chance.randrange(1 << 32)))
    talk.handshake()
    for start, side, octets in ((0.1, talk.server, SERVER_SAYS), (0.5, talk.client, CLIENT_SAYS)):
        first = side.next
        for number, (at, piece) in enumerate(pieces_of(chance, octets, most)):
            side.data(start + number / 1e4, piece, seq=(first + at) & 0xFFFF_FFFF)
        side.next = (first + len(octets)) & 0xFFFF_FFFF
    talk.close(1)
    return talk.frames


def what_was_said(frames: Frames, **options: Any) -> list[Any]:
    return [event["ssh"] for event in play(frames, duplicates=False, **options).said]


@AS_MANY
@given(seed=st.integers(0, 2**40), most=st.sampled_from([1, 3, 100]))
def test_any_cut_of_a_session_says_the_same(seed: int, most: int) -> None:
    assert what_was_said(session(seed, most)) == [{
        "client": {"protocol_version": "2.0", "software": "PuTTY"},
        "server": {"protocol_version": "2.0", "software": "OpenSSH_9.6", "comments": "Debian"},
    }]


@AS_MANY
@given(seed=st.integers(0, 2**40), sizes=st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_the_cut_into_batches_never_shows(seed: int, sizes: list[int]) -> None:
    frames = sorted([*session(seed, 10), *random_frames(seed)], key=lambda frame: frame[0])
    options = {**random_options(seed), "duplicates": False}
    whole = play(frames, **options)
    cut = play(frames, batch=sizes, handover_events=1, **options)
    assert cut.said == whole.said
    assert cut.order == whole.order
    assert printed(cut) == printed(whole)
