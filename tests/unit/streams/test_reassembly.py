"""One direction of TCP: octets in order, each once, whatever the segments."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from sensor.streams.reassembly import AHEAD_MAX, PIECE_BYTES, WAITING_MAX, Piece, Reassembly

COMPARED_BYTES = 4096
TEXT = bytes(range(256)) * 4
FIRST = 0xFFFF_FF80  # the numbers wrap within the text


def number(offset: int) -> int:
    return (FIRST + offset) & 0xFFFF_FFFF


def given(stream: Reassembly, segments: Iterable[tuple[int, bytes]]) -> list[Piece]:
    return [piece for offset, octets in segments for piece in stream.add(number(offset), octets)]


def begun() -> Reassembly:
    stream = Reassembly()
    stream.begin(FIRST)
    return stream


def test_in_order_across_the_wrap() -> None:
    pieces = given(begun(), ((at, TEXT[at : at + 100]) for at in range(0, len(TEXT), 100)))
    assert b"".join(octets for _, octets in pieces) == TEXT
    assert {gap for gap, _ in pieces} == {0}


def test_the_first_segment_begins_the_stream_where_no_syn_did() -> None:
    assert given(Reassembly(), [(500, b"abc"), (503, b"d")]) == [(0, b"abc"), (0, b"d")]


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (2, 0, 1), (1, 2, 0), (0, 2, 1)])
def test_out_of_order(order: tuple[int, ...]) -> None:
    parts = [(0, b"one"), (3, b"two"), (6, b"three")]
    stream = begun()
    pieces = given(stream, [parts[i] for i in order])
    assert b"".join(octets for _, octets in pieces) == b"onetwothree"
    assert (stream.next, stream.waiting_bytes, stream.conflicts) == (11, 0, 0)


def test_what_is_repeated_is_cut() -> None:
    stream = begun()
    assert given(stream, [(0, b"abcd"), (0, b"abcd"), (2, b"cdef"), (1, b"bc")]) == [
        (0, b"abcd"), (0, b"ef")]
    assert stream.conflicts == 0


@pytest.mark.parametrize("segments", [
    [(0, b"abcd"), (0, b"abXd")],
    [(0, b"abcd"), (2, b"cXef")],
    [(4, b"efgh"), (0, b"abcdXf"), (8, b"i")],
    [(4, b"efgh"), (2, b"cdeXghij"), (0, b"ab")],
])
def test_the_first_octets_win_and_others_are_counted(segments: list[tuple[int, bytes]]) -> None:
    stream = begun()
    text = b"".join(octets for _, octets in given(stream, segments))
    assert text == b"abcdefghij"[: len(text)]
    assert len(text) >= 4
    assert stream.conflicts == 1


def test_old_octets_are_compared_as_far_back_as_some_are_kept() -> None:
    stream = begun()
    given(stream, [(at, bytes(1000)) for at in range(0, 20_000, 1000)])
    given(stream, [(19_000, b"X"), (20_000 - COMPARED_BYTES, b"X")])
    assert stream.conflicts == 2
    given(stream, [(20_000 - COMPARED_BYTES - 1, b"X"), (0, b"X")])
    assert stream.conflicts == 2
    given(stream, [(20_000, bytes(60_000)), (80_000 - COMPARED_BYTES, b"X"), (75_000, b"X")])
    assert stream.conflicts == 3


def test_what_the_receiver_acknowledged_and_nobody_saw_is_a_gap() -> None:
    stream = begun()
    assert given(stream, [(0, b"ab"), (5, b"fg")]) == [(0, b"ab")]
    assert list(stream.acknowledged(number(4))) == []  # the octet before "fg" may still come
    assert list(stream.acknowledged(number(5))) == [(3, b"fg")]
    assert stream.next == 7


def test_an_acknowledgement_closes_only_the_gaps_before_it() -> None:
    stream = begun()
    given(stream, [(2, b"c"), (4, b"e"), (9, b"j")])
    assert list(stream.acknowledged(number(6))) == [(2, b"c"), (1, b"e")]
    assert list(stream.finish()) == [(4, b"j")]


def test_an_acknowledgement_of_nothing_that_waits_is_nothing() -> None:
    assert list(Reassembly().acknowledged(5)) == []
    stream = begun()
    given(stream, [(0, b"ab")])
    assert list(stream.acknowledged(number(2))) == []


def test_at_the_end_everything_comes_with_its_gaps() -> None:
    stream = begun()
    given(stream, [(3, b"d"), (1, b"b")])
    assert list(stream.finish()) == [(1, b"b"), (1, b"d")]
    assert list(stream.finish()) == []


def test_what_waits_is_bounded() -> None:
    stream = begun()
    size = 1000
    fits = WAITING_MAX // (size + PIECE_BYTES)
    places = [1 + at * size for at in range(fits + 1)]
    pieces = given(stream, [(at, bytes(size)) for at in places[:-1]])
    assert pieces == []
    first, *rest = given(stream, [(places[-1], bytes(size))])
    assert first == (1, bytes(size))
    assert len(rest) == fits and stream.waiting_bytes == 0


def test_many_tiny_pieces_count_as_more_than_their_octets() -> None:
    stream = begun()
    for at in range(1, WAITING_MAX, 2):
        for _ in stream.add(number(at), b"x"):
            pass
        assert stream.waiting_bytes <= WAITING_MAX


def test_a_segment_far_ahead_belongs_elsewhere() -> None:
    stream = begun()
    assert given(stream, [(AHEAD_MAX + 1, b"x")]) == []
    assert (stream.waiting_bytes, stream.conflicts) == (0, 1)
    assert given(stream, [(AHEAD_MAX, b"x")]) == []
    assert stream.waiting_bytes == 1 + PIECE_BYTES


def test_a_segment_without_octets_is_nothing() -> None:
    stream = begun()
    assert given(stream, [(0, b""), (7, b""), (0, b"a")]) == [(0, b"a")]
