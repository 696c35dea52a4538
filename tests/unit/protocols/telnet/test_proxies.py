"""What proxies put in front: RFC 1928, 1929, SOCKS 4 and 4a, CONNECT, the PROXY protocol."""

from __future__ import annotations

import pytest

from sensor.protocols.analyzer import CLIENT, SERVER
from sensor.protocols.telnet.proxies import HEADER_MAX, Prelude

Pieces = list[tuple[int, bytes]]
IN4, IN6 = bytes([192, 0, 2, 7]), bytes.fromhex("20010db8000000000000000000000007")
PORT = b"\0\x17"
GRANTED_5 = b"\5\0\0\1" + IN4 + PORT
BINARY = b"\r\n\r\n\0\r\nQUIT\n"


def said(pieces: Pieces, size: int = 1000) -> tuple[str | None, dict[int, bytes]]:
    """The destination, and what each side says behind the handshake."""
    prelude, rest = Prelude(), {CLIENT: b"", SERVER: b""}
    for side, octets in pieces:
        for at in range(0, len(octets), size):
            part = octets[at : at + size]
            for whose, more in [(side, part)] if prelude.is_over else prelude.feed(side, part):
                rest[whose] += more
    return prelude.destination, rest


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(("pieces", "destination"), [
    ([(CLIENT, b"\5\1\0"), (SERVER, b"\5\0"), (CLIENT, b"\5\1\0\1" + IN4 + PORT),
      (SERVER, GRANTED_5)], "192.0.2.7:23"),
    ([(CLIENT, b"\5\2\0\2"), (SERVER, b"\5\2"), (CLIENT, b"\1\3ann\4pass"), (SERVER, b"\1\0"),
      (CLIENT, b"\5\1\0\3\x05inner" + PORT), (SERVER, b"\5\0\0\3\1x" + PORT)], "inner:23"),
    ([(CLIENT, b"\5\1\0"), (SERVER, b"\5\0"), (CLIENT, b"\5\1\0\4" + IN6 + PORT),
      (SERVER, b"\5\0\0\4" + IN6 + PORT)], "[2001:db8::7]:23"),
    ([(CLIENT, b"\4\1" + PORT + IN4 + b"ann\0"), (SERVER, b"\0\x5a" + bytes(6))], "192.0.2.7:23"),
    ([(CLIENT, b"\4\1" + PORT + b"\0\0\0\1" + b"\0inner\0"), (SERVER, b"\0\x5a" + bytes(6))],
     "inner:23"),
    ([(CLIENT, b"CONNECT inner:23 HTTP/1.1\r\nHost: inner\r\n\r\n"),
      (SERVER, b"HTTP/1.1 200 Connection established\r\n\r\n")], "inner:23"),
    ([(CLIENT, b"PROXY TCP4 192.0.2.1 192.0.2.7 40000 23\r\n")], "192.0.2.7:23"),
    ([(CLIENT, b"PROXY TCP6 2001:db8::1 2001:db8::7 40000 23\r\n")], "[2001:db8::7]:23"),
    ([(CLIENT, b"PROXY UNKNOWN\r\n")], None),
    ([(CLIENT, BINARY + b"\x21\x11\0\x0c" + bytes(12))], None),
    ([(CLIENT, BINARY + b"\x20\0\0\0")], None),
])
def test_handshakes(pieces: Pieces, destination: str | None, size: int) -> None:
    after = [(SERVER, b"\xff\xfd\x18login: "), (CLIENT, b"ann\r\n")]
    assert said(pieces + after, size) == (
        destination, {SERVER: b"\xff\xfd\x18login: ", CLIENT: b"ann\r\n"})  # fmt: skip


def test_both_may_stand_in_one_piece() -> None:
    pieces = [(CLIENT, b"PROXY TCP4 192.0.2.1 192.0.2.7 40000 23\r\n\xff\xfb\x18ann"),
              (SERVER, b"login: ")]  # fmt: skip
    assert said(pieces) == ("192.0.2.7:23", {CLIENT: b"\xff\xfb\x18ann", SERVER: b"login: "})


@pytest.mark.parametrize("size", [1, 3, 5000])
@pytest.mark.parametrize("pieces", [
    [(SERVER, b"login: "), (CLIENT, b"\5\1\0")],
    [(CLIENT, b"\xff\xfd\3\xff\xfb\x18"), (SERVER, b"login: ")],
    [(CLIENT, b"root\r\n"), (SERVER, b"x")],
    [(CLIENT, b"CONNECX inner\r\n\r\n"), (SERVER, b"x")],
    [(CLIENT, b"PROXX TCP4\r\n")],
    [(CLIENT, b"PROXY TCP4 a b c\r\n")],
    [(CLIENT, b"PROXY TCP4 192.0.2.1 192.0.2.7 40000 none\r\n")],
    [(CLIENT, b"\4\2" + PORT + IN4 + b"ann\0")],  # bind
    [(CLIENT, b"\4\1" + PORT + IN4 + b"ann\0"), (SERVER, b"\0\x5b" + bytes(6))],  # rejected
    [(CLIENT, b"\5\1\0"), (SERVER, b"\5\xff")],
    [(CLIENT, b"\5\1\0"), (SERVER, b"\5\0"), (CLIENT, b"\5\2\0\1" + IN4 + PORT)],
    [(CLIENT, b"\5\1\0"), (SERVER, b"\5\0"), (CLIENT, b"\5\1\0\x09" + IN4 + PORT)],
    [(CLIENT, b"\5\1\0"), (SERVER, b"\5\0"), (CLIENT, b"\5\1\0\1" + IN4 + PORT),
     (SERVER, b"\5\5\0\1" + IN4 + PORT)],  # refused
    [(CLIENT, b"\5\0")],
    [(CLIENT, BINARY[:-1] + b"X\x21\x11\0\x0c")],
    [(CLIENT, b"CONNECT inner:23 HTTP/1.1\r\n\r\n"), (SERVER, b"220 mail ready\r\n\r\n")],
])
def test_what_is_none_comes_out_whole(pieces: Pieces, size: int) -> None:
    _, rest = said(pieces, size)
    for side in (CLIENT, SERVER):
        assert rest[side] == b"".join(octets for whose, octets in pieces if whose == side)


@pytest.mark.parametrize("pieces", [
    [(CLIENT, b"CONNECT " + b"x" * 10_000)],
    [(CLIENT, b"\4\1" + PORT + IN4 + b"x" * 10_000)],
    [(CLIENT, b"CONNECT a:1 HTTP/1.1\r\n\r\n"), (SERVER, b"x" * 10_000)],
])
def test_it_is_bounded(pieces: Pieces) -> None:
    prelude, rest = Prelude(), 0
    for side, octets in pieces:
        for at in range(0, len(octets), 100):
            if not prelude.is_over:
                rest += sum(len(more) for _, more in prelude.feed(side, octets[at : at + 100]))
    assert prelude.is_over
    assert HEADER_MAX < rest <= HEADER_MAX + 200


@pytest.mark.parametrize("first", [b"\r\n", b"\r", b"\r\0", b"C", b"Petra\r\n", b"Cleo"])
def test_what_cannot_become_one_is_not_held_back(first: bytes) -> None:
    prelude = Prelude()
    rest = prelude.feed(CLIENT, first)
    if first in (b"\r\n", b"\r", b"C"):  # it still can
        rest += prelude.feed(SERVER, b"login: ") + prelude.feed(CLIENT, b"x")
        assert rest == [(CLIENT, first), (SERVER, b"login: "), (CLIENT, b"x")]
    else:
        assert b"".join(octets for _, octets in rest) == first
    assert prelude.is_over


def test_what_was_said_comes_out_in_its_order() -> None:
    prelude = Prelude()
    rest = [*prelude.feed(CLIENT, b"\5\1\0"), *prelude.feed(SERVER, b"\5\0"),
            *prelude.feed(CLIENT, b"\5\2"), *prelude.feed(SERVER, b"x"),
            *prelude.feed(CLIENT, b"\0\1yz")]  # fmt: skip
    assert rest == [(CLIENT, b"\5\1\0"), (SERVER, b"\5\0"), (CLIENT, b"\5\2"), (SERVER, b"x"),
                    (CLIENT, b"\0\1"), (CLIENT, b"yz")]  # fmt: skip
