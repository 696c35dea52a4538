"""The fields of a transaction."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.protocols.http.message import BODY_MAX
from tests.unit.protocols.http.exchange import answered, asked, played, transactions

OK = answered("HTTP/1.1 200 OK", "Content-Length: 0")


def told_of(*lines: str, body: str = "", answer: tuple[int, bytes] = OK) -> dict[str, Any]:
    (event,) = transactions(asked(*lines, body=body), answer)
    return event


@pytest.mark.parametrize(("status", "outcome", "word"), [
    (204, "success", "OK"), (399, "success", "OK"), (400, "failure", "Error"),
    (503, "failure", "Error"),
])
def test_outcomes(status: int, outcome: str, word: str) -> None:
    event = told_of("GET / HTTP/1.1", "Host: a",
                    answer=answered(f"HTTP/1.1 {status} x", "Content-Length: 0"))
    assert (event["event.outcome"], event["status"]) == (outcome, word)


def test_a_form() -> None:
    body = "user=ann&password=hunter2"
    event = told_of("POST /in.php HTTP/1.1", "Host: 192.0.2.1:8080", f"Content-Length: {len(body)}",
                    "Referer: http://x/?pwd=a", "Content-Type: application/x-www-form-urlencoded",
                    body=body)
    assert event["http.request.body.content"] == "user=ann&password=***"
    assert event["http.request.body.bytes"] == event["http.request.headers.content-length"] == 25
    assert event["http.request.referrer"] == "http://x/?pwd=***"
    assert (event["url.domain"], event["url.port"]) == ("192.0.2.1", 8080)
    assert event["request"].endswith("\r\n\r\nuser=ann&password=***")
    assert "destination.domain" not in event
    assert "hunter2" not in str(event)


def test_passwords_in_urls() -> None:
    event = told_of("GET http://ann:hunter2@h/x HTTP/1.1", "Host: ann:pw@h")
    assert (event["url.username"], event["url.password"]) == ("ann", "***")
    assert event["url.original"] == event["url.full"] == "http://ann:***@h/x"
    assert event["http.request.headers.host"] == "ann:***@h"
    assert "hunter2" not in str(event)
    connect = told_of("CONNECT ann:hunter2@h:443 HTTP/1.1", "Host: h")
    assert connect["url.password"] == "***"
    assert "hunter2" not in str(connect)


@pytest.mark.parametrize(("lines", "anomalies"), [
    (["GET / HTTP/1.1"], ["host_missing"]), (["GET / HTTP/1.0"], None),
    (["GET / HTTP/1.1", "Host: a", "Host: a"], ["host_repeated"]),
    (["GET http://a/ HTTP/1.1", "Host: b"], ["host_conflict"]),
    (["GET http://a/ HTTP/1.1", "Host: A:80"], None),
])
def test_hosts(lines: list[str], anomalies: list[str] | None) -> None:
    """RFC 9112 3.2."""
    assert told_of(*lines).get("sensor.http.anomalies") == anomalies


def test_header_fields_that_are_told() -> None:
    event = told_of("GET / HTTP/1.1", "Host: a", "Cookie: a=b", "X-Forwarded-For: 192.0.2.9",
                    "X-Own: c", "Content-Length: 99999999999999999999",
                    answer=answered("HTTP/1.1 302 Found", "Location: /cpsess1", "Set-Cookie: d=e",
                                    "WWW-Authenticate: Basic realm=x", "Content-Length: 0"))
    assert event["http.request.headers.cookie"] == "***"
    assert event["http.response.headers.set-cookie"] == "***"
    assert event["http.request.headers.x-forwarded-for"] == "192.0.2.9"
    assert event["http.response.headers.location"] == "/cpsess1"
    assert event["http.response.headers.www-authenticate"] == "Basic realm=x"
    assert "http.request.headers.x-own" not in event
    assert "http.request.headers.content-length" not in event
    assert event["zeek.http.server_header_names"] == [
        "LOCATION", "SET-COOKIE", "WWW-AUTHENTICATE", "CONTENT-LENGTH"]


def test_what_is_left_out_of_a_body_is_said() -> None:
    answer = answered("HTTP/1.1 200 OK", f"Content-Length: {BODY_MAX + 1}",
                      body="x" * (BODY_MAX + 1))
    (event,), _ = played([asked("GET / HTTP/1.1", "Host: a"), answer], 1000)
    assert event["http.response.body.bytes"] == BODY_MAX + 1
    assert event["http.response.body.content"] == "x" * BODY_MAX
    assert event["sensor.http.response.body.is_truncated"]


def test_binary_is_told_by_its_type_and_size() -> None:
    event = told_of("GET /x.rar HTTP/1.1", "Host: a", answer=answered(
        "HTTP/1.1 200 OK", "Content-Length: 8", "Content-Type: image/png",
        body="Rar!\x1a\x07\x01\0"))
    assert event["http.response.mime_type"] == "application/vnd.rar"
    assert "http.response.body.content" not in event


def test_control_characters_are_shown() -> None:
    (event,) = transactions(asked("GET /\x1b[2J HTTP/1.1", "Host: a", "User-Agent: \xe9\x07"))
    assert event["url.original"] == r"/\x1b[2J"
    assert event["user_agent.original"] == "\u00e9\\x07"


@pytest.mark.parametrize("lines", [
    ["GET / HTTP/1.1", "Host: h", " Authorization: Basic gEh31mN1s"],
    ["GET / HTTP/1.1", "Host: h", "X-A: b\rAuthorization: Basic gEh31mN1s"],
    ["GET / HTTP/1.1", "Host: h", "User-Agent: b", "\tX-Api-Key: a gEh31mN1s"],
    ["GET / HTTP/1.1", "Host: h\rAuthorization:", " Basic gEh31mN1s"],
    ["GET / HTTP/1.1", "Host: h", "Referer: http://h/?password=", " gEh31mN1s"],
    ["GET / HTTP/1.1", "Host: h", "Referer: http://h/?password=a", " gEh31mN1s"],
    ["GET / HTTP/1.1", "Host: h", "Referer: http://h/?pass", " word=gEh31mN1s"],
    ["GET /?password=a gEh31mN1s HTTP/1.1", "Host: h"],
    ["GET http://bob:a@gEh31mN1s@h/ HTTP/1.1", "Host: bob:gEh31mN1s@h"],
    ["GET /?u=http%3A%2F%2Fbob%3AgEh31mN1s%40h HTTP/1.1", "Host:", " bob:gEh31mN1s@h"],
])
def test_a_password_stands_in_no_field_of_an_odd_head(lines: list[str]) -> None:
    assert "gEh31mN1s" not in str(told_of(*lines))


def test_what_is_known_of_a_client_is_masked_wherever_it_comes_again() -> None:
    body = "pw=gEh31mN1s&x=1"
    first = [asked("POST /?q=gEh31mN1s HTTP/1.1", "Host: h", "Cookie: sid=0123456789abcdef",
                   "Authorization: Bearer ab12cd34", "Content-Length: 16", body=body),
             answered("HTTP/1.1 200 gEh31mN1s", "Content-Length: 27", "Location: /ab12cd34",
                      "Set-Cookie: n=fedcba9876543210; Path=/", body="gEh31mN1s 0123456789abcdef1")]
    again = asked("GET /gEh31mN1s/fedcba9876543210 HTTP/1.1", "Host: h", "Referer: /ab12cd34")
    events = transactions(*first, again, OK)
    assert "gEh31mN1s" not in str(events)
    assert "0123456789abcdef" not in str(events)
    assert events[0]["url.query"] == "q=***"
    assert events[0]["http.response.body.content"] == "*** ***1"
    assert events[0]["http.response.headers.location"] == "/***"
    assert events[1]["url.path"] == "/***/***"
    assert events[1]["http.request.referrer"] == "/***"


def test_what_is_invisible_is_shown_in_texts_of_several_lines() -> None:
    body = "a\tb\r\n\u202e\u200b\x1b[2J\u2066".encode()
    event, = transactions((0, b"PUT / HTTP/1.1\r\nHost: a\r\nX-\xe2\x80\xae: \xe2\x81\xa6\r\n"
                              b"Content-Length: %d\r\n\r\n" % len(body) + body), OK)
    assert event["http.request.body.content"] == "a\tb\r\n\\u202e\\u200b\\x1b[2J\\u2066"
    assert event["request"].startswith("PUT / HTTP/1.1\r\nHost: a\r\nX-\\u202e: \\u2066\r\n")
    assert event["request"].endswith("\r\n\r\na\tb\r\n\\u202e\\u200b\\x1b[2J\\u2066")
