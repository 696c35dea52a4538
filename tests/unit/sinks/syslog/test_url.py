"""Syslog URLs: what they mean, and what is said of those that are wrong."""

from __future__ import annotations

import pytest

from sensor.config import Config
from sensor.errors import ConfigError
from sensor.sinks.syslog.sink import open_syslog
from sensor.sinks.syslog.url import Address, parse_address


@pytest.mark.parametrize(
    ("url", "address", "shown"),
    [
        ("unix:///dev/log", Address("unix", path="/dev/log"), "unix:///dev/log"),
        ("udp://192.0.2.1", Address("udp", "192.0.2.1", 514), "udp://192.0.2.1:514"),
        ("udp://[::1]:5514", Address("udp", "::1", 5514), "udp://[::1]:5514"),
        ("tcp://log.example", Address("tcp", "log.example", 601), "tcp://log.example:601"),
        ("relp://h", Address("relp", "h", 2514), "relp://h:2514"),
        ("tls://log.example/", Address("tls", "log.example", 6514), "tls://log.example:6514"),
        ("udp://h?facility=authpriv", Address("udp", "h", 514, facility=10), "udp://h:514"),
        ("udp://[fe80::1%25eth0]", Address("udp", "fe80::1%eth0", 514), "udp://[fe80::1%eth0]:514"),
        ("tls://h?cafile=/a%20b.pem", Address("tls", "h", 6514, cafile="/a b.pem"), "tls://h:6514"),
    ],
)
def test_good_urls(url: str, address: Address, shown: str) -> None:
    assert parse_address(url) == address
    assert str(address) == shown


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://192.0.2.1", "no such kind"),
        ("192.0.2.1:514", "no such kind"),
        ("", "no such kind"),
        ("udp://", "host is missing"),
        ("udp://:514", "host is missing"),
        ("udp://h:99999", "no URL: behind"),
        ("udp://h:0", "port 0"),
        ("udp://h:syslog", "no URL: behind"),
        ("udp://[::1", "no URL: behind"),
        ("udp://h/path", "only a host and a port"),
        ("udp://user@h", "only a host and a port"),
        ("udp://a..b", "cannot be a host name"),
        ("udp://h?facility=nonsense", "no facility nonsense"),
        ("udp://h?nonsense=1", "cannot use nonsense"),
        ("udp://h?cafile=x", "cannot use cafile"),
        ("udp://h?nonsense", "stands NAME=VALUE"),
        ("udp://h#part", "cannot use #"),
        ("unix://dev/log", "three slashes"),
        ("unix:///a%00b", "three slashes"),
        ("tls://h?cafile=/does/not/exist", "No such file"),
    ],
)
def test_bad_urls_say_what_is_wrong_and_what_is_allowed(url: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        open_syslog(url, "rfc5424", Config())
    assert "allowed: unix:///PATH, udp://HOST[:514]" in str(caught.value)
