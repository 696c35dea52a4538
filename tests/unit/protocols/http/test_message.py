"""Heads of messages, sound and not (RFC 9112 2 to 5)."""

from __future__ import annotations

import pytest

from sensor.model.protocol_values import HTTP_ANOMALIES
from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from sensor.protocols.http.message import (
    BODY_MAX,
    HEADERS_MAX,
    Message,
    has_start_line,
    message_of,
)


def request(raw: bytes) -> Message:
    assert has_start_line(CLIENT, raw.split(b"\n")[0].removesuffix(b"\r"))
    return message_of(CLIENT, raw, Moment(1), Moment(2))


def test_a_request() -> None:
    message = request(b"GET /where?q=now HTTP/1.1\r\nHost: www.example.org\r\n"
                      b"A:b\r\na:\t c \r\n\r\n")
    assert (message.method, message.target, message.version) == ("GET", b"/where?q=now", "1.1")
    assert message.headers == {b"host": b"www.example.org", b"a": b"b, c"}
    assert message.names == [b"Host", b"A", b"a"]
    assert not message.anomalies


@pytest.mark.parametrize(("line", "status", "phrase"), [
    (b"HTTP/1.1 404 Not Found", 404, b"Not Found"), (b"HTTP/1.0 200 ", 200, b""),
    (b"HTTP/1.1 200", 200, b""),
])
def test_a_status_line(line: bytes, status: int, phrase: bytes) -> None:
    assert has_start_line(SERVER, line)
    message = message_of(SERVER, line + b"\r\n\r\n", Moment(1), Moment(1))
    assert (message.status, message.phrase) == (status, phrase)


@pytest.mark.parametrize("line", [
    b"", b"GET /", b"GET HTTP/1.1", b" GET / HTTP/1.1", b"GET / HTTP/11", b"GET / HTTP/1.1x",
    b"GET / http/1.1",
])
def test_no_request_line(line: bytes) -> None:
    assert not has_start_line(CLIENT, line)


@pytest.mark.parametrize(("head", "anomaly"), [
    (b"GET / HTTP/1.1\nHost: a\n\n", "bare_lf"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nB: c\rD: e\r\n\r\n", "bare_cr"),
    (b"GET / HTTP/1.1\r\nHost: a\r\n  folded\r\n\r\n", "obs_fold"),
    (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "space_before_colon"),
    (b"GET / HTTP/1.1\r\nHost a\r\n\r\n", "header_invalid"),
    (b"GET / HTTP/1.1\r\nHo(st: a\r\n\r\n", "header_invalid"),
    (b"GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", "nul"),
    (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "target_with_space"),
    (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (HEADERS_MAX + 1) + b"\r\n", "headers_too_many"),
])
def test_anomalies(head: bytes, anomaly: str) -> None:
    assert list(request(head).anomalies) == [anomaly]
    assert anomaly in HTTP_ANOMALIES


def test_a_folded_value_is_one() -> None:
    head = b"GET / HTTP/1.1\r\n first\r\nA: b\r\n\tc\r\n d\r\n\r\n"
    assert request(head).headers == {b"a": b"b c d"}


def test_a_body_is_kept_up_to_its_limit_or_a_gap() -> None:
    message = request(b"GET / HTTP/1.1\r\n\r\n")
    message.add(b"a" * (BODY_MAX - 1))
    assert not message.is_truncated
    message.add(b"bc")
    assert (len(message.body), message.body_octets) == (BODY_MAX, BODY_MAX + 1)
    assert message.is_truncated
    other = request(b"GET / HTTP/1.1\r\n\r\n")
    other.add(b"ab")
    other.miss(3)
    other.add(b"f")
    assert (bytes(other.body), other.body_octets, list(other.anomalies)) == (b"ab", 6, ["gap"])
