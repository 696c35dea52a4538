"""Transactions over UDP and TCP, answered, unanswered and hostile."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.protocols.analyzer import CLIENT, SERVER, Moment, ProtocolEvent
from sensor.protocols.beginnings import begins_no_dns
from sensor.protocols.dns.analyzer import WAIT_NS, WAITING_MAX, DnsAnalyzer
from tests.conversation import Talk, play
from tests.dns_messages import (
    ANSWER,
    OPT,
    A,
    answer,
    framed,
    message,
    query,
    question,
    record,
)

MS = 1_000_000


def datagrams(
    *pieces: tuple[int, bytes], waits: bool = True, is_mdns: bool = False, close: bool = True
) -> list[ProtocolEvent]:
    """The events of datagrams, one a millisecond."""
    analyzer = DnsAnalyzer(is_stream=False, waits=waits, is_mdns=is_mdns)
    found = []
    for number, (side, octets) in enumerate(pieces, 1):
        analyzer.feed(side, octets, Moment(number * MS, number))
        found += analyzer.take()
    if close:
        analyzer.close(Moment(999 * MS))
        found += analyzer.take()
    return found


def dns(event: ProtocolEvent) -> Any:
    return event.fields["dns"]


def test_an_answer_that_is_a_header_alone_goes_by_the_number() -> None:
    (event,) = datagrams((CLIENT, query(7)), (SERVER, message(7, 0x8104)), close=False)
    assert event.action == "dns_query" and event.fields["event.outcome"] == "failure"
    assert dns(event)["response_code"] == "NOTIMP"
    assert dns(event)["question"]["name"] == "www.example.com"


def test_a_query_and_its_answer() -> None:
    (event,) = datagrams((CLIENT, query(7)), (SERVER, answer(7, "www.example.com", b"\xc0\0\2\1",
                                                             b"\xc0\0\2\2")), close=False)
    assert (event.action, event.moment, event.began_ns) == ("dns_query", Moment(2 * MS, 2), MS)
    rest = {name: value for name, value in event.fields.items() if name != "dns"}
    assert rest == {
        "event.type": ["connection", "protocol"], "event.outcome": "success",
        "related.hosts": ["www.example.com"], "related.ip": ["192.0.2.1", "192.0.2.2"],
    }
    assert dns(event) == {
        "type": "answer", "id": "7", "op_code": "QUERY", "response_code": "NOERROR",
        "flags": {"authoritative": False, "truncated_response": False, "recursion_desired": True,
                  "recursion_available": True, "authentic_data": False,
                  "checking_disabled": False},
        "header_flags": ["RD", "RA"],
        "question": {"name": "www.example.com", "type": "A", "class": "IN"},
        "answers_count": 2, "authorities_count": 0, "additionals_count": 0,
        "answers": [{"name": "www.example.com", "type": "A", "class": "IN", "ttl": 300,
                     "data": f"192.0.2.{last}"} for last in (1, 2)],
        "resolved_ip": ["192.0.2.1", "192.0.2.2"],
    }


@pytest.mark.parametrize(("flags", "code", "outcome"), [
    (0x8183, "NXDOMAIN", "failure"), (0x8182, "SERVFAIL", "failure"), (0x8580, "NOERROR",
                                                                       "success"),
])
def test_codes(flags: int, code: str, outcome: str) -> None:
    (event,) = datagrams((CLIENT, query()), (SERVER, answer(flags=flags)))
    assert (dns(event)["response_code"], event.fields["event.outcome"]) == (code, outcome)


def test_flags() -> None:
    everything = record(OPT, b"", b"\0", class_=4096, ttl=0x8000)
    (event,) = datagrams((SERVER, message(7, 0x87B0, question("x"), additionals=(everything,))))
    assert dns(event)["header_flags"] == ["AA", "TC", "RD", "RA", "AD", "CD", "DO"]
    assert all(dns(event)["flags"].values())
    assert dns(event)["opt"] == {"version": "0", "do": True, "udp_size": 4096}
    assert dns(event)["additionals_count"] == 0


def test_one_that_nobody_answers() -> None:
    analyzer = DnsAnalyzer(is_stream=False)
    analyzer.feed(CLIENT, query(1), Moment(MS, 1))
    analyzer.feed(CLIENT, query(2), Moment(5 * MS, 2))
    assert analyzer.due_ns == MS + WAIT_NS
    analyzer.expire()
    (event,) = analyzer.take()
    assert (event.action, event.moment, event.began_ns) == ("dns_query", Moment(MS, 1), 0)
    assert event.fields["event.outcome"] == "unknown"
    assert (dns(event)["id"], dns(event)["type"]) == ("1", "query")
    assert "response_code" not in dns(event)
    assert analyzer.due_ns == 5 * MS + WAIT_NS
    analyzer.feed(SERVER, answer(2), Moment(6 * MS, 3))
    assert analyzer.due_ns == 0
    assert [dns(each)["id"] for each in analyzer.take()] == ["2"]
    analyzer.close(Moment(9 * MS))
    assert analyzer.take() == []


def test_an_answer_whose_query_was_not_seen() -> None:
    (event,) = datagrams((SERVER, answer(3)), close=False)
    assert (event.action, event.began_ns) == ("dns_answer", 0)
    assert event.fields["event.outcome"] == "success"


def test_a_query_that_is_sent_again_is_one() -> None:
    events = datagrams((CLIENT, query(1)), (CLIENT, query(1)), (SERVER, answer(1)))
    assert [(event.action, event.began_ns) for event in events] == [("dns_query", MS)]


def test_answers_go_by_number_question_and_side() -> None:
    """A guess of the number with another question answers nothing; case may differ."""
    events = datagrams(
        (CLIENT, query(1, "a.example")), (CLIENT, query(2, "b.example")),
        (SERVER, answer(1, "evil.example")), (CLIENT, answer(2, "b.example")),
        (SERVER, answer(2, "B.example")), (SERVER, answer(1, "a.example")))
    assert [(event.action, dns(event)["question"]["name"]) for event in events] == [
        ("dns_answer", "evil.example"), ("dns_answer", "b.example"),
        ("dns_query", "B.example"), ("dns_query", "a.example")]


def test_a_number_that_is_used_again_ends_the_wait() -> None:
    events = datagrams((CLIENT, query(1, "a.example")), (CLIENT, query(1, "b.example")),
                       (SERVER, answer(1, "b.example")))
    assert [(dns(event)["question"]["name"], dns(event)["type"]) for event in events] == [
        ("a.example", "query"), ("b.example", "answer")]


def test_an_answer_without_a_question_has_that_of_its_query() -> None:
    """Servers that cannot read a query may leave its question out (RFC 1035 4.1.1, FORMERR)."""
    refusal = message(7, 0x8181, additionals=(record(OPT, b"", b"\0"),))
    (event,) = datagrams((CLIENT, query(7, "a.example")), (SERVER, refusal))
    assert dns(event)["question"]["name"] == "a.example"
    assert dns(event)["response_code"] == "FORMERR"


def test_an_inverse_query_has_no_question_but_its_answer_has() -> None:
    """RFC 1035 6.4.1; a message of the same number that asks for something is another query."""
    address = record(A, b"\xc0\0\2\1", b"\0")
    asked = message(5, 0x0900, answers=(address,))
    answered = message(5, 0x8980, question("a.example"), answers=(address,))
    (event,) = datagrams((CLIENT, asked), (SERVER, answered))
    assert (event.action, event.moment.frame, event.began_ns) == ("dns_query", 2, MS)
    assert (dns(event)["op_code"], dns(event)["question"]["name"]) == ("IQUERY", "a.example")
    assert len(datagrams((CLIENT, asked), (CLIENT, query(5)))) == 2


@pytest.mark.parametrize(("flags", "name"), [(0x2800, "UPDATE"), (0x2400, "NOTIFY")])
def test_other_kinds_of_messages(flags: int, name: str) -> None:
    events = datagrams((CLIENT, message(5, flags, question("example.com", 6))),
                       (SERVER, message(5, flags | 0x8000, question("example.com", 6))))
    assert [(event.action, dns(event)["op_code"], dns(event)["type"]) for event in events] == [
        ("dns_query", name, "answer")]


def test_no_more_queries_wait() -> None:
    events = datagrams(*((CLIENT, query(number)) for number in range(WAITING_MAX + 3)), close=False)
    assert [dns(event)["id"] for event in events] == ["0", "1", "2"]


def test_of_multicast_a_query_is_told_at_once() -> None:
    events = datagrams((CLIENT, query(0, "_ipp._tcp.local", 12)), (SERVER, message(
        0, 0x8400, answers=(record(12, b"\1x\0", b"\4_ipp\0", class_=0x8001),))),
        waits=False, is_mdns=True, close=False)  # fmt: skip
    assert [(event.action, event.moment.frame) for event in events] == [
        ("dns_query", 1), ("dns_answer", 2)]
    assert "question" not in dns(events[1])
    assert dns(events[1])["answers"][0]["class"] == "IN"


@pytest.mark.parametrize("waits", [True, False])
def test_a_class_that_only_mdns_has_is_none_elsewhere(waits: bool) -> None:
    (event,) = datagrams((SERVER, message(
        0, 0x8400, answers=(record(12, b"\1x\0", b"\4_ipp\0", class_=0x8001),))), waits=waits,
        close=False)  # fmt: skip
    assert dns(event)["answers"][0]["class"] == "CLASS32769"


@pytest.mark.parametrize(("port", "name"), [(5353, "IN"), (5355, "CLASS32769"), (53, "CLASS32769")])
def test_the_first_bit_of_a_class_is_one_of_its_own_in_mdns_alone(port: int, name: str) -> None:
    """RFC 6762 5.4; RFC 4795 2.1 has DNS's classes."""
    talk = Talk(ports=(40_000, port))
    talk.client.udp(0.1, message(0, 0, question("x.local", 12, 0x8001)))
    (document,) = play(talk).said
    assert document["dns"]["question"]["class"] == name


@pytest.mark.parametrize("octets", [b"", b"\0" * 12, b"x" * 500, query()[:15]])
def test_datagrams_that_are_no_message(octets: bytes) -> None:
    assert datagrams((CLIENT, octets), (SERVER, octets)) == []


def stream(*pieces: tuple[int, bytes], size: int = 65_536) -> tuple[list[Any], DnsAnalyzer]:
    """The events of a stream that is cut into pieces of a size, and its analyzer."""
    analyzer = DnsAnalyzer()
    found = []
    for number, (side, octets) in enumerate(pieces, 1):
        for at in range(0, len(octets), size):
            if not analyzer.done:
                analyzer.feed(side, octets[at : at + size], Moment(number * MS, number))
        found += analyzer.take()
    analyzer.close(Moment(99 * MS))
    found += analyzer.take()
    return [(event.action, event.moment.frame, dns(event)["id"]) for event in found], analyzer


@pytest.mark.parametrize("size", [1, 2, 13, 65_536])
def test_over_tcp(size: int) -> None:
    asked = framed(query(1, "a.example"), query(2, "b.example"), query(3, "c.example"))
    said = framed(answer(2, "b.example"), answer(1, "a.example"))
    events, analyzer = stream((CLIENT, asked), (SERVER, said), size=size)
    assert events == [("dns_query", 2, "2"), ("dns_query", 2, "1"), ("dns_query", 1, "3")]
    assert not analyzer.done


@pytest.mark.parametrize("octets", [
    b"SSH-2.0-OpenSSH_9.6\r\n", b"GET / HTTP/1.1\r\n", b"\0\5" + bytes(20), b"\0\x20" + bytes(40),
    framed(message(1, 0x0100, b"\xc0\x0c\0\1\0\1")),
])
def test_a_stream_that_is_no_dns_ends_at_once(octets: bytes) -> None:
    events, analyzer = stream((CLIENT, octets))
    assert (events, analyzer.done) == ([], True)


def test_what_is_refused() -> None:
    assert begins_no_dns(CLIENT, b"SSH-2.0-OpenSSH_9.6\r\n")
    for octets in (framed(query()), framed(query())[:13], b"SSH", b""):
        assert not begins_no_dns(CLIENT, octets)


def test_behind_a_gap_a_side_is_not_read() -> None:
    analyzer = DnsAnalyzer()
    analyzer.feed(CLIENT, framed(query(1)), Moment(MS, 1))
    analyzer.gap(SERVER, 5, Moment(2 * MS, 2))
    analyzer.feed(SERVER, framed(answer(1)), Moment(3 * MS, 3))
    assert (analyzer.take(), analyzer.done) == ([], False)
    analyzer.gap(CLIENT, 5, Moment(4 * MS, 4))
    (event,) = analyzer.take()
    assert (dns(event)["type"], analyzer.done) == ("query", True)


def test_a_stream_may_be_seen_from_its_middle_on() -> None:
    analyzer = DnsAnalyzer()
    analyzer.gap(CLIENT, 0, Moment(MS, 1))
    analyzer.feed(CLIENT, framed(query(1)), Moment(MS, 1))
    analyzer.feed(SERVER, framed(answer(1)), Moment(2 * MS, 2))
    assert [event.action for event in analyzer.take()] == ["dns_query"]


def test_sides_that_change_places() -> None:
    analyzer = DnsAnalyzer()
    half = framed(answer(1))
    analyzer.feed(SERVER, framed(query(1)), Moment(MS, 1))
    analyzer.feed(CLIENT, half[:9], Moment(2 * MS, 2))
    analyzer.turn()
    analyzer.feed(SERVER, half[9:], Moment(3 * MS, 3))
    assert [event.action for event in analyzer.take()] == ["dns_query"]


def test_an_answer_with_the_flag_of_an_answer_is_what_it_says() -> None:
    """The client's messages may be answers: mDNS responders, and whoever reflects."""
    (event,) = datagrams((CLIENT, message(1, ANSWER, question("x"))))
    assert event.action == "dns_answer"
