"""Flights of TLS: hellos with odd lists, alerts, certificates; cut into records anywhere."""

from __future__ import annotations

import datetime
import random
import struct
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

GREASE = (0x0A0A, 0x1A1A, 0xFAFA)
CIPHERS = (
    *range(0x0001, 0x0046),
    *range(0x0067, 0x006E),
    *range(0x0084, 0x009A),
    *range(0x009C, 0x00C6),
    0x00FF,
    *range(0x1301, 0x1306),
    0x5600,
    *range(0xC001, 0xC0B4),
    *range(0xCCA8, 0xCCAF),
    *GREASE,
)
PROTOCOLS = (b"h2", b"http/1.1", b"a", b"-x-", b"imap", b"\x0a\x0a", b"h3-29", b"x" * 255)


def _vector(size: int, octets: bytes) -> bytes:
    return len(octets).to_bytes(size) + octets


def _numbers(codes: list[int]) -> bytes:
    return b"".join(struct.pack("!H", code) for code in codes)


def records(messages: bytes, chance: random.Random, kind: int = 22) -> bytes:
    """Messages in records, often several for one."""
    found, at = b"", 0
    most = chance.choice((16_384, 16_384, 500, 40))
    version = chance.choice((0x0301, 0x0303, 0x0300))
    while at < len(messages):
        part = messages[at : at + chance.randint(1, most)]
        found += struct.pack("!BHH", kind, version, len(part)) + part
        at += len(part)
    return found


def _message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + _vector(3, body)


def client_flight(chance: random.Random) -> bytes:
    """A ClientHello, and perhaps an alert."""
    ciphers = chance.sample(CIPHERS, chance.choice((1, 3, 20, 60, 120)))
    body = struct.pack("!H", chance.choice((0x0303, 0x0303, 0x0301, 0x0302, 0x0300)))
    body += chance.randbytes(32) + _vector(1, chance.randbytes(chance.choice((0, 32))))
    body += _vector(2, _numbers(ciphers)) + b"\1\0"
    if chance.random() < 0.9:
        body += _vector(2, client_extensions(chance))
    flight = records(_message(1, body), chance)
    if chance.random() < 0.2:
        flight += records(bytes((1, chance.choice((41, 90, 100, 112, 3)))), random.Random(0), 21)
    return flight


def client_extensions(chance: random.Random) -> bytes:
    """Extensions in any order."""
    name = chance.choice((b"host.example", b"x" * 200, b"UPPER.example", b"a b", b"1.2.3.4"))
    protocols = b"".join(_vector(1, one) for one in chance.sample(PROTOCOLS, chance.randint(1, 3)))
    made = {
        0: _vector(2, b"\0" + _vector(2, name)),
        10: _vector(
            2, _numbers(chance.sample((29, 23, 24, 25, 30, 1, 14, 256, 0x11EC, *GREASE), 4))
        ),
        11: _vector(1, chance.choice((b"\0", b"\0\1\2"))),
        13: _vector(
            2,
            _numbers(
                chance.sample(
                    (0x0403, 0x0804, 0x0401, 0x0503, 0x0201, 0x0A0A), chance.randint(1, 5)
                )
            ),
        ),
        16: _vector(2, protocols),
        21: bytes(chance.randrange(9)),
        22: b"",
        23: b"",
        35: b"",
        43: _vector(1, _numbers(chance.sample((0x0304, 0x0303, 0x0302, 0x0301, *GREASE), 3))),
        45: b"\1\1",
        51: _vector(2, struct.pack("!H", 29) + _vector(2, bytes(32))),
        0x1A1A: b"",
        0x4469: b"\0\3\2h2",
        0xFF01: b"\0",
        5: b"\1\0\0\0\0",
        18: b"",
        27: b"\2\0\2",
        65_000: chance.randbytes(5),
    }
    kinds = chance.sample(sorted(made), chance.randint(1, len(made)))
    return b"".join(struct.pack("!H", kind) + _vector(2, made[kind]) for kind in kinds)


def server_flight(chance: random.Random) -> bytes:
    """An alert, or a ServerHello with what follows up to TLS 1.2."""
    if chance.random() < 0.2:
        return records(
            bytes((2, chance.choice((40, 47, 70, 80, 86, 112, 120)))), random.Random(0), 21
        )
    is_new = chance.random() < 0.3
    extensions = b""
    if is_new:
        extensions += (
            struct.pack("!HHHHH", 43, 2, 0x0304, 51, 36)
            + struct.pack("!H", 29)
            + _vector(2, bytes(32))
        )
    elif chance.random() < 0.6:
        extensions += struct.pack("!HH", 16, 5) + _vector(2, _vector(1, b"h2")) + b"\xff\1\0\1\0"
    body = struct.pack("!H", chance.choice((0x0303, 0x0302, 0x0301)) if not is_new else 0x0303)
    body += chance.randbytes(32) + _vector(1, b"")
    body += struct.pack("!HB", 0x1301 if is_new else chance.choice(CIPHERS[:-3]), 0)
    if extensions or chance.random() < 0.5:
        body += _vector(2, extensions)
    flight = _message(2, body)
    if not is_new:
        chain = [certificate(chance.randrange(20)) for _ in range(chance.randint(1, 4))]
        flight += _message(11, _vector(3, b"".join(_vector(3, one) for one in chain)))
        flight += _message(14, b"")
    return records(flight, chance)


@cache
def certificate(number: int) -> bytes:
    """A certificate with odd names, serial numbers and times."""
    chance = random.Random(number)
    key = ec.generate_private_key(ec.SECP256R1())

    def named() -> x509.Name:
        parts = [
            x509.NameAttribute(
                NameOID.COMMON_NAME,
                chance.choice(
                    (
                        "a.example",
                        "with, comma",
                        "plus+sign",
                        "\u00fcml\u00e4ut",
                        "x" * 64,
                        "#hash",
                        " sp ",
                    )
                ),
            )
        ]
        parts += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"O {number}")] * chance.randrange(
            3
        )
        return x509.Name(parts)

    begin = datetime.datetime(chance.choice((1950, 1999, 2049, 2050, 2120)), 2, 28, 23, 59, 59)
    return (
        x509.CertificateBuilder(
            issuer_name=named(),
            subject_name=named(),
            public_key=key.public_key(),
            serial_number=chance.choice((1, 127, 128, 2**64, 2**158 + 5)),
            not_valid_before=begin,
            not_valid_after=begin + datetime.timedelta(days=chance.choice((1, 365, 36_500))),
        )
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
