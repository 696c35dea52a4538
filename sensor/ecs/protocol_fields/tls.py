"""The fields of TLS handshakes: ECS, and `tls.detailed` of Packetbeat."""

from __future__ import annotations

from sensor.ecs.field import Field
from sensor.model.protocol_values import OUTCOMES, TLS_ALERTS, TLS_VERSIONS

_NAME = (
    ("distinguished_name", "the whole, as RFC 4514 writes it", False),
    ("common_name", "CN", True),
    ("organization", "O", True),
    ("organizational_unit", "OU", True),
    ("locality", "L", True),
    ("state_or_province", "ST", True),
    ("country", "C", True),
)
_CERTIFICATE = (
    Field("hash.md5", "keyword", "MD5 of {}'s certificate, capital letters"),
    Field("hash.sha1", "keyword", "SHA-1 of it"),
    Field("hash.sha256", "keyword", "SHA-256 of it"),
    Field("subject", "keyword", "distinguished name in it: whose it is"),
    Field("issuer", "keyword", "and who signed it"),
    Field("not_before", "date", "when its validity begins"),
    Field("not_after", "date", "and ends"),
    Field("certificate_chain", "keyword", "the certificates as they came, {}'s own first: DER in"
          " base64, up to 16 KiB", array=True),
    *(Field(f"x509.{who}.{name}", "keyword", f"of the certificate's {who}: {meaning}", array=array)
      for who in ("subject", "issuer") for name, meaning, array in _NAME),
    Field("x509.alternative_names", "keyword", "other names that it holds for (RFC 5280 4.2.1.6),"
          " at most 100", array=True),
    Field("x509.not_before", "date", "when its validity begins"),
    Field("x509.not_after", "date", "and ends"),
    Field("x509.serial_number", "keyword", "in hexadecimal, capital letters"),
    Field("x509.version_number", "keyword", "version of X.509"),
    Field("x509.signature_algorithm", "keyword", "`SHA256-RSA` and the like; else the OID"),
    Field("x509.public_key_algorithm", "keyword", "`RSA`, `ECDSA`, `DSA`...; else the OID"),
    Field("x509.public_key_size", "long", "bits of the key"),
    Field("x509.public_key_curve", "keyword", "curve of the key"),
)


_OF_SIDES = tuple(
    Field(f"tls.{who}.{one.name}", one.type, one.meaning.format(f"the {who}"), array=one.array,
          origin="up to TLS 1.2")
    for who in ("client", "server") for one in _CERTIFICATE)  # fmt: skip

TLS_FIELDS = (
    Field("event.type", "keyword", "", array=True, values=("connection", "protocol")),
    Field("event.outcome", "keyword", "of a handshake: `success`; `failure`: an alert or the end of"
          " the flow came before; `unknown`: part of it was not seen", values=OUTCOMES),
    Field("destination.domain", "keyword", "the name of the server that the client asks for"),
    Field("server.domain", "keyword", "the same"),
    Field("related.hosts", "keyword", "the same", array=True),
    Field("related.hash", "keyword", "fingerprints of hellos and certificates", array=True),
    Field("tls.version", "keyword", "the version that the server has chosen: `1.2`",
          values=tuple(version for _, version in TLS_VERSIONS.values())),
    Field("tls.version_protocol", "keyword", "`tls`, or `ssl` for SSL 3.0",
          values=tuple(dict.fromkeys(protocol for protocol, _ in TLS_VERSIONS.values()))),
    Field("tls.cipher", "keyword", "the cipher suite that it has chosen, by its name at IANA"),
    Field("tls.curve", "keyword", "the group of the key exchange", origin="IANA's name"),
    Field("tls.established", "boolean", "the handshake has worked; absent: not known"),
    Field("tls.resumed", "boolean", "an older session goes on"),
    Field("tls.next_protocol", "keyword", "the application protocol that the server has chosen",
          origin="ALPN, RFC 7301; up to TLS 1.2"),
    Field("tls.client.server_name", "keyword", "the host that the client asks for",
          origin="SNI, RFC 6066 3"),
    Field("tls.client.supported_ciphers", "keyword", "the cipher suites that it offers, without"
          " GREASE", array=True),
    Field("tls.client.ja3", "keyword", "JA3 of its hello: an MD5"),
    Field("tls.client.ja4", "keyword", "JA4 of its hello"),
    Field("tls.server.ja3s", "keyword", "JA3S of the server's hello: an MD5"),
    *_OF_SIDES,
    Field("tls.detailed.version", "keyword", "`TLS 1.2` and the like", values=tuple(
        f"{protocol.upper()} {version}" for protocol, version in TLS_VERSIONS.values())),
    Field("tls.detailed.alert_types", "keyword", "the alerts that could be read, by their names in"
          " RFC 8446 6", array=True,
          values=tuple(TLS_ALERTS.get(code) or str(code) for code in range(256))),
    Field("tls.detailed.client_certificate_requested", "boolean", "the server asks the client for a"
          " certificate", origin="up to TLS 1.2"),
    Field("tls.detailed.client_hello.extensions.application_layer_protocol_negotiation", "keyword",
          "the application protocols that the client offers", array=True),
)
