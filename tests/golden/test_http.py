"""Requests and responses as tshark's dissector reads them (an independent reference)."""

from __future__ import annotations

import gzip
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.conversation import Frames, Talk, play
from tests.ecs import problems

BODY = b"<html><body>" + b"<p>What is said.</p>\n" * 200 + b"</body></html>"
PACKED = gzip.compress(BODY, mtime=0)
SEGMENT_BYTES = 1000
EXCHANGES = (
    (b"GET /index.html?a=b HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/8.5.0\r\n"
     b"Referer: http://www.example.com/\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nServer: nginx/1.26\r\nContent-Type: text/html\r\n"
     b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY),
    (b"HEAD /index.html HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY)),
    (b"GET /packed HTTP/1.1\r\nHost: www.example.com\r\nAccept-Encoding: gzip\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(PACKED) + PACKED + b"\r\n0\r\n\r\n"),
    (b"POST /login.php HTTP/1.1\r\nHost: www.example.com:8080\r\nContent-Length: 12\r\n"
     b"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\nuser=a&b=c+d",
     b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
     b"Content-Length: 0\r\n\r\n"),
    (b"GET /moved HTTP/1.0\r\nHost: 198.51.100.7\r\n\r\n",
     b"HTTP/1.1 302 Found\r\nLocation: http://www.example.com/there\r\n\r\nnot here"),
)
REQUEST = {
    "http.request.method": "http.request.method", "http.request.uri": "url.original",
    "http.host": "http.request.headers.host",
    "http.user_agent": "user_agent.original", "http.referer": "http.request.referrer",
    "http.request.full_uri": "url.full",
}
RESPONSE = {
    "http.response.code": "http.response.status_code",
    "http.response.phrase": "http.response.status_phrase",
    "http.server": "http.response.headers.server",
    "http.content_type": "http.response.headers.content-type",
    "http.location": "http.response.headers.location",
    "http.www_authenticate": "http.response.headers.www-authenticate",
}
"""Fields of tshark, and ours."""


def session() -> Frames:
    """Everything on one connection to port 8080, in segments."""
    talk = Talk(ports=(40_000, 8080))
    talk.handshake()
    at = 0.1
    for request, response in EXCHANGES:
        for side, octets in ((talk.client, request), (talk.server, response)):
            for first in range(0, len(octets), SEGMENT_BYTES):
                side.data(at, octets[first : first + SEGMENT_BYTES])
                at += 0.01
    talk.close(at)
    return talk.frames


def write(frames: Frames, path: Path) -> None:
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65_535, 1)]
    for time, octets in frames:
        size = len(octets)
        parts += [struct.pack("<IIII", *divmod(time, 10**9), size, size), octets]
    path.write_bytes(b"".join(parts))


def tshark(path: Path, names: Iterable[str], bodies: Path) -> list[dict[str, str]]:
    """The fields of the packets that complete messages; their bodies are written into a folder."""
    wanted = ["frame.number", *names]
    command = ["tshark", "-n", "-r", str(path), "-d", "tcp.port==8080,http", "-Y", "http", "-T",
               "fields", *(word for name in wanted for word in ("-e", name)),
               "--export-objects", f"http,{bodies}"]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return [dict(zip(wanted, line.split("\t"), strict=True)) for line in run.stdout.splitlines()]


def flat(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A document by dotted names."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {
            prefix + name: value}
    return found


@pytest.mark.needs("tshark")
def test_messages_as_tshark_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "http.pcap"
    frames = session()
    write(frames, path)
    said = [flat(event) for event in play(frames).said
            if event["event"]["action"] == "http_transaction"]
    assert len(said) == len(EXCHANGES)
    rows = tshark(path, [*REQUEST, *RESPONSE], tmp_path / "bodies")
    for names, mark in ((REQUEST, "http.request.method"), (RESPONSE, "http.response.code")):
        assert [[row[name] for name in names] for row in rows if row[mark]] == [
            [str(event.get(name, "")) for name in names.values()] for event in said]
    numbers = [row["frame.number"] for row in rows if row["http.response.code"]]
    assert [str(event["sensor.capture.frame"]) for event in said[:-1]] == numbers[:-1]
    theirs = {file.name.partition("%3f")[0]: file.read_text()
              for file in (tmp_path / "bodies").iterdir()}
    bodies = (event.get("http.request.body.content") or event.get("http.response.body.content")
              for event in said)
    assert theirs == {event["url.path"].lstrip("/"): body
                      for event, body in zip(said, bodies, strict=True) if body}


def test_documents_are_ecs() -> None:
    run = play(session())
    assert [event["event"]["action"] for event in run.said].count("http_login") == 1
    assert [problems(event) for event in run.said] == [[]] * len(run.said)


@pytest.mark.parametrize("port", [80, 8080])
def test_a_request_that_is_typed_by_hand_on_a_port_of_http(port: int) -> None:
    talk = Talk(ports=(40_000, port))
    talk.handshake()
    for at, octet in enumerate(b"GET / HTTP/1.0\r\n\r\n", 1):
        talk.client.data(at / 10, bytes([octet]))
    talk.server.data(5, b"HTTP/1.0 404 Not Found\r\n\r\n")
    talk.close(6)
    (event,) = play(talk).said
    assert flat(event)["http.request.method"] == "GET"
    assert flat(event)["http.response.status_code"] == 404
    assert event["network"]["protocol"] == "http"


def test_a_capture_that_begins_within_a_response_on_a_port_of_http() -> None:
    talk = Talk(ports=(40_000, 80))
    talk.server.data(1, b"the rest of a page\n")
    talk.client.data(2, b"GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n")
    talk.server.data(3, b"HTTP/1.1 204 No Content\r\n\r\n")
    talk.close(4)
    (event,) = play(talk).said
    assert (event["url"]["path"], event["http"]["response"]["status_code"]) == ("/next", 204)
