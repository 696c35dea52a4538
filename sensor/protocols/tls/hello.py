"""The messages of a handshake that can be read: hellos, certificates, the group of a key exchange.

Up to TLS 1.2 all of them come in the clear (RFC 5246 7.4), of TLS 1.3 only the hellos (RFC 8446 4).
What is malformed gives None, or what was sound before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SERVER_NAME, SUPPORTED_GROUPS, POINT_FORMATS, SIGNATURE_ALGORITHMS = 0, 10, 11, 13
ALPN, PRE_SHARED_KEY, SUPPORTED_VERSIONS, KEY_SHARE = 16, 41, 43, 51
"""Types of extensions (IANA)."""
NAMED_CURVE = 3  # RFC 8422 5.4
HELLO_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a ServerHello that asks for another ClientHello (RFC 8446 4.1.3)."""
CERTIFICATES_MAX = 16
"""Certificates of a side that are looked at."""


class Malformed(ValueError):
    """A message ends where more must stand."""


class Reader:
    """Reads the numbers and vectors of a message. Errors: Malformed."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    @property
    def is_empty(self) -> bool:
        """True at the end."""
        return self._at >= len(self._octets)

    def take(self, count: int) -> bytes:
        """The next octets."""
        end = self._at + count
        if end > len(self._octets):
            raise Malformed
        taken, self._at = self._octets[self._at : end], end
        return taken

    def number(self, size: int) -> int:
        """The next number, of so many octets."""
        return int.from_bytes(self.take(size))

    def vector(self, size: int) -> bytes:
        """The next vector, whose length has so many octets."""
        return self.take(self.number(size))


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a client offers (RFC 8446 4.1.2)."""

    version: int
    """Its legacy version."""
    ciphers: tuple[int, ...]
    extensions: dict[int, bytes]
    """In their order."""

    @property
    def server_name(self) -> bytes:
        """The name of the host that is asked for (RFC 6066 3); empty: none."""
        octets = self.extensions.get(SERVER_NAME, b"")
        return next((name for kind, name in _server_names(octets) if kind == 0), b"")

    @property
    def protocols(self) -> list[bytes]:
        """The application protocols that it offers (RFC 7301)."""
        return vectors(self.extensions.get(ALPN, b""), 2, 1)

    def numbers(self, extension: int, length_size: int = 2, size: int = 2) -> list[int]:
        """The numbers in the list that is an extension; none if it is malformed."""
        return numbers(self.extensions.get(extension, b""), length_size, size)


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What a server has chosen (RFC 8446 4.1.3)."""

    legacy_version: int
    version: int
    cipher: int
    extensions: dict[int, bytes]
    is_retry: bool

    @property
    def protocol(self) -> bytes:
        """The application protocol; empty: none was chosen, or it is encrypted."""
        return next(iter(vectors(self.extensions.get(ALPN, b""), 2, 1)), b"")

    @property
    def group(self) -> int | None:
        """The group of TLS 1.3's key share (RFC 8446 4.2.8)."""
        share = self.extensions.get(KEY_SHARE, b"")
        return int.from_bytes(share[:2]) if len(share) >= 2 else None


def client_hello(body: bytes) -> ClientHello | None:
    """A ClientHello; None if it is malformed."""
    reader = Reader(body)
    try:
        version = reader.number(2)
        reader.take(32)
        reader.vector(1)
        ciphers = reader.vector(2)
        reader.vector(1)
        extensions = _extensions(reader)
    except Malformed:
        return None
    if version >> 8 != 3:
        return None
    return ClientHello(version, tuple(_pairs(ciphers)), extensions)


def server_hello(body: bytes) -> ServerHello | None:
    """A ServerHello; None if it is malformed."""
    reader = Reader(body)
    try:
        legacy = reader.number(2)
        random = reader.take(32)
        reader.vector(1)
        cipher = reader.number(2)
        reader.take(1)
        extensions = _extensions(reader)
    except Malformed:
        return None
    if legacy >> 8 != 3:
        return None
    chosen = extensions.get(SUPPORTED_VERSIONS, b"")
    version = int.from_bytes(chosen) if len(chosen) == 2 else legacy
    return ServerHello(legacy, version, cipher, extensions, random == HELLO_RETRY)


def certificates(body: bytes) -> list[bytes]:
    """The DER octets of the certificates in a message up to TLS 1.2 (RFC 5246 7.4.2)."""
    return vectors(body, 3, 3)[:CERTIFICATES_MAX]


def exchange_curve(body: bytes) -> int | None:
    """The curve in a ServerKeyExchange with elliptic curves (RFC 8422 5.4)."""
    if len(body) < 3 or body[0] != NAMED_CURVE:
        return None
    return int.from_bytes(body[1:3])


def numbers(octets: bytes, length_size: int, size: int) -> list[int]:
    """A list of numbers behind its length; none if it is malformed."""
    try:
        content = Reader(octets).vector(length_size)
    except Malformed:
        return []
    return list(_pairs(content)) if size == 2 else list(content)


def vectors(octets: bytes, length_size: int, size: int) -> list[bytes]:
    """A list of vectors behind its length, as far as they are sound."""
    found: list[bytes] = []
    try:
        reader = Reader(Reader(octets).vector(length_size))
        while not reader.is_empty:
            found.append(reader.vector(size))
    except Malformed:
        pass
    return found


def _server_names(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """The types and names of the extension `server_name`, as far as they are sound."""
    try:
        reader = Reader(Reader(octets).vector(2))
        while not reader.is_empty:
            yield reader.number(1), reader.vector(2)
    except Malformed:
        return


def _extensions(reader: Reader) -> dict[int, bytes]:
    """The extensions at the end of a hello; old ones have none. The first of a type counts."""
    found: dict[int, bytes] = {}
    if reader.is_empty:
        return found
    content = Reader(reader.vector(2))
    while not content.is_empty:
        kind = content.number(2)
        found.setdefault(kind, content.vector(2))
    return found


def _pairs(octets: bytes) -> Iterator[int]:
    """Numbers of two octets; half of one at the end is none."""
    return (octets[at] << 8 | octets[at + 1] for at in range(0, len(octets) - 1, 2))
