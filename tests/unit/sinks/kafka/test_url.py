"""Targets of Kafka: what they mean, and that no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor.errors import ConfigError
from sensor.sinks.kafka.url import parse_address


def test_brokers_and_a_topic() -> None:
    address = parse_address("kafka1,kafka2:9093,[::1]:9094/net.flows")
    assert (address.brokers, address.topic) == ("kafka1:9092,kafka2:9093,[::1]:9094", "net.flows")
    assert address.security == {"security.protocol": "PLAINTEXT"}


def test_how_to_get_in(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hidden\n")
    address = parse_address(f"h/t?cafile=/ca.pem&user=me&password_file={tmp_path}/password")
    assert address.security == {
        "security.protocol": "SASL_SSL", "ssl.ca.location": "/ca.pem",
        "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "me", "sasl.password": "hidden"}
    assert str(address) == "h:9092/t"
    assert parse_address("h/t?tls=yes").security == {"security.protocol": "SSL"}


@pytest.mark.parametrize(("target", "reason"), [
    ("host", "a slash and a topic are missing"),
    ("host/", "a slash and a topic are missing"),
    ("host/a b", "a slash and a topic are missing"),
    ("/topic", "the brokers are hosts"),
    ("a,,b/topic", "the brokers are hosts"),
    ("kafka://h/topic", "the brokers are hosts"),
    ("h/t?colour=blue", "cannot use colour here"),
    ("h/t?tls=maybe", "tls is yes or no"),
    ("h/t?tls=no&cafile=x", "tls is yes or no"),
    ("h/t?mechanism=GSSAPI", "tls is yes or no"),
    ("h/t?user=me", "user and password_file go together"),
    ("h/t?user=me&password_file=/no/such", "No such file"),
])
def test_what_means_nothing_is_refused(target: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        parse_address(target)
