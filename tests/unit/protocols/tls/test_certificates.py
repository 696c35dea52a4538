"""Certificates made by `cryptography`, read back; and damaged ones."""

from __future__ import annotations

import base64
import hashlib
import random
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import NameOID

from sensor.protocols.tls.certificates import (
    CHAIN_BYTES_MAX,
    NAMES_MAX,
    TEXT_MAX,
    certificate_fields,
)
from tests.running import ROOT
from tests.unit.protocols.tls.handshakes import NAME, der


def made(key: Any, common_name: str = "a", algorithm: Any = None, names: Any = ()) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(x509.Name([]))
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(datetime(1950, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    )  # fmt: skip
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.DER)


def test_all_that_is_told() -> None:
    octets = der()
    name = {"distinguished_name": rf"CN={NAME},O=Shop\, Inc.,C=SE", "common_name": [NAME],
            "organization": ["Shop, Inc."], "country": ["SE"]}
    validity = {"not_before": "2026-01-01T00:00:00.000Z", "not_after": "2027-01-01T00:00:00.000Z"}
    assert certificate_fields([octets, b"root"]) == {
        "hash.md5": hashlib.md5(octets).hexdigest().upper(),
        "hash.sha1": hashlib.sha1(octets).hexdigest().upper(),
        "hash.sha256": hashlib.sha256(octets).hexdigest().upper(),
        "subject": name["distinguished_name"], "issuer": name["distinguished_name"], **validity,
        "certificate_chain": [base64.b64encode(one).decode() for one in (octets, b"root")],
        **{f"x509.{who}.{key}": value for who in ("subject", "issuer")
           for key, value in name.items()},
        **{f"x509.{key}": value for key, value in validity.items()},
        "x509.alternative_names": [NAME],
        "x509.serial_number": "BEEF",
        "x509.version_number": "3",
        "x509.signature_algorithm": "ECDSA-SHA256",
        "x509.public_key_algorithm": "ECDSA",
        "x509.public_key_size": 256,
        "x509.public_key_curve": "secp256r1",
    }


def test_other_keys_and_times() -> None:
    found = certificate_fields([made(rsa.generate_private_key(65537, 1024), "r", hashes.SHA512())])
    assert [found[f"x509.{name}"] for name in (
        "signature_algorithm", "public_key_algorithm", "public_key_size", "not_before",
        "not_after")] == ["SHA512-RSA", "RSA", 1024, "1950-01-01T00:00:00.000Z",
                          "9999-12-31T23:59:59.000Z"]
    assert "issuer" not in found and "x509.alternative_names" not in found
    found = certificate_fields([made(ed25519.Ed25519PrivateKey.generate())])
    assert (found["x509.public_key_algorithm"], found["x509.signature_algorithm"]) == (
        "Ed25519", "Ed25519")
    assert "x509.public_key_size" not in found


def test_hostile_names_are_cut_and_harmless() -> None:
    import ipaddress  # noqa: PLC0415

    key = ed25519.Ed25519PrivateKey.generate()
    names = [x509.DNSName("x" * 300), x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
             x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "b")])),
             *[x509.DNSName("y")] * NAMES_MAX]
    found = certificate_fields([made(key, "evil\x1b[2J\u202e", names=names)])
    assert found["x509.subject.common_name"] == [r"evil\x1b[2J\u202e"]
    told = found["x509.alternative_names"]
    assert isinstance(told, list)
    assert told[:4] == ["x" * TEXT_MAX, "192.0.2.1", "CN=b", "y"]
    assert len(told) == NAMES_MAX


def test_a_chain_is_told_up_to_a_size() -> None:
    chain = [b"a", bytes(CHAIN_BYTES_MAX), b"b"]
    assert certificate_fields(chain)["certificate_chain"] == ["YQ=="]
    assert "certificate_chain" not in certificate_fields([bytes(CHAIN_BYTES_MAX + 1)])


@pytest.mark.parametrize("octets", [b"", b"\x30", b"no certificate", b"\x30\x82\xff\xff" * 99])
def test_what_is_no_certificate_has_its_hashes(octets: bytes) -> None:
    found = certificate_fields([octets])
    assert found["hash.sha1"] == hashlib.sha1(octets).hexdigest().upper()
    assert not any(name.startswith("x509") for name in found)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_damaged_certificate_does_not_raise() -> None:
    chance, sound = random.Random(7), der()
    partly = 0
    for _ in range(200):
        damaged = bytearray(sound)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        found = certificate_fields([bytes(damaged)])
        assert found["hash.sha256"] == hashlib.sha256(damaged).hexdigest().upper()
        partly += "x509.serial_number" in found
    assert 0 < partly < 200


def test_nobody_is_warned_of_a_serial_number_that_is_forbidden() -> None:
    sound = der()
    number = sound.index(b"\x02\x03\x00\xbe\xef")
    forbidden = sound[:number] + b"\x02\x03\x80\xbe\xef" + sound[number + 5 :]  # negative
    code = ("from sensor.protocols.tls.certificates import certificate_fields as of;"
            f"print(of([{forbidden!r}])['x509.serial_number'])")
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=False,
                         capture_output=True, text=True)  # fmt: skip
    assert (run.stdout, run.stderr) == ("-7F4111\n", "")
