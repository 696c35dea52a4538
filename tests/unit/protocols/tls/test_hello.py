"""Hellos of RFC 8446 4.1, built field by field, whole and malformed."""

from __future__ import annotations

from sensor.protocols.tls.hello import (
    HELLO_RETRY,
    SUPPORTED_GROUPS,
    certificates,
    client_hello,
    exchange_curve,
    server_hello,
)


def vector(size: int, content: bytes) -> bytes:
    return len(content).to_bytes(size) + content


def extension(kind: int, content: bytes) -> bytes:
    return kind.to_bytes(2) + vector(2, content)


def pairs(*codes: int) -> bytes:
    return b"".join(code.to_bytes(2) for code in codes)


SNI = extension(0, vector(2, b"\0" + vector(2, b"a.example")))
OFFERED = extension(16, vector(2, vector(1, b"h2") + vector(1, b"http/1.1")))
GROUPS = extension(10, vector(2, pairs(29, 23)))


def client(*extensions: bytes, ciphers: bytes = pairs(0x1301, 0xC02F)) -> bytes:
    return (b"\3\3" + bytes(32) + vector(1, b"session") + vector(2, ciphers) + vector(1, b"\0")
            + (vector(2, b"".join(extensions)) if extensions else b""))  # fmt: skip


def server(*extensions: bytes, random: bytes = bytes(32)) -> bytes:
    return (b"\3\3" + random + vector(1, b"") + pairs(0x1301) + b"\0"
            + (vector(2, b"".join(extensions)) if extensions else b""))  # fmt: skip


def test_what_a_client_offers() -> None:
    hello = client_hello(client(SNI, OFFERED, GROUPS))
    assert hello is not None
    assert (hello.version, hello.ciphers) == (0x0303, (0x1301, 0xC02F))
    assert hello.server_name == b"a.example"
    assert hello.protocols == [b"h2", b"http/1.1"]
    assert hello.numbers(SUPPORTED_GROUPS) == [29, 23]
    assert list(hello.extensions) == [0, 16, 10]


def test_an_old_client_has_no_extensions() -> None:
    hello = client_hello(client())
    assert hello is not None
    assert (hello.server_name, hello.protocols, hello.numbers(SUPPORTED_GROUPS)) == (b"", [], [])


def test_what_a_server_chooses() -> None:
    old = server_hello(server(extension(16, vector(2, vector(1, b"h2")))))
    new = server_hello(server(extension(43, b"\3\4"), extension(51, pairs(29) + vector(2, b"key"))))
    again = server_hello(server(extension(43, b"\3\4"), random=HELLO_RETRY))
    assert old is not None and new is not None and again is not None
    assert (old.version, old.protocol, old.group, old.is_retry) == (0x0303, b"h2", None, False)
    assert (new.version, new.legacy_version, new.group) == (0x0304, 0x0303, 29)
    assert (again.is_retry, again.cipher) == (True, 0x1301)


def test_hellos_that_end_too_soon_are_none() -> None:
    for whole, read in ((client(SNI, OFFERED), client_hello), (server(GROUPS), server_hello)):
        ends = [end for end in range(len(whole)) if read(whole[:end]) is not None]
        assert [whole[:end] for end in ends] in ([], [client()], [server()])
    assert client_hello(b"\2\0" + client()[2:]) is None
    assert server_hello(b"\4\0" + server()[2:]) is None


def test_malformed_extensions_say_nothing() -> None:
    lying = client_hello(client(extension(0, b"\0\x20\0"), extension(16, vector(2, b"\5h2")),
                                extension(10, b"\0\7\0")))
    assert lying is not None
    assert (lying.server_name, lying.protocols, lying.numbers(SUPPORTED_GROUPS)) == (b"", [], [])
    other_kind = client_hello(client(extension(0, vector(2, b"\1" + vector(2, b"x")))))
    assert other_kind is not None and other_kind.server_name == b""


def test_certificates_and_curves() -> None:
    body = vector(3, vector(3, b"leaf") + vector(3, b"root"))
    assert certificates(body) == [b"leaf", b"root"]
    assert certificates(body[:-1]) == []
    assert certificates(vector(3, vector(3, b"leaf") + b"\0\0\x09root")) == [b"leaf"]
    assert [exchange_curve(octets) for octets in (b"\3\0\x1d\x20", b"\1\0\x1d", b"\3\0", b"")] == [
        29, None, None, None]
