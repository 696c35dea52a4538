"""What may become a message and what may not."""

from __future__ import annotations

from sensor.protocols.analyzer import CLIENT, SERVER
from sensor.protocols.beginnings import METHOD_MAX, begins_no_http


def test_beginnings() -> None:
    assert not begins_no_http(CLIENT, b"") and not begins_no_http(SERVER, b"")
    assert not begins_no_http(CLIENT, b"M" * METHOD_MAX)
    assert begins_no_http(CLIENT, b"M" * (METHOD_MAX + 1))
    assert begins_no_http(CLIENT, b"GET\t/") and begins_no_http(CLIENT, b" GET /")
    assert begins_no_http(SERVER, b"HTTPS") and not begins_no_http(SERVER, b"HTTP/1.1 2")


def test_no_beginning_of_a_message_is_another() -> None:
    for octets in (b"M-SEARCH * HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n"):
        assert not any(begins_no_http(CLIENT, octets[:size]) for size in range(len(octets)))
    assert not any(begins_no_http(SERVER, b"HTTP/1.1 200 OK"[:size]) for size in range(15))
