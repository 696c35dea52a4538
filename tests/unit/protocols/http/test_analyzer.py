"""Requests and responses after the examples and rules of RFC 9110 and 9112."""

from __future__ import annotations

import pytest

from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from sensor.protocols.http.analyzer import WAITING_MAX, HttpAnalyzer
from tests.unit.protocols.http.exchange import (
    MISSING,
    SECRETS,
    answered,
    asked,
    pairs,
    played,
    told,
    transactions,
)

HELLO = "Hello World! My content includes a trailing CRLF.\r\n"
GET_HELLO = asked("GET /hello.txt HTTP/1.1", "User-Agent: curl/7.64.1", "Host: www.example.com",
                  "Accept-Language: en, mi")
HELLO_OK = answered(
    "HTTP/1.1 200 OK", "Date: Mon, 27 Jul 2009 12:28:53 GMT", "Server: Apache",
    "Last-Modified: Wed, 22 Jul 2009 19:15:56 GMT", 'ETag: "34aa387-d-1568eb00"',
    "Accept-Ranges: bytes", "Content-Length: 51", "Vary: Accept-Encoding",
    "Content-Type: text/plain", body=HELLO)
"""RFC 9110 3.9."""
NO_CONTENT = answered("HTTP/1.1 204 No Content")
EMPTY = answered("HTTP/1.1 200 OK", "Content-Length: 0")


def test_the_example_of_the_rfc() -> None:
    (event,) = told(GET_HELLO, HELLO_OK)
    expected = {
        "action": "http_transaction", "frame": 2, "event.outcome": "success", "status": "OK",
        "event.category": ["network", "web"], "began_s": 1,
        "http.version": "1.1", "http.request.method": "GET",
        "http.request.bytes": len(GET_HELLO[1]), "http.response.status_code": 200,
        "http.response.status_phrase": "OK", "http.response.bytes": len(HELLO_OK[1]),
        "http.response.body.bytes": 51, "http.response.body.content": HELLO,
        "http.response.headers.content-length": 51, "http.response.headers.server": "Apache",
        "http.response.mime_type": "text/plain",
        "url.full": "http://www.example.com/hello.txt", "url.extension": "txt",
        "user_agent.original": "curl/7.64.1", "destination.domain": "www.example.com",
        "related.hosts": ["www.example.com"], "request": GET_HELLO[1].decode(),
        "sensor.http.request.frame": 1,
        "zeek.http.client_header_names": ["USER-AGENT", "HOST", "ACCEPT-LANGUAGE"],
    }
    assert {name: event.get(name) for name in expected} == expected
    assert "sensor.http.anomalies" not in event


def test_the_version_is_that_of_the_request() -> None:
    """RFC 9112 2.3: a server answers a request of 1.0 with its own version."""
    old = asked("GET /old HTTP/1.0", "Host: a")
    events = told(old, EMPTY) + told(answered("HTTP/1.0 200 OK", "Content-Length: 0"))
    assert [event["http.version"] for event in events] == ["1.0", "1.0"]


def test_pipelined_requests_are_answered_in_order() -> None:
    requests = b"".join(asked(f"GET /{name} HTTP/1.1", "Host: a")[1] for name in "abc")
    answers = b"".join((EMPTY[1], answered("HTTP/1.1 404 Not Found", "Content-Length: 1",
                                           body="x")[1], NO_CONTENT[1]))
    assert pairs((CLIENT, requests), (SERVER, answers)) == [("/a", 200), ("/b", 404), ("/c", 204)]


def test_bodies_that_are_none() -> None:
    """RFC 9112 6.3: of HEAD, 1xx, 204 and 304 there is none, whatever the header says."""
    length = "Content-Length: 51"
    assert pairs(
        asked("HEAD /head HTTP/1.1", "Host: a"), answered("HTTP/1.1 200 OK", length),
        asked("GET /304 HTTP/1.1", "Host: a"), answered("HTTP/1.1 304 Not Modified", length),
        asked("POST /put HTTP/1.1", "Host: a", "Expect: 100-continue", "Content-Length: 2"),
        answered("HTTP/1.1 100 Continue"), (CLIENT, b"ab"), answered("HTTP/1.1 103 Early Hints"),
        NO_CONTENT, GET_HELLO, HELLO_OK,
    ) == [("/head", 200), ("/304", 304), ("/put", 204), ("/hello.txt", 200)]


def test_chunks_with_extensions_and_trailers() -> None:
    """RFC 9112 7.1."""
    chunked = answered("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=(
        "4\r\nWiki\r\n7;name=value\r\npedia i\r\n00B\r\nn \r\nchunks.\r\n0\r\nTrailer: x\r\n\r\n"))
    event, next_one = transactions(GET_HELLO, chunked, GET_HELLO, EMPTY)
    assert event["http.response.body.content"] == "Wikipedia in \r\nchunks."
    assert event["http.response.body.bytes"] == 22
    assert event["http.response.bytes"] == len(chunked[1])
    assert next_one["http.response.status_code"] == 200


def test_a_body_up_to_the_end() -> None:
    (event,) = transactions(GET_HELLO, answered("HTTP/1.0 200 OK", body="all of it\r\n\r\n"))
    assert event["http.response.body.content"] == "all of it\r\n\r\n"
    assert "sensor.http.response.is_incomplete" not in event


@pytest.mark.parametrize(("answer", "is_over"), [
    (answered("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket"), True),
    (answered("HTTP/1.1 200 OK", "Content-Length: 0"), False),
])
def test_behind_an_upgrade_nothing_is_read(answer: tuple[int, bytes], is_over: bool) -> None:
    """RFC 9110 7.8; a server may answer as if it had not been asked for one."""
    upgrade = asked("GET /chat HTTP/1.1", "Host: a", "Connection: upgrade", "Upgrade: websocket")
    events, is_done = played([upgrade, answer, (SERVER, b"\x81\x05hello")], 1)
    assert len(events) == 1
    assert events[0]["http.request.headers.upgrade"] == "websocket"
    assert is_done is is_over


def test_connect_opens_a_tunnel_unless_it_is_refused() -> None:
    connect = asked("CONNECT server.example.com:443 HTTP/1.1", "Host: server.example.com")
    refused = answered("HTTP/1.1 407 Proxy Authentication Required", "Content-Length: 3",
                       body="no\n")
    granted = answered("HTTP/1.1 200 Connection established", "Content-Length: 5")
    events = told(connect, refused, connect, granted, (CLIENT, b"\x16\x03\x01"))
    assert [(event["url.domain"], event["url.port"], event["http.response.status_code"])
            for event in events] == [("server.example.com", 443, 407),
                                     ("server.example.com", 443, 200)]
    assert events[1]["frame"] == 4


def test_the_preface_of_http_2_is_named() -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113 3.4
    events, is_done = played([(CLIENT, preface + b"\0\0\x12\4\0\0\0\0\0")], 1)
    assert [event["http.version"] for event in events] == ["2"]
    assert is_done


def test_without_an_answer() -> None:
    (event,) = told(GET_HELLO)
    assert (event["event.outcome"], event["status"], event["frame"]) == ("unknown", "Error", 1)
    assert "http.response.status_code" not in event


def test_an_answer_before_the_request_is_over() -> None:
    request = asked("POST /big HTTP/1.1", "Host: a", "Content-Length: 10", body="01234")
    early = answered("HTTP/1.1 413 Content Too Large", "Content-Length: 0")
    (event,) = transactions(request, early, (CLIENT, b"56789"))
    assert (event["http.request.body.content"], event["frame"]) == ("0123456789", 3)
    (event,) = transactions(request, early)
    assert event["http.response.status_code"] == 413
    assert event["sensor.http.request.is_incomplete"]


def test_one_side_alone() -> None:
    assert pairs(GET_HELLO, GET_HELLO) == [("/hello.txt", 0)] * 2
    assert pairs(HELLO_OK, HELLO_OK) == [("", 200)] * 2


def test_requests_that_nobody_answers_do_not_pile_up() -> None:
    analyzer = HttpAnalyzer(SECRETS)
    for number in range(WAITING_MAX + 3):
        analyzer.feed(CLIENT, asked(f"GET /{number} HTTP/1.1", "Host: a")[1], Moment(number))
    assert [event.fields["url.path"] for event in analyzer.take()] == ["/0", "/1", "/2"]
    for _ in range(4):  # the answers to those come all the same
        analyzer.feed(SERVER, EMPTY[1], Moment(1000))
    assert [event.fields.get("url.path") for event in analyzer.take()] == [None, None, None, "/3"]


def test_what_is_missing_within_a_body_is_borne() -> None:
    length = answered("HTTP/1.1 200 OK", "Content-Length: 20", body="01234")
    event, after = transactions(GET_HELLO, length, (SERVER, MISSING), (SERVER, b"fghij"), GET_HELLO,
                                HELLO_OK)
    assert event["http.response.body.bytes"] == 20
    assert event["http.response.body.content"] == "01234"
    assert event["sensor.http.response.body.is_truncated"]
    assert event["sensor.http.anomalies"] == ["gap"]
    assert after["http.response.body.content"] == HELLO


def test_what_is_missing_elsewhere_is_passed_over() -> None:
    assert pairs(GET_HELLO, (SERVER, MISSING), (SERVER, b"rest</html>" + HELLO_OK[1]),
                 GET_HELLO, NO_CONTENT) == [("/hello.txt", 0), ("", 200), ("/hello.txt", 204)]
    assert pairs((CLIENT, b"GET /lo"), (CLIENT, MISSING), (CLIENT, b"x: y\r\n\r\n"), EMPTY,
                 GET_HELLO, NO_CONTENT) == [("", 200), ("/hello.txt", 204)]


def test_a_capture_that_begins_within_a_connection() -> None:
    rest = (SERVER, b"\x1f\x8b middle of something\nHTTP/1.1 is spoken here\n")
    assert pairs(rest, GET_HELLO, HELLO_OK, whole=False) == [("/hello.txt", 200)]


def test_when_the_sides_change_places() -> None:
    analyzer = HttpAnalyzer(SECRETS)
    analyzer.gap(SERVER, 0, Moment(1))
    analyzer.feed(SERVER, b"GET / HTTP/1.1\r\n", Moment(1))
    analyzer.turn()
    analyzer.feed(CLIENT, GET_HELLO[1], Moment(2))
    analyzer.feed(SERVER, HELLO_OK[1], Moment(3))
    (event,) = analyzer.take()
    assert event.fields["url.path"] == "/hello.txt"


NO_METHOD = [b"\0" * 20, b"SSH-2.0-x\r\n", b"GET\r\n\r\n", b"A" * 30]
NO_REQUEST = [
    b"GET /\r\n\r\n", b"hello there\r\n\r\n", b"GET / HTTP/x\r\n\r\n", b"GET / HTTP/1.\r\n\r\n",
    b"GET / RTSP/1.0\r\n\r\n", b"GET " + b"x" * 70_000,
    b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 12_000,
]


@pytest.mark.parametrize(("side", "octets"), [
    *((CLIENT, octets) for octets in NO_METHOD),
    *((SERVER, octets) for octets in NO_METHOD + NO_REQUEST),
])
def test_what_is_no_http_ends_it_without_a_word(side: int, octets: bytes) -> None:
    assert played([(side, octets)], 1 << 20) == ([], True)


@pytest.mark.parametrize("octets", NO_REQUEST)
def test_a_request_that_is_none_is_told_by_its_answer(octets: bytes) -> None:
    """RFC 9112 3: a server answers an invalid request line with 400, or takes it all the same."""
    bad = answered("HTTP/1.1 400 Bad Request", "Content-Length: 0")
    assert pairs((CLIENT, octets), bad) == [("", 400)]
    assert pairs(GET_HELLO, (CLIENT, octets), HELLO_OK, bad) == [("/hello.txt", 200), ("", 400)]
    _, is_done = played([(CLIENT, octets), bad, (CLIENT, GET_HELLO[1])], 1 << 20)
    assert is_done
    assert played([(CLIENT, octets), (SERVER, b"no such command\r\n")], 1 << 20) == ([], True)


SMUGGLED = asked("GET /smuggled HTTP/1.1", "Host: a")[1].decode()


@pytest.mark.parametrize(("lines", "body", "anomaly"), [
    (["Content-Length: 0", f"Content-Length: {len(SMUGGLED)}"], "", "content_length_conflict"),
    (["Content-Length: +5"], "hello", "content_length_invalid"),
    (["Transfer-Encoding: xchunked"], "", "transfer_coding_unknown"),
    (["Transfer-Encoding: chunked, identity"], "", "transfer_coding_unknown"),
    (["Transfer-Encoding: chunked"], "0x5\r\nhello\r\n0\r\n\r\n", "chunk_invalid"),
    (["Transfer-Encoding: chunked"], "5\r\nhello!\r\n0\r\n\r\n", "chunk_invalid"),
])
def test_where_nobody_can_say_where_a_request_ends_the_next_is_not_guessed(
    lines: list[str], body: str, anomaly: str
) -> None:
    """RFC 9112 6.3, 11.2."""
    request = asked("POST /first HTTP/1.1", "Host: a", *lines, body=body + SMUGGLED)
    events, is_done = played([request, EMPTY, GET_HELLO, EMPTY], 3)
    assert [event["url.path"] for event in events] == ["/first"]
    assert anomaly in events[0]["sensor.http.anomalies"]
    assert events[0]["http.response.status_code"] == 200
    assert is_done


def test_two_lengths_of_which_one_counts_are_told() -> None:
    """RFC 9112 6.3: Transfer-Encoding overrides Content-Length."""
    both = asked("POST /both HTTP/1.1", "Host: a", "Content-Length: 4",
                 "Transfer-Encoding: chunked", body="2\r\nab\r\n0\r\n\r\n")
    first, second = transactions(both, EMPTY, GET_HELLO, EMPTY)
    assert first["sensor.http.anomalies"] == ["length_and_coding"]
    assert (first["http.request.body.content"], second["url.path"]) == ("ab", "/hello.txt")
