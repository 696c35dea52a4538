"""However a connection is cut, mixed up and repeated, the same is said in it."""

from __future__ import annotations

import random
import ssl
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sensor.ecs.field import put_at
from sensor.streams.reassembly import Reassembly
from tests.conversation import Frames, Talk, play
from tests.dns_messages import answer, framed, query
from tests.examples import examples
from tests.interpreted import load
from tests.random_traffic import printed, random_frames, random_options
from tests.unit.protocols.redis.recorded import LISTENING
from tests.unit.protocols.rlogin.test_analyzer import STORIES
from tests.unit.protocols.tls.handshakes import handshake, speakers, told

AS_MANY = examples(100)
FEW = examples(20)
INTERPRETED = load(("streams.reassembly",))["streams.reassembly"].Reassembly
"""Run from its source, beside the compiled one."""
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
@given(seed=st.integers(0, 2**40), octets=st.binary(max_size=300), first=st.integers(0, 2**32 - 1),
       kind=st.sampled_from([Reassembly, INTERPRETED]))
def test_any_segments_give_the_octets(seed: int, octets: bytes, first: int, kind: Any) -> None:
    stream = kind()
    stream.begin(first)
    found = b""
    for at, piece in pieces_of(random.Random(seed), octets, 40):
        for gap, ready in stream.add((first + at) & 0xFFFF_FFFF, piece):
            assert gap == 0
            found += ready
    assert found == octets
    assert (stream.conflicts, stream.waiting_bytes) == (0, 0)


@AS_MANY
@given(seed=st.integers(0, 2**40), octets=st.binary(min_size=1, max_size=300),
       kind=st.sampled_from([Reassembly, INTERPRETED]))
def test_what_is_lost_is_told_at_its_place(seed: int, octets: bytes, kind: Any) -> None:
    chance = random.Random(seed)
    stream = kind()
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


DNS_ASKED = framed(query(1, "a.example"), query(2, "b.example"), query(3, "c.example"))
DNS_ANSWERED = framed(answer(2, "b.example"), answer(1, "a.example"))
SSH = (("server", SERVER_SAYS), ("client", CLIENT_SAYS))
"""Who says what, in turn."""


def session(
    seed: int, most: int, *, port: int = 22, says: tuple[tuple[str, bytes], ...] = SSH,
    whole: int = 0,
) -> Frames:
    """A session whose two sides speak in pieces, behind so many octets that come first."""
    chance = random.Random(seed)
    talk = Talk(ports=(40_000, port), isns=(chance.randrange(1 << 32), chance.randrange(1 << 32)))
    talk.handshake()
    for start, (name, octets) in zip((0.1, 0.5), says, strict=True):
        side = talk.server if name == "server" else talk.client
        first = side.next
        if whole:
            side.data(start - 0.01, octets[:whole], seq=first)
        for number, (at, piece) in enumerate(pieces_of(chance, octets[whole:], most)):
            side.data(start + number / 1e4, piece, seq=(first + whole + at) & 0xFFFF_FFFF)
        side.next = (first + len(octets)) & 0xFFFF_FFFF
    talk.close(1)
    return talk.frames


def as_objects(fields: dict[str, Any]) -> dict[str, Any]:
    """The document that dotted names make."""
    document: dict[str, Any] = {}
    for name, value in fields.items():
        put_at(document, name, value)
    return document


def what_was_said(frames: Frames, **options: Any) -> list[Any]:
    return [event["ssh"] for event in play(frames, duplicates=False, **options).said]


@AS_MANY
@given(seed=st.integers(0, 2**40), most=st.sampled_from([1, 3, 100]))
def test_any_cut_of_a_session_says_the_same(seed: int, most: int) -> None:
    assert what_was_said(session(seed, most)) == [{
        "client": {"protocol_version": "2.0", "software": "PuTTY"},
        "server": {"protocol_version": "2.0", "software": "OpenSSH_9.6", "comments": "Debian"},
    }]


def spoken(
    said: list[tuple[int, bytes]], port: int, chance: random.Random, most: int
) -> list[dict[str, Any]]:
    """The events of a conversation, whose turns are a second apart and cut anyhow."""
    talk = Talk(ports=(40_000, port), isns=(chance.randrange(1 << 32), chance.randrange(1 << 32)))
    talk.handshake()
    for turn, (who, octets) in enumerate(said, 1):
        side = talk.server if who else talk.client
        first = side.next
        for number, (at, piece) in enumerate(pieces_of(chance, octets, most)):
            side.data(turn + number / 1e4, piece, seq=(first + at) & 0xFFFF_FFFF)
        side.next = (first + len(octets)) & 0xFFFF_FFFF
    talk.close(len(said) + 1)
    return play(talk, duplicates=False).said


@cache
def tls_pieces(version: ssl.TLSVersion) -> list[tuple[int, bytes]]:
    """A handshake that OpenSSL made."""
    return handshake(*speakers(version))[0]


@examples(20)
@given(seed=st.integers(0, 2**40), most=st.sampled_from([1, 50, 1000]),
       version=st.sampled_from([ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]))
def test_any_cut_of_a_handshake_says_the_same(
    seed: int, most: int, version: ssl.TLSVersion
) -> None:
    pieces = tls_pieces(version)
    (event,) = spoken(pieces, 443, random.Random(seed), most)
    assert event["tls"] == as_objects(told(pieces)[0])["tls"]
    assert event["tls"]["established"] is True


@examples(20)
@given(seed=st.integers(0, 2**40), most=st.sampled_from([1, 9, 100]))
def test_any_cut_of_commands_says_the_same(seed: int, most: int) -> None:
    said = spoken(LISTENING, 6379, random.Random(seed), most)
    assert [event["network_traffic"]["redis"]["query"] for event in said] == [
        "SUBSCRIBE c1 c2", "UNSUBSCRIBE c1 c2", "GET n", "MONITOR"]


@examples(20)
@given(seed=st.integers(0, 2**40), most=st.sampled_from([1, 9, 100]))
def test_any_cut_of_an_rlogin_says_the_same(seed: int, most: int) -> None:
    said = spoken(STORIES["again"], 513, random.Random(seed), most)
    assert [(event["user"]["name"], event["event"]["outcome"]) for event in said] == [
        ("root", "failure"), ("bob", "success")]
@FEW
@given(seed=st.integers(0, 2**40), most=st.sampled_from([1, 3, 100]))
def test_any_cut_of_dns_over_tcp_says_the_same(seed: int, most: int) -> None:
    frames = session(seed, most, port=53, says=(("client", DNS_ASKED), ("server", DNS_ANSWERED)))
    said = play(frames, duplicates=False).said
    assert [(event["dns"]["question"]["name"], event["dns"]["type"]) for event in said] == [
        ("b.example", "answer"), ("a.example", "answer"), ("c.example", "query")]


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


ASKED = (b"POST /in?a=b HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 10\r\n\r\npassword=x"
         b"GET / HTTP/1.0\r\n\r\n")
ANSWERED = (b"HTTP/1.1 302 Found\r\nLocation: /\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"4\r\nmove\r\n1\r\nd\r\n0\r\n\r\nHTTP/1.0 404 Not Found\r\n\r\nnothing here")


@examples(25)
@given(seed=st.integers(0, 2**40), most=st.sampled_from([1, 7, 200]))
def test_any_cut_of_http_says_the_same(seed: int, most: int) -> None:
    """Its first octets are what the flow is found by."""
    says = (("client", ASKED), ("server", ANSWERED))
    frames = session(seed, most, port=8000, says=says, whole=12)
    said = play(frames, duplicates=False).said
    assert [(event["url"].get("full", ""), event["http"]["request"].get("body"),
             event["http"]["response"]["status_code"], event["http"]["response"]["body"])
            for event in said] == [
        ("http://www.example.com/in?a=b", {"bytes": 10, "content": "password=***"}, 302,
         {"bytes": 5, "content": "moved"}),
        ("", None, 404, {"bytes": 12, "content": "nothing here"}),
    ]
