"""Records as RFC 8446 5 has them, cut in every way, and what is none."""

from __future__ import annotations

import pytest

from sensor.protocols.tls.records import (
    FRAGMENT_MAX,
    MESSAGE_MAX,
    Alert,
    Change,
    Encrypted,
    Message,
    Records,
    Token,
)


def record(kind: int, fragment: bytes, version: bytes = b"\3\3") -> bytes:
    return bytes([kind]) + version + len(fragment).to_bytes(2) + fragment


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3) + body


def tokens(octets: bytes, size: int, records: Records | None = None) -> list[Token]:
    records = records or Records()
    found: list[Token] = []
    for at in range(0, len(octets), size):
        for token in records.feed(octets[at : at + size]):
            found.append(token)
            records.is_encrypted |= isinstance(token, Change)
    return found


@pytest.mark.parametrize("size", [1, 2, 5, 7, 10_000])
def test_messages_may_be_cut_by_records_and_share_them(size: int) -> None:
    whole = message(1, b"first") + message(2, b"") + message(11, b"third" * 300)
    octets = record(22, whole[:3]) + record(22, whole[3:20]) + record(22, whole[20:])
    octets += record(21, b"\1\x70") + record(20, b"\1") + record(22, b"?" * 40) + record(23, b"!")
    octets += record(23, b"") + record(21, b"?" * 30)
    assert tokens(octets, size) == [
        Message(1, b"first"), Message(2, b""), Message(11, b"third" * 300), Alert(1, 0x70),
        Change(), Encrypted(22, 40), Encrypted(23, 1), Encrypted(23, 0), Encrypted(21, 30)]


def test_of_an_encrypted_record_the_header_is_enough() -> None:
    records = Records()
    assert len(tokens(record(22, message(0, b"")), 100, records)) == 1
    header = record(23, bytes(FRAGMENT_MAX))[:5]
    assert list(records.feed(header)) == [Encrypted(23, FRAGMENT_MAX)]
    assert list(records.feed(bytes(FRAGMENT_MAX - 1))) == []
    assert list(records.feed(b"\0" + header)) == [Encrypted(23, FRAGMENT_MAX)]


@pytest.mark.parametrize("octets", [
    b"GET / HTTP/1.1\r\n",
    record(23, b"it begins in the middle"),
    record(20, b"\1"),
    record(22, b""),
    record(22, message(1, b"x"), b"\3\5"),
    record(22, message(1, b"x"), b"\2\0"),
    record(22, message(1, b"x")) + record(24, b"a heartbeat"),
    record(22, message(1, b"x")) + record(20, b"\2"),
    record(22, message(1, b"x")) + record(21, b"\2"),
    record(22, b"\1" + (MESSAGE_MAX + 1).to_bytes(3)),
    b"\x16\3\3" + (FRAGMENT_MAX + 1).to_bytes(2),
    b"\x80\x2e\1\0\2",
])
def test_what_is_no_tls(octets: bytes) -> None:
    for size in (1, 100):
        records = Records()
        tokens(octets, size, records)
        assert records.is_broken
        assert list(records.feed(record(22, message(1, b"x")))) == []
