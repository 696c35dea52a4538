"""Real handshakes in memory, between OpenSSL and itself, and what the analyzer tells of them."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from warnings import catch_warnings, simplefilter

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sensor.protocols.analyzer import CLIENT, SERVER, Moment
from sensor.protocols.tls.analyzer import TlsAnalyzer

Pieces = list[tuple[int, bytes]]
NAME = "shop.example"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=365)
SERIAL = 0xBEEF


@cache
def certificate() -> tuple[bytes, bytes]:
    """A certificate of `NAME` that it signed itself, and its key: PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "SE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Shop, Inc."),
        x509.NameAttribute(NameOID.COMMON_NAME, NAME),
    ])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(SERIAL).not_valid_before(BEGIN).not_valid_after(END)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption())  # fmt: skip


def der() -> bytes:
    """The certificate's octets."""
    return ssl.PEM_cert_to_DER_cert(certificate()[0].decode())


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A client that believes everything, and a server with the certificate; of any version."""
    client, server = (ssl.SSLContext(kind) for kind in (ssl.PROTOCOL_TLS_CLIENT,
                                                        ssl.PROTOCOL_TLS_SERVER))
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    with TemporaryDirectory() as folder:
        for path, octets in zip((Path(folder, "c"), Path(folder, "k")), certificate(), strict=True):
            path.write_bytes(octets)
        server.load_cert_chain(Path(folder, "c"), Path(folder, "k"))
        client.load_cert_chain(Path(folder, "c"), Path(folder, "k"))
    return client, server


def limit(version: ssl.TLSVersion, *those: ssl.SSLContext) -> None:
    """Have these speak one version alone."""
    for one in those:
        one.set_ciphers("ALL:@SECLEVEL=0")
        with catch_warnings():
            simplefilter("ignore")  # old versions are deprecated, and what is looked for
            one.minimum_version = one.maximum_version = version


def speakers(version: ssl.TLSVersion) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Both ends, of one version."""
    both = contexts()
    limit(version, *both)
    return both


def handshake(
    client: ssl.SSLContext, server: ssl.SSLContext, *, name: str | None = NAME,
    session: ssl.SSLSession | None = None,
) -> tuple[Pieces, ssl.SSLObject, ssl.SSLObject]:
    """What both sides say, with some data behind the handshake if it works."""
    wires = [(ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in (CLIENT, SERVER)]
    ends = (client.wrap_bio(*wires[CLIENT], server_hostname=name, session=session),
            server.wrap_bio(*wires[SERVER], server_side=True))
    said: Pieces = []
    steps = [[end.do_handshake, lambda end=end: end.write(b"data"), lambda end=end: end.read(9)]
             for end in ends]
    for _ in range(12):
        for side in (CLIENT, SERVER):
            try:
                while steps[side]:
                    steps[side][0]()
                    del steps[side][0]
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                steps[side].clear()
            if octets := wires[side][1].read():
                said.append((side, octets))
                wires[1 - side][0].write(octets)
    return said, *ends


def told(pieces: Sequence[tuple[int, bytes]], size: int = 1 << 20) -> list[dict[str, Any]]:
    """The events of a connection in pieces of at most so many octets, and which piece decided."""
    analyzer = TlsAnalyzer()
    events = []
    for number, (side, octets) in enumerate(pieces, 1):
        for at in range(0, len(octets), size):
            if not analyzer.done:
                analyzer.feed(side, octets[at : at + size], Moment(number, number))
            events += analyzer.take()
    if not analyzer.done:
        analyzer.close(Moment(len(pieces) + 1))
    events += analyzer.take()
    return [{"action": event.action, "piece": event.moment.frame, **event.fields}
            for event in events]
