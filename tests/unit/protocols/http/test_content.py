"""Bodies unpacked, as text, and by their first octets."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
import zstandard

from sensor.protocols.analyzer import SERVER, Moment
from sensor.protocols.http.content import mime_type, text_of, unpacked
from sensor.protocols.http.message import BODY_MAX, Message, message_of

TEXT = b"What is said, said again and said once more. " * 20


def carrying(body: bytes, coding: str) -> Message:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n\r\n".encode()
    message = message_of(SERVER, head, Moment(1), Moment(1))
    message.add(body)
    return message


def raw_deflate(octets: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(octets) + packer.flush()


@pytest.mark.parametrize(("coding", "pack"), [
    ("", bytes), ("identity", bytes), ("gzip", gzip.compress), ("X-GZIP", gzip.compress),
    ("deflate", zlib.compress), ("deflate", raw_deflate), ("zstd", zstandard.compress),
])
def test_codings(coding: str, pack: Callable[[bytes], bytes]) -> None:
    assert unpacked(carrying(pack(TEXT), coding)) == (TEXT, False)


def test_what_is_not_read() -> None:
    assert unpacked(carrying(b"\x0b\x02", "br")) == (None, False)
    for coding in ("gzip", "deflate", "zstd"):
        broken = carrying(b"no such thing", coding)
        assert unpacked(broken) == (None, False)
        assert list(broken.anomalies) == ["content_coding_invalid"]


@pytest.mark.parametrize(("coding", "pack"), [
    ("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_a_bomb_stays_small(coding: str, pack: Callable[[bytes], bytes]) -> None:
    content, is_truncated = unpacked(carrying(pack(bytes(1_000_000)), coding))
    assert content == bytes(BODY_MAX)
    assert is_truncated


def test_what_was_cut_off_is_unpacked_as_far_as_it_goes() -> None:
    content, is_truncated = unpacked(carrying(gzip.compress(TEXT)[:-20], "gzip"))
    assert content and TEXT.startswith(content)
    assert is_truncated


@pytest.mark.parametrize(("content", "kind", "text"), [
    ("caf\u00e9".encode(), b"", "caf\u00e9"), ("a\u20ac".encode()[:-1], b"", None),
    (b"caf\xe9", b"text/plain; charset=iso-8859-1", "caf\u00e9"), (b"caf\xe9", b"", None),
    (b"a\0b", b"text/plain", None), (b'{"a":"\xff"}', b"application/vnd.api+json", '{"a":"\xff"}'),
    (b"\x89PNG\r\n", b"image/png", None),
])
def test_text(content: bytes, kind: bytes, text: str | None) -> None:
    assert text_of(content, kind) == text


def test_a_character_that_was_cut_is_left_out() -> None:
    assert text_of("a\u20ac".encode()[:-1], b"", is_cut=True) == "a"
    assert text_of(b"\xe2a", b"", is_cut=True) is None


@pytest.mark.parametrize(("content", "name"), [
    (b"MZ\x90\0", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF\2", "application/x-executable"), (b"Rar!\x1a\x07\1\0", "application/vnd.rar"),
    (b"PK\x03\x04", "application/zip"), (b"%PDF-1.7", "application/pdf"),
    (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"), (b"RIFF\0\0\0\0WAVE", ""),
    (b"\n <!DOCTYPE HTML>", "text/html"), (b"<?xml version='1.0'?>", "text/xml"), (b"\0\1", ""),
])
def test_types_by_content(content: bytes, name: str) -> None:
    assert mime_type(content, None) == name
    assert mime_type(b"words", "words") == "text/plain"
