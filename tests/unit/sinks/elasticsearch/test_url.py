"""URLs of Elasticsearch: what they mean, and that no secret is shown."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from sensor.errors import ConfigError
from sensor.sinks.elasticsearch.url import parse_address


def test_a_url_and_its_parts() -> None:
    address = parse_address("https://es.example.net/elastic/?namespace=prod&pipeline=a%20b")
    assert str(address) == "https://es.example.net:9200/elastic"
    assert (address.namespace, address.authorization) == ("prod", "")
    assert address.target().startswith("/elastic/_bulk?filter_path=errors,")
    assert address.target().endswith("&pipeline=a%20b")
    assert str(parse_address("http://[::1]:9201")) == "http://[::1]:9201"


def test_secrets_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("abc==\nsecond line\n")
    key = parse_address(f"https://h?api_key_file={tmp_path}/key")
    assert key.authorization == "ApiKey abc=="
    user = parse_address(f"https://h?user=me&password_file={tmp_path}/key")
    assert user.authorization == "Basic " + base64.b64encode(b"me:abc==").decode()
    assert "abc" not in str(key)


@pytest.mark.parametrize(("url", "reason"), [
    ("udp://h", "no such kind of server"),
    ("https://", "the host is missing"),
    ("https://h:0", "port 0 cannot be reached"),
    ("https://h:x", "no URL: behind"),
    ("https://h?colour=blue", "cannot use colour here"),
    ("https://h?namespace=A-b", "lower-case letters"),
    ("https://me:hidden@h", "others could read a password there"),
    ("http://h?cafile=x", "cafile is for https"),
    ("https://h?user=me", "either api_key_file, or user and password_file"),
    ("https://h?api_key_file=/no/such/file", "No such file"),
])
def test_what_means_nothing_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as error:
        parse_address(url)
    assert "hidden" not in str(error.value) and "allowed: https://HOST" in str(error.value)


def test_a_file_without_a_secret_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    with pytest.raises(ConfigError, match="no secret"):
        parse_address(f"https://h?api_key_file={tmp_path}/key")
