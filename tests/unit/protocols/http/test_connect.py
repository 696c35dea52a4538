"""What a proxy is asked for with CONNECT, and Telnet in the tunnel."""

from __future__ import annotations

from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from sensor.protocols.http.connect import ConnectAnalyzer
from sensor.protocols.secrets import Secrets
from tests.unit.protocols.http.exchange import answered, asked
from tests.unit.protocols.tls import handshakes

CONNECT = asked("CONNECT inner:23 HTTP/1.1", "Host: inner:23")
GRANTED = answered("HTTP/1.1 200 Connection established")
TELNET = [(SERVER, b"\xff\xfd\x18\xff\xfd\x1f\xff\xfb\x01login: "), (CLIENT, b"ann\r\n"),
          (SERVER, b"Password: "), (CLIENT, b"hunter2\r\n"),
          (SERVER, b"\r\nLast login: today\r\nann@box:~$ ")]  # fmt: skip


def told(*pieces: tuple[int, bytes]) -> tuple[list[tuple[str, str]], bool]:
    """Protocols and actions, and whether the analyzer was done before the end."""
    analyzer = ConnectAnalyzer(Secrets(b"a key of this test"))
    for number, (side, octets) in enumerate(pieces, 1):
        analyzer.feed(side, octets, Moment(number * 1_000_000_000, number))
        if analyzer.due_ns:
            analyzer.expire()
    is_done = analyzer.done
    analyzer.close(Moment(999_000_000_000))
    return [(event.protocol, event.action) for event in analyzer.take()], is_done


def test_telnet_behind_it() -> None:
    events, _ = told(CONNECT, GRANTED, *TELNET)
    assert events == [("", "http_transaction"), ("telnet", "telnet_login"),
                      ("telnet", "telnet_session")]


def test_tls_behind_it() -> None:
    pieces, *_ = handshakes.handshake(*handshakes.contexts())
    events, is_done = told(CONNECT, GRANTED, *pieces)
    assert events == [("", "http_transaction"), ("tls", "tls_handshake")]
    assert is_done


def test_something_else_behind_it() -> None:
    others = (CLIENT, b"SSH-2.0-a\r\n"), (SERVER, b"SSH-2.0-b\r\n")
    assert told(CONNECT, GRANTED, *others) == ([("", "http_transaction")], True)


def test_a_refusal() -> None:
    refused = answered("HTTP/1.1 403 Forbidden", "Content-Length: 0")
    hello, *_ = handshakes.handshake(*handshakes.contexts())[0]
    assert told(CONNECT, refused, hello)[0] == [("", "http_transaction")]


def test_what_is_missing_and_turned() -> None:
    analyzer = ConnectAnalyzer(Secrets(b"a key of this test"))
    analyzer.feed(CLIENT, CONNECT[1], Moment(1, 1))
    analyzer.gap(SERVER, 5, Moment(2, 2))
    (event,) = analyzer.take()
    assert event.fields["sensor.http.anomalies"] == ["gap"]
    analyzer.turn()
    analyzer.close(Moment(3))
    assert not [event for event in analyzer.take() if event.action == "http_transaction"]
