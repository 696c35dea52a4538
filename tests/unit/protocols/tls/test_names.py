"""Names and numbers of RFC 8446, 8422 and 8701."""

from __future__ import annotations

import ssl

from sensor.model.protocol_values import TLS_ALERTS
from sensor.protocols.tls.names import alert_name, group_name, is_grease


def test_names_and_what_has_none() -> None:
    assert [group_name(code) for code in (23, 29, 256, 25497, 0xFFFF)] == [
        "secp256r1", "x25519", "ffdhe2048", "X25519Kyber768Draft00", "65535"]
    assert [group_name(code) for code in (1, 14, 18, 20)] == [  # RFC 4492 5.1.1
        "sect163k1", "sect571r1", "secp192k1", "secp224k1"]
    assert [alert_name(code) for code in (0, 40, 48, 200)] == [
        "close_notify", "handshake_failure", "unknown_ca", "200"]


def test_alerts_are_named_as_openssl_names_them() -> None:
    """But for `user_canceled`, which it spells in another way."""
    named = {member.value: member.name.removeprefix("ALERT_DESCRIPTION_").lower()
             for member in ssl.AlertDescription if member.value != 90}
    assert {code: TLS_ALERTS[code] for code in named} == named


def test_grease() -> None:
    """RFC 8701 2 lists them all."""
    values = [code for code in range(1 << 16) if is_grease(code)]
    assert values == [int(f"{digit:x}a" * 2, 16) for digit in range(16)]
