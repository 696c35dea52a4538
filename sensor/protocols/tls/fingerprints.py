"""Fingerprints of hellos: JA3 and JA3S (Salesforce, 2017), JA4 (FoxIO, 2023: the TLS client's).

They tell which library speaks, whatever the peers' names are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sensor.protocols.tls.hello import (
    ALPN,
    POINT_FORMATS,
    SERVER_NAME,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
    ClientHello,
    ServerHello,
)
from sensor.protocols.tls.names import is_grease

_JA4_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3",
                 0x0002: "s2"}  # fmt: skip
_JA4_NOTHING = "0" * 12


def ja3_text(hello: ClientHello) -> str:
    """Version, ciphers, extensions, groups and point formats in their order, without GREASE."""
    return ",".join((
        str(hello.version),
        _decimal(hello.ciphers),
        _decimal(hello.extensions),
        _decimal(hello.numbers(SUPPORTED_GROUPS)),
        _decimal(hello.numbers(POINT_FORMATS, 1, 1)),
    ))


def ja3(hello: ClientHello) -> str:
    """The MD5 of `ja3_text`, as people compare it."""
    return _md5(ja3_text(hello))


def ja3s_text(hello: ServerHello) -> str:
    """Version, cipher and extensions."""
    return f"{hello.legacy_version},{hello.cipher},{_decimal(hello.extensions)}"


def ja3s(hello: ServerHello) -> str:
    """The MD5 of `ja3s_text`."""
    return _md5(ja3s_text(hello))


def ja4(hello: ClientHello) -> str:
    """JA4 of a client over TCP: what can be read, a hash of ciphers, one of the rest."""
    ciphers = [code for code in hello.ciphers if not is_grease(code)]
    extensions = [code for code in hello.extensions if not is_grease(code)]
    versions = [code for code in hello.numbers(SUPPORTED_VERSIONS, 1) if not is_grease(code)]
    version = max(versions, default=hello.version)
    head = "".join((
        "t",
        _JA4_VERSIONS.get(version, "00"),
        "d" if SERVER_NAME in hello.extensions else "i",
        f"{min(len(ciphers), 99):02}{min(len(extensions), 99):02}",
        _first_and_last(next(iter(hello.protocols), b"")),
    ))
    rest = ",".join(_hex(code for code in sorted(extensions) if code not in (SERVER_NAME, ALPN)))
    signatures = ",".join(_hex(code for code in hello.numbers(SIGNATURE_ALGORITHMS)
                               if not is_grease(code)))
    if rest and signatures:
        rest += f"_{signatures}"
    return f"{head}_{_sha256(','.join(_hex(sorted(ciphers))))}_{_sha256(rest)}"


def _first_and_last(protocol: bytes) -> str:
    """The ends of an application protocol's name; of its octets in hex if they are no ASCII letters
    or digits.
    """
    if not protocol:
        return "00"
    ends = protocol[:1] + protocol[-1:]
    return ends.decode() if ends.isalnum() else protocol.hex()[0] + protocol.hex()[-1]


def _decimal(codes: Iterable[int]) -> str:
    return "-".join(str(code) for code in codes if not is_grease(code))


def _hex(codes: Iterable[int]) -> Iterable[str]:
    return (f"{code:04x}" for code in codes)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else _JA4_NOTHING
