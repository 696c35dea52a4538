"""The four forms of a request's target (RFC 9112 3.2), and hosts."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.protocols.http.url import is_name, password_of, url_fields


@pytest.mark.parametrize(("method", "target", "host", "fields"), [
    ("GET", "/where?q=now", "www.example.org", {
        "scheme": "http", "domain": "www.example.org", "port": 80, "path": "/where",
        "query": "q=now", "full": "http://www.example.org/where?q=now"}),
    ("GET", "http://www.example.org/pub/WWW/TheProject.html", "other", {
        "scheme": "http", "domain": "www.example.org", "port": 80, "extension": "html",
        "path": "/pub/WWW/TheProject.html",
        "full": "http://www.example.org/pub/WWW/TheProject.html"}),
    ("CONNECT", "www.example.com:80", "", {"domain": "www.example.com", "port": 80}),
    ("OPTIONS", "*", "www.example.org:8001", {
        "scheme": "http", "domain": "www.example.org", "port": 8001, "path": "*",
        "full": "http://www.example.org:8001"}),
    ("GET", "HTTPS://u:p@[2001:DB8::1]:8443/a.b/c.tar.gz?x#y", "", {
        "scheme": "https", "domain": "[2001:db8::1]", "port": 8443, "path": "/a.b/c.tar.gz",
        "query": "x", "fragment": "y", "extension": "gz", "username": "u", "password": "p",
        "full": "HTTPS://u:p@[2001:DB8::1]:8443/a.b/c.tar.gz?x#y"}),
    ("GET", "/a.b/c", "", {"scheme": "http", "path": "/a.b/c"}),
    ("GET", "/?", "a:99999", {"scheme": "http", "domain": "a", "port": 80, "path": "/",
                              "query": "", "full": "http://a/?"}),
    ("GET", "?x", "a b:c", {"scheme": "http", "path": "/", "query": "x"}),
])
def test_targets(method: str, target: str, host: str, fields: dict[str, Any]) -> None:
    assert url_fields(method, target, host) == {
        "url.original": target, **{f"url.{name}": value for name, value in fields.items()}}


def test_passwords() -> None:
    assert password_of("http://a:b:c@h/x@y:z@") == "b:c"
    assert password_of("a:b@h:1") == "b"
    assert password_of("/a:b") == password_of("http://a@h/") == ""


def test_names_and_addresses() -> None:
    assert is_name("www.example.com") and is_name("1.example")
    assert not is_name("192.0.2.1") and not is_name("[2001:db8::1]")
