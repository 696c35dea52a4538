"""Blocks of octets that cannot be text."""

from __future__ import annotations

import pytest

from sensor.protocols.telnet.binary import BLOCK, Binary

TEXT = b"Last login: today\r\n\x1b[1mr\xfct\x1b[0m \a\b\0"


@pytest.mark.parametrize(("octets", "is_binary"), [
    (TEXT * 8, False), (bytes(BLOCK), False), ("\u5bc6\u7801".encode() * 50, False),
    (b"x" * (BLOCK - 5) + b"\1" * 5, False), (b"x" * (BLOCK - 6) + b"\1" * 6, True),
    (b"\1" * (BLOCK - 1), False), (b"\x7f" * BLOCK, True), (b"x" * BLOCK + b"\2" * BLOCK, True),
    (b"\2" * 5 + b"x" * BLOCK + b"\2" * 5, False),
])
@pytest.mark.parametrize("size", [1, 7, BLOCK])
def test_blocks(octets: bytes, is_binary: bool, size: int) -> None:
    counted, found, at = Binary(), False, 0
    while at < len(octets):
        part = octets[at : at + min(size, counted.room)]
        found = counted.add(part) or found
        at += len(part)
    assert found is is_binary
