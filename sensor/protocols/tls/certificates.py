"""What certificates tell (RFC 5280), under the names of ECS.

The hashes need nothing; the rest is read by `cryptography`. What it cannot read is left out.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeVar

from sensor.base.escape import harmless
from sensor.protocols.analyzer import Value

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, GeneralName, Name

Read = TypeVar("Read")
TEXT_MAX = 256
NAMES_MAX = 100
"""Alternative names of a certificate that are told; others have hundreds."""
CHAIN_BYTES_MAX = 16 * 1024
"""Octets of the certificates of a side that are told as they are."""
REMEMBERED_MAX = 128
"""Certificates that need not be read again: servers show the same one to everybody."""
NAME_PARTS = {
    "2.5.4.3": "common_name", "2.5.4.6": "country", "2.5.4.7": "locality",
    "2.5.4.8": "state_or_province", "2.5.4.10": "organization", "2.5.4.11": "organizational_unit",
}  # fmt: skip
"""By OID (RFC 5280 appendix A): the parts of a name."""
KEY_ALGORITHMS = {
    "1.2.840.113549.1.1.1": "RSA", "1.2.840.113549.1.1.10": "RSAPSS", "1.2.840.10040.4.1": "DSA",
    "1.2.840.10045.2.1": "ECDSA", "1.3.101.112": "Ed25519", "1.3.101.113": "Ed448",
}  # fmt: skip
SIGNATURE_ALGORITHMS = {
    "1.2.840.113549.1.1.2": "MD2-RSA", "1.2.840.113549.1.1.4": "MD5-RSA",
    "1.2.840.113549.1.1.5": "SHA1-RSA", "1.2.840.113549.1.1.11": "SHA256-RSA",
    "1.2.840.113549.1.1.12": "SHA384-RSA", "1.2.840.113549.1.1.13": "SHA512-RSA",
    "1.2.840.113549.1.1.10": "RSAPSS", "1.2.840.10040.4.3": "DSA-SHA1",
    "2.16.840.1.101.3.4.3.2": "DSA-SHA256", "1.2.840.10045.4.1": "ECDSA-SHA1",
    "1.2.840.10045.4.3.2": "ECDSA-SHA256", "1.2.840.10045.4.3.3": "ECDSA-SHA384",
    "1.2.840.10045.4.3.4": "ECDSA-SHA512", "1.3.101.112": "Ed25519", "1.3.101.113": "Ed448",
}  # fmt: skip
"""By OID, with the names that ECS advises: those of Go's x509 package."""


def certificate_fields(chain: Sequence[bytes]) -> dict[str, Value]:
    """The fields of a side, from the certificates that it sent: its own first."""
    found = dict(_fields_of(chain[0]))
    total, kept = 0, []
    for octets in chain:
        total += len(octets)
        if total <= CHAIN_BYTES_MAX:
            kept.append(base64.b64encode(octets).decode())
    if kept:
        found["certificate_chain"] = kept
    return found


def sha256_of(certificate: bytes) -> str:
    """The fingerprint of a certificate, in capital letters as ECS has it."""
    return hashlib.sha256(certificate).hexdigest().upper()


@lru_cache(maxsize=REMEMBERED_MAX)
def _fields_of(octets: bytes) -> Mapping[str, Value]:
    """The hashes of a certificate, and what can be read of it."""
    found: dict[str, Value] = {
        "hash.md5": hashlib.md5(octets, usedforsecurity=False).hexdigest().upper(),
        "hash.sha1": hashlib.sha1(octets, usedforsecurity=False).hexdigest().upper(),
        "hash.sha256": sha256_of(octets),
    }
    certificate = _attempt(lambda: _loader()(octets))
    if certificate is None:
        return found
    found |= _read(certificate)
    for name in ("not_before", "not_after"):
        if (value := found.get(f"x509.{name}")) is not None:
            found[name] = value
    for name in ("subject", "issuer"):
        if (value := found.get(f"x509.{name}.distinguished_name")) is not None:
            found[name] = value
    return found


def _read(certificate: Certificate) -> dict[str, Value]:
    """The `x509` fields: each by itself, as a certificate may be broken anywhere."""
    readers: dict[str, Callable[[], Value | None]] = {
        "version_number": lambda: str(certificate.version.value + 1),
        "serial_number": lambda: f"{certificate.serial_number:X}",
        "not_before": lambda: _time_text(certificate.not_valid_before_utc),
        "not_after": lambda: _time_text(certificate.not_valid_after_utc),
        "signature_algorithm": lambda: _named(
            SIGNATURE_ALGORITHMS, certificate.signature_algorithm_oid.dotted_string),
        "public_key_algorithm": lambda: _named(
            KEY_ALGORITHMS, certificate.public_key_algorithm_oid.dotted_string),
        "public_key_size": lambda: getattr(certificate.public_key(), "key_size", None),
        "public_key_curve": lambda: getattr(
            getattr(certificate.public_key(), "curve", None), "name", None),
        "alternative_names": lambda: _alternative_names(certificate),
    }
    found = {f"x509.{name}": value for name, reader in readers.items()
             if (value := _attempt(reader)) not in (None, [])}  # fmt: skip
    subject = _attempt(lambda: _name_fields(certificate.subject)) or {}
    issuer = _attempt(lambda: _name_fields(certificate.issuer)) or {}
    found |= {f"x509.subject.{name}": value for name, value in subject.items()}
    found |= {f"x509.issuer.{name}": value for name, value in issuer.items()}
    return found


def _name_fields(name: Name) -> dict[str, Value]:
    """The parts of a distinguished name, and the whole as RFC 4514 writes it."""
    found: dict[str, Value] = {}
    if whole := _clean(name.rfc4514_string(), 4 * TEXT_MAX):
        found["distinguished_name"] = whole
    for attribute in list(name)[:NAMES_MAX]:
        part = NAME_PARTS.get(attribute.oid.dotted_string)
        if part is not None:
            values = found.setdefault(part, [])
            assert isinstance(values, list)
            values.append(_clean(str(attribute.value)))
    return found


def _alternative_names(certificate: Certificate) -> list[str]:
    """The names in the extension `subjectAltName` (RFC 5280 4.2.1.6)."""
    from cryptography.x509 import SubjectAlternativeName  # noqa: PLC0415

    names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    return [_name_text(name) for name in list(names)[:NAMES_MAX]]


def _name_text(name: GeneralName) -> str:
    value = name.value
    as_text = getattr(value, "rfc4514_string", None)
    return _clean(as_text() if as_text is not None else str(value))


def _named(names: Mapping[str, str], oid: str) -> str:
    return names.get(oid, oid)


def _time_text(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.000Z"


def _clean(text: str, most: int = TEXT_MAX) -> str:
    return harmless(text[:most])[:most]


def _attempt(read: Callable[[], Read]) -> Read | None:
    """What a reader gives; None if the certificate is broken there."""
    try:
        return read()
    except Exception:  # the library has a type of its own for each kind of damage
        return None


@cache
def _loader() -> Callable[[bytes], Certificate]:
    """The reader of DER. Its import costs 0.08 s of CPU, and most runs meet no certificate."""
    import warnings  # noqa: PLC0415

    from cryptography.utils import CryptographyDeprecationWarning  # noqa: PLC0415
    from cryptography.x509 import load_der_x509_certificate  # noqa: PLC0415

    # It warns of serial numbers and the like that RFC 5280 forbids: servers have them.
    warnings.filterwarnings("ignore", category=CryptographyDeprecationWarning)
    return load_der_x509_certificate
