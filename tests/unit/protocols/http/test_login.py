"""Logins after RFC 7616 and 7617."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.protocols.analyzer import CLIENT, Moment
from sensor.protocols.http.login import attempt_of
from sensor.protocols.http.message import message_of
from tests.unit.protocols.http.exchange import answered, asked, told

ALADDIN = "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
"""RFC 7617 2: Aladdin, open sesame."""
MUFASA = 'Authorization: Digest username="Mufasa", realm="http-auth@example.org", uri="/dir"'
OK, NO = (answered(line, "Content-Length: 0")
          for line in ("HTTP/1.1 200 OK", "HTTP/1.1 401 Unauthorized"))  # fmt: skip


def get(*lines: str) -> tuple[int, bytes]:
    return asked("GET / HTTP/1.1", "Host: a", *lines)


def logins(*pieces: tuple[int, bytes]) -> list[dict[str, Any]]:
    return [event for event in told(*pieces) if event["action"] == "http_login"]


def test_basic() -> None:
    (event,) = logins(get(ALADDIN), OK)
    expected = {
        "event.category": ["authentication", "network"], "event.outcome": "success",
        "user.name": "Aladdin", "related.user": ["Aladdin"], "http.login.method": "basic",
        "http.login.text": "200 OK", "http.login.attempt": 1, "http.password.length": 11,
        "http.password.is_default": False, "frame": 2,
    }
    assert {name: event.get(name) for name in expected} == expected


@pytest.mark.parametrize(("status", "outcome"), [
    (200, "success"), (302, "success"), (401, "failure"), (407, "failure"), (403, "unknown"),
    (500, "unknown"),
])
def test_outcomes(status: int, outcome: str) -> None:
    (event,) = logins(get(ALADDIN), answered(f"HTTP/1.1 {status} x", "Content-Length: 0"))
    assert event["event.outcome"] == outcome


def test_without_an_answer_nothing_is_known() -> None:
    (event,) = logins(get(ALADDIN))
    assert event["event.outcome"] == "unknown"
    assert "http.login.text" not in event


def test_what_is_repeated_is_told_once() -> None:
    other = "authorization: basic QWRtaW46MTIzNA=="
    events = logins(get(ALADDIN), NO, get(ALADDIN), NO, get(other), NO, get(ALADDIN), OK,
                    get(ALADDIN), OK, get(), OK)
    assert [(event["user.name"], event["event.outcome"], event["http.login.attempt"])
            for event in events] == [
        ("Aladdin", "failure", 1), ("Admin", "failure", 2), ("Aladdin", "success", 3)]


def test_a_proxy_asks_too() -> None:
    (event,) = logins(asked("CONNECT a:1 HTTP/1.1", "Host: a", f"Proxy-{ALADDIN}"),
                      answered("HTTP/1.1 407 x", "Content-Length: 0"))
    assert (event["user.name"], event["event.outcome"]) == ("Aladdin", "failure")


@pytest.mark.parametrize(("value", "found"), [
    (b"Basic YTo=", ("basic", "a", "")), (b"Basic OmI=", ("basic", "", "b")),
    (b"Basic YTpiOmM=", ("basic", "a", "b:c")), (b'Digest uri="/", username="a\\"b"',
                                                 ("digest", 'a\\"b', None)),
    (b"Digest username=a, x", ("digest", "a", None)),
    (b"Basic YWI=", None), (b"Basic !!", None), (b"Basic", None), (b"Bearer abc", None),
    (b"Digest realm=x", None), (b"", None),
])
def test_credentials(value: bytes, found: tuple[str, str, str | None] | None) -> None:
    raw = b"GET / HTTP/1.1\r\nAuthorization: " + value + b"\r\n\r\n"
    attempt = attempt_of(message_of(CLIENT, raw, Moment(1), Moment(1)))
    assert (attempt and (attempt.method, attempt.user, attempt.secret)) == found


def test_the_account_of_digest_is_told_without_a_password() -> None:
    (event,) = logins(get(MUFASA), OK)
    assert (event["user.name"], event["http.login.method"]) == ("Mufasa", "digest")
    assert "http.password.length" not in event


def test_the_password_is_told_nowhere() -> None:
    events = told(get(ALADDIN, "X: open sesame"), answered(
        "HTTP/1.1 200 OK", "Server: open sesame", "Content-Length: 14", body="by open sesame"))
    assert "open sesame" not in str(events)
    assert "QWxhZGRpbj" not in str(events)
    assert events[1]["http.request.headers.authorization"] == "Basic ***"
    assert events[1]["http.response.body.content"] == "by ***"
