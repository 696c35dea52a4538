"""Names of cipher suites, beside those that OpenSSL knows."""

from __future__ import annotations

import subprocess

import pytest

from sensor.protocols.tls.cipher_suites import CIPHER_SUITES, cipher_name


@pytest.mark.parametrize(("code", "name"), [
    (0x0000, "TLS_NULL_WITH_NULL_NULL"),
    (0x000A, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x00FF, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"),
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x5600, "TLS_FALLBACK_SCSV"),
    (0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xFEFE, "0xfefe"),
])
def test_names(code: int, name: str) -> None:
    assert cipher_name(code) == name


@pytest.mark.needs("openssl")
def test_openssl_names_them_alike() -> None:
    said = subprocess.run(["openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL"],
                          capture_output=True, text=True, check=True).stdout  # fmt: skip
    compared = 0
    for line in said.splitlines():
        code, _, name, *_ = line.split()
        first, second = code.split(",")
        assert CIPHER_SUITES[int(first, 16) << 8 | int(second, 16)] == name
        compared += 1
    assert compared > 30
