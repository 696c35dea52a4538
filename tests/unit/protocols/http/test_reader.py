"""One direction as messages: limits, empty lines, and where the next one is looked for."""

from __future__ import annotations

import pytest

from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from sensor.protocols.http import framing
from sensor.protocols.http.framing import Framing
from sensor.protocols.http.message import Message
from sensor.protocols.http.reader import (
    CHUNK_LINE_MAX,
    HEAD_MAX,
    SOUGHT_LINE_MAX,
    SOUGHT_MAX,
    Reader,
)

HEAD = b"HTTP/1.1 200 OK\r\nServer: a\r\n\r\n"
ASKED = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


class Owner:
    """Has all bodies end alike, and keeps the messages."""

    def __init__(self, kind: int = framing.NONE, length: int = 0) -> None:
        self.framing = Framing(kind, length)
        self.ended: list[Message] = []

    def begin(self, side: int, message: Message) -> Framing:
        return self.framing

    def end(self, side: int, message: Message) -> None:
        self.ended.append(message)


def read(octets: bytes, owner: Owner, *, side: int = SERVER, size: int = 1 << 20) -> Reader:
    reader = Reader(side, owner)
    for at in range(0, len(octets), size):
        reader.feed(octets[at : at + size], Moment(at, at + 1))
    return reader


def bodies(octets: bytes, kind: int, length: int = 0) -> list[bytes]:
    """The bodies of messages, the same whole and octet by octet."""
    whole, single = Owner(kind, length), Owner(kind, length)
    read(octets, whole)
    read(octets, single, size=1)
    found = [bytes(message.body) for message in whole.ended]
    assert [bytes(message.body) for message in single.ended] == found
    return found


def test_lengths_and_chunks() -> None:
    three = HEAD + b"abc" + HEAD + b"def" + HEAD + b"g"
    assert bodies(three, framing.LENGTH, 3) == [b"abc", b"def"]
    chunked = HEAD + b"3 ;x\r\nabc\r\n2\nde\n0\r\n\r\n"
    assert bodies(chunked * 2, framing.CHUNKED) == [b"abcde"] * 2


def test_moments_are_those_of_its_octets() -> None:
    owner = Owner(framing.LENGTH, 3)
    read(b"\r\n" + HEAD + b"abc", owner, size=1)
    (message,) = owner.ended
    assert (message.first.frame, message.head_at.frame) == (3, 2 + len(HEAD))
    assert message.last.frame == 2 + len(HEAD) + 3
    assert (message.octets, message.body_octets) == (len(HEAD) + 3, 3)


def test_empty_lines_and_bare_ones() -> None:
    """RFC 9112 2.2."""
    owner = Owner()
    read(b"\r\n\n" + ASKED + b"\r\n" + b"GET /y HTTP/1.1\nHost: a\n\n", owner, side=CLIENT, size=1)
    assert [message.target for message in owner.ended] == [b"/x", b"/y"]


@pytest.mark.parametrize("size", [997, 1 << 20])
def test_a_head_has_a_limit(size: int) -> None:
    for fill, count in ((HEAD_MAX - len(HEAD), 1), (HEAD_MAX - len(HEAD) + 1, 0)):
        owner = Owner()
        reader = read(HEAD[:-2] + b"B: " + b"c" * (fill - 5) + b"\r\n\r\n", owner, size=size)
        assert len(owner.ended) == count
        assert reader.is_stopped is not bool(count)


@pytest.mark.parametrize("rest", [
    b"\r\n", b"-1\r\n", b"g\r\n", b"1" * 16 + b"\r\n", b" \r\n", b"0" * CHUNK_LINE_MAX + b"\r\n",
    b"1\r\nab\r\n", b"1\r\na\rb", b"0\r\n" + b"a: b\r\n" * HEAD_MAX,
])
def test_chunks_that_are_none_end_it(rest: bytes) -> None:
    for size in (1 if len(rest) < CHUNK_LINE_MAX else 997, 1 << 20):
        owner = Owner(framing.CHUNKED)
        assert read(HEAD + rest, owner, size=size).is_stopped
        (message,) = owner.ended
        assert "chunk_invalid" in message.anomalies and not message.is_complete


def test_missing_octets_of_known_bodies_are_counted() -> None:
    for kind, begin in ((framing.LENGTH, b"ab"), (framing.CHUNKED, b"9\r\nab")):
        owner = Owner(kind, 9)
        reader = read(HEAD + begin, owner)
        assert reader.gap(5, Moment(1))
        reader.feed(b"hi" + (b"\r\n0\r\n\r\n" if kind == framing.CHUNKED else b""), Moment(2))
        (message,) = owner.ended
        assert (bytes(message.body), message.body_octets) == (b"ab", 9)
        assert message.is_complete and list(message.anomalies) == ["gap"]


def test_a_gap_to_the_end_of_a_body_or_beyond_is_not() -> None:
    for count in (7, 8):
        owner = Owner(framing.LENGTH, 9)
        reader = read(HEAD + b"ab", owner)
        assert not reader.gap(count, Moment(1))
        (message,) = owner.ended
        assert (message.body_octets, message.is_complete) == (9, False)


@pytest.mark.parametrize("before", [
    b"", b"</html>", b"HTTP/1.1 x\n", b"\n" * 9,
    b"x" * SOUGHT_LINE_MAX + b"HTTP/1.1 300 No\r\n\r\n",
])
def test_the_next_message_is_found(before: bytes) -> None:
    for size in (1, 1 << 20):
        owner = Owner()
        reader = Reader(SERVER, owner)
        reader.gap(1, Moment(0))
        octets = before + HEAD
        for at in range(0, len(octets), size):
            reader.feed(octets[at : at + size], Moment(1))
        assert [message.status for message in owner.ended] == [200]


def test_none_is_looked_for_without_end() -> None:
    reader = Reader(CLIENT, Owner())
    reader.gap(1, Moment(0))
    reader.feed(b"GET /\n" * (SOUGHT_MAX // 6), Moment(1))
    assert not reader.is_stopped
    reader.feed(b"x\n" * 8, Moment(1))
    assert reader.is_stopped


def test_the_end() -> None:
    for kind, is_complete in ((framing.CLOSE, True), (framing.LENGTH, False)):
        owner = Owner(kind, 5)
        reader = read(HEAD + b"abc", owner)
        reader.close()
        reader.close()
        (message,) = owner.ended
        assert (bytes(message.body), message.is_complete) == (b"abc", is_complete)


@pytest.mark.parametrize("excess", [b"a body to HEAD", b"<p>\r\n</p>\r\n", b"of old\n", b"\0" * 9])
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_behind_a_response_that_is_too_long_the_next_is_found(excess: bytes, size: int) -> None:
    owner = Owner()
    reader = read(HEAD + excess + HEAD + HEAD, owner, size=size)
    assert [list(message.anomalies) for message in owner.ended] == [[], ["excess_octets"], []]
    assert [message.raw for message in owner.ended] == [HEAD] * 3
    assert not reader.is_stopped


def test_nothing_is_looked_for_where_nothing_was_read_or_a_client_speaks() -> None:
    assert read(b"no HTTP\r\n" + HEAD, Owner()).is_stopped
    assert read(ASKED + b"\0\0\r\n" + ASKED, Owner(), side=CLIENT).is_stopped


def test_of_excess_no_more_than_a_bound_is_looked_at() -> None:
    line = b"x" * 1000 + b"\n"
    assert read(HEAD + line * (SOUGHT_MAX // 1000 + 2), Owner()).is_stopped
