"""The rules of RFC 9112 6.3, one by one."""

from __future__ import annotations

import pytest

from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from sensor.protocols.http.framing import (
    CHUNKED,
    CLOSE,
    LENGTH,
    NONE,
    UNCLEAR,
    Framing,
    of_request,
    of_response,
)
from sensor.protocols.http.message import Message, message_of

CODED, LONG = "Transfer-Encoding: chunked", "Content-Length: 5"


def message(side: int, start: str, *lines: str) -> Message:
    raw = "\r\n".join((start, *lines, "", "")).encode()
    return message_of(side, raw, Moment(1), Moment(1))


@pytest.mark.parametrize(("lines", "kind", "anomalies"), [
    ([], NONE, []),
    ([LONG], LENGTH, []),
    ([LONG, LONG], LENGTH, ["content_length_repeated"]),
    (["Content-Length: 5, 05"], LENGTH, ["content_length_repeated"]),
    ([LONG, "Content-Length: 6"], UNCLEAR, ["content_length_repeated", "content_length_conflict"]),
    (["Content-Length: -5"], UNCLEAR, ["content_length_invalid"]),
    (["Content-Length:"], UNCLEAR, ["content_length_invalid"]),
    (["Content-Length: 1e3"], UNCLEAR, ["content_length_invalid"]),
    ([CODED], CHUNKED, []),
    (["Transfer-Encoding: gzip, CHUNKED"], CHUNKED, []),
    ([CODED, LONG], CHUNKED, ["length_and_coding"]),
    (["Transfer-Encoding: gzip"], UNCLEAR, ["transfer_coding_unknown"]),
    (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], UNCLEAR,
     ["transfer_coding_unknown"]),
    (["Transfer-Encoding: \x0bchunked"], UNCLEAR, ["transfer_coding_unknown"]),
])
def test_requests(lines: list[str], kind: int, anomalies: list[str]) -> None:
    request = message(CLIENT, "POST / HTTP/1.1", *lines)
    assert of_request(request) == Framing(kind, 5 if kind == LENGTH else 0)
    assert list(request.anomalies) == anomalies


@pytest.mark.parametrize(("method", "status", "lines", "kind"), [
    ("HEAD", 200, [LONG], NONE), ("HEAD", 200, [CODED], NONE), ("GET", 304, [LONG], NONE),
    ("GET", 204, [LONG], NONE), ("GET", 101, [], NONE), ("CONNECT", 200, [LONG], NONE),
    ("CONNECT", 407, [LONG], LENGTH), ("GET", 200, [], CLOSE), ("", 200, [LONG], LENGTH),
    ("GET", 200, ["Transfer-Encoding: gzip"], CLOSE),
    ("GET", 200, ["Transfer-Encoding: chunked, gzip"], UNCLEAR),
    ("GET", 200, [CODED, LONG], CHUNKED), ("GET", 200, [LONG, "Content-Length: 6"], UNCLEAR),
])
def test_responses(method: str, status: int, lines: list[str], kind: int) -> None:
    assert of_response(message(SERVER, f"HTTP/1.1 {status} x", *lines), method).kind == kind


def test_chunks_are_news_to_http_1_0() -> None:
    request = message(CLIENT, "POST / HTTP/1.0", CODED)
    assert of_request(request).kind == CHUNKED
    assert list(request.anomalies) == ["transfer_coding_old_version"]
