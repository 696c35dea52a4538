"""Messages whole, cut and hostile."""

from __future__ import annotations

import struct

import pytest

from sensor.protocols.dns.message import ANSWERS_MAX, Message, is_message, read_message
from tests.dns_messages import (
    ANSWER,
    CNAME,
    OPT,
    QUERY,
    A,
    answer,
    message,
    name,
    query,
    question,
    record,
)

ROOT = b"\0"


def read(octets: bytes) -> Message:
    found = read_message(octets)
    assert found is not None
    return found


def test_a_query() -> None:
    found = read(query(0xBEEF, "www.example.com", 28))
    assert (found.id, found.is_response, found.opcode, found.counts) == (0xBEEF, False, 0,
                                                                         (1, 0, 0, 0))
    assert found.question is not None
    assert (found.question.name, found.question.kind, found.question.class_) == (
        "www.example.com", 28, 1)
    assert found.answers == [] and found.options is None


def test_an_answer_with_names_that_point_back() -> None:
    octets = message(1, ANSWER, question("a.example"), answers=(
        record(CNAME, b"\1b\xc0\x0e", ttl=60),
        # Behind the header (12), the question (15) and the owner and numbers of the first (12).
        record(A, b"\xc0\0\2\7", b"\xc0\x27", ttl=0x7FFF_FFFF),
        record(A, b"\xc0\0\2\x08", name("c.example"), class_=3),
    ))
    found = read(octets)
    assert found.is_response
    assert [(one.name, one.kind, one.class_, one.ttl, one.data) for one in found.answers] == [
        ("a.example", CNAME, 1, 60, "b.example"),
        ("b.example", A, 1, 0x7FFF_FFFF, "192.0.2.7"),
        ("c.example", A, 3, 300, "192.0.2.8"),
    ]


def test_edns() -> None:
    bad_version = record(OPT, b"", ROOT, class_=1232, ttl=0x01_00_8000)
    found = read(message(1, 0x8000, question("x"), authorities=(record(A, b"\1\2\3\4"),),
                         additionals=(record(A, b"\1\2\3\4"), bad_version)))
    assert found.options is not None
    assert (found.options.udp_size, found.options.dnssec_ok, found.options.version) == (
        1232, True, 0)
    assert found.response_code == 16  # RFC 6891 6.1.3: eight bits above the four of the header
    assert found.answers == []


def test_opt_is_none_of_the_authorities() -> None:
    found = read(message(1, QUERY, question("x"), authorities=(record(OPT, b"", ROOT),)))
    assert found.options is None


def test_several_questions_and_none() -> None:
    asked = read(message(0, 0, question("first.example"), question("second.example"))).question
    assert asked is not None and asked.name == "first.example"
    refused = read(struct.pack("!6H", 9, 0x8005, 0, 0, 0, 1) + record(OPT, b"", ROOT))
    assert refused.question is None and refused.response_code == 5


def test_an_answer_may_be_a_header_alone() -> None:
    """Of a server that does not read the question, and of an UPDATE (RFC 2136 3.8)."""
    refused = read(struct.pack("!6H", 9, 0x8001, 0, 0, 0, 0))
    assert (refused.question, refused.response_code) == (None, 1)
    assert read(struct.pack("!6H", 9, 0xA800, 0, 0, 0, 0)).opcode == 5


@pytest.mark.parametrize("octets", [
    struct.pack("!6H", 1, 0x8180, 0, 0, 0, 0), struct.pack("!6H", 1, 0x0105, 0, 0, 0, 0),
    b"", bytes(12), query()[:11], query()[:20], query()[:-1],
    struct.pack("!6H", 1, 0x4000, 1, 0, 0, 0) + question("x"),  # opcode 8
    struct.pack("!6H", 1, 0x0040, 1, 0, 0, 0) + question("x"),  # the bit that must be zero
    struct.pack("!6H", 1, QUERY, 65, 0, 0, 0) + question("") * 65,
    struct.pack("!6H", 1, QUERY, 2, 0, 0, 0) + question("x"),
    message(1, QUERY, b"\xc0\x0c\0\1\0\1"),
    b"GET / HTTP/1.1\r\n\r\n",
])
def test_what_is_no_message(octets: bytes) -> None:
    assert read_message(octets) is None


def test_a_stream_may_be_judged_by_a_header() -> None:
    assert is_message(b"\0\x20" + query()[:12], 2)
    assert not is_message(b"\0\x20" + query()[:11], 2)


def test_what_was_cut_has_the_records_before() -> None:
    whole = answer(1, "a.example", b"\1\1\1\1", b"\2\2\2\2")
    for size in range(len(whole)):
        found = read_message(whole[:size])
        if size < 12 + len(question("a.example")):
            assert found is None
        else:
            assert found is not None and found.counts[1] == 2
            assert len(found.answers) == (size >= len(whole) - 16)


def test_no_more_answers_are_told() -> None:
    found = read(answer(1, "x", *[b"\1\2\3\4"] * (ANSWERS_MAX + 9)))
    assert (found.counts[1], len(found.answers)) == (ANSWERS_MAX + 9, ANSWERS_MAX)


def test_any_damage_is_borne() -> None:
    whole = message(1, ANSWER, question("a.example"), answers=(
        record(CNAME, b"\1b\xc0\x0e"), record(65, b"\0\1\0\0\1\0\3\2h2")),
        additionals=(record(OPT, b"", ROOT),))  # fmt: skip
    for at in range(len(whole)):
        for octet in (0, 1, 0x3F, 0x7F, 0xC0, 0xFF):
            read_message(whole[:at] + bytes([octet]) + whole[at + 1 :])
