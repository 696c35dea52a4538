"""The content of a body: unpacked, as text if it is text, and its type by its first octets."""

from __future__ import annotations

import re
import zlib

from sensor.protocols.http.message import BODY_MAX, Message

_MAGICS = (
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", "application/x-executable"),
    (b"PK\x03\x04", "application/zip"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
    (b"!<arch>\n", "application/x-archive"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"%PDF-", "application/pdf"),
    (b"{\\rtf", "application/rtf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"wOF2", "font/woff2"),
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
    (b"<?xml", "text/xml"),
)
"""First octets that prove a type."""
_FIRST = tuple(magic for magic, _ in _MAGICS)
_MARKUP = re.compile(rb"\s{0,64}(?:<!doctype html|<html)[\s>]", re.I)
_TEXT_TYPE = re.compile(rb"text/|[\w.+/-]*(?:json|xml|javascript|x-www-form-urlencoded)", re.I)
_ZSTD_WINDOW_LOG = 23
"""RFC 9659: a window of 8 MiB at most."""
_UTF8_MAX = 3
"""Octets of a character that may be cut off at the end of what is kept."""


def unpacked(message: Message) -> tuple[bytes | None, bool]:
    """The content of what is kept of a body, BODY_MAX octets at most, and whether more was there.

    None: it is packed in a way that is not read here, or is not what it says.
    """
    kept, more = bytes(message.body), message.is_truncated
    coding = message.headers.get(b"content-encoding", b"").lower()
    if not kept or coding in (b"", b"identity"):
        return kept, more
    try:
        if coding in (b"gzip", b"x-gzip"):
            content, is_whole = _inflate(kept, 31)
        elif coding == b"deflate":  # RFC 9110 8.4.1.2: some send it without zlib's wrapper
            has_wrapper = kept[0] & 15 == 8 and int.from_bytes(kept[:2], "big") % 31 == 0
            content, is_whole = _inflate(kept, 15 if has_wrapper else -15)
        elif coding == b"zstd":
            content, is_whole = _unzstd(kept)
        else:
            return None, more
    except (zlib.error, ValueError):
        message.strange("content_coding_invalid")
        return None, more
    return content, more or not is_whole


def _inflate(octets: bytes, window_bits: int) -> tuple[bytes, bool]:
    unpacker = zlib.decompressobj(window_bits)
    return unpacker.decompress(octets, BODY_MAX), unpacker.eof


def _unzstd(octets: bytes) -> tuple[bytes, bool]:
    """Errors: ValueError if it is not zstd's."""
    try:
        from compression import zstd  # type: ignore[import-not-found]  # noqa: PLC0415  few need it
    except ImportError:
        from backports import zstd  # type: ignore[no-redef]  # noqa: PLC0415
    unpacker = zstd.ZstdDecompressor(
        options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})
    try:
        return unpacker.decompress(octets, BODY_MAX), unpacker.eof
    except zstd.ZstdError as error:
        raise ValueError(str(error)) from None


def text_of(content: bytes, content_type: bytes, *, is_cut: bool = False) -> str | None:
    """Content as text; None if it is none. Of one that `is_cut` the last character may be too."""
    if b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        if is_cut and error.start >= len(content) - _UTF8_MAX and error.end == len(content):
            return content[: error.start].decode()
    return content.decode("latin-1") if _TEXT_TYPE.match(content_type) else None


def mime_type(content: bytes, text: str | None) -> str:
    """The type of content by itself, whatever its header says; "" if nothing proves one."""
    if content.startswith(_FIRST):
        return next(name for magic, name in _MAGICS if content.startswith(magic))
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if _MARKUP.match(content):
        return "text/html"
    return "text/plain" if text else ""
