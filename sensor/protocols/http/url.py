"""What a request asks for, as `url.*` (RFC 9110 4, RFC 9112 3.2)."""

from __future__ import annotations

import re

from sensor.protocols.analyzer import Value

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
_ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,31})://([^/?#]*)(.*)\Z", re.S)
_AUTHORITY = re.compile(r"(?:([^@]*)@)?(\[[^\]]*\]|[^:@\[]*)(?::(\d{0,5}))?\Z", re.S)
_EXTENSION = re.compile(r"\.([A-Za-z0-9_~-]{1,32})\Z")
_ADDRESS = re.compile(r"\[.*\]\Z|(?:[0-9]+\.){3}[0-9]+\Z", re.S)
"""RFC 3986 3.2.2."""
PORT_MAX = 65_535


def password_of(target: str) -> str:
    """The password that stands in a target or in Host; "" if there is none."""
    found = _ABSOLUTE.match(target)
    authority = found[2] if found is not None else target
    return authority.rpartition("@")[0].partition(":")[2]


def url_fields(method: str, target: str, host: str) -> dict[str, Value]:
    """The fields of a request's URL; `host` is the value of Host, "" if there is none.

    In texts whose passwords are masked, the masks take their place.
    """
    fields: dict[str, Value] = {"url.original": target}
    if method == "CONNECT":
        return fields | _authority_fields(target, 0)
    scheme, authority, rest = "http", host, target
    found = _ABSOLUTE.match(target)
    if found is not None:
        scheme, authority, rest = found[1].lower(), found[2], found[3]
    fields["url.scheme"] = scheme
    fields |= _authority_fields(authority, PORTS.get(scheme, 0))
    fields |= _path_fields(rest)
    if found is not None:
        fields["url.full"] = target
    elif domain := fields.get("url.domain"):
        port = fields.get("url.port", PORTS["http"])
        place = f"{domain}:{port}" if port != PORTS["http"] else domain
        fields["url.full"] = f"http://{place}{rest if rest.startswith('/') else ''}"
    return fields


def _authority_fields(authority: str, port: int) -> dict[str, Value]:
    """User, host and port; `port` is meant where none stands."""
    found = _AUTHORITY.match(authority)
    if found is None or not found[2]:
        return {}
    fields: dict[str, Value] = {"url.domain": found[2].lower()}
    if found[3] and int(found[3]) <= PORT_MAX:
        port = int(found[3])
    if port:
        fields["url.port"] = port
    if found[1] is not None:
        user, colon, password = found[1].partition(":")
        fields["url.username"] = user
        if colon:
            fields["url.password"] = password
    return fields


def _path_fields(rest: str) -> dict[str, Value]:
    rest, _, fragment = rest.partition("#")
    path, mark, query = rest.partition("?")
    fields: dict[str, Value] = {"url.path": path or "/"}
    if mark:
        fields["url.query"] = query
    if fragment:
        fields["url.fragment"] = fragment
    if found := _EXTENSION.search(path.rpartition("/")[2]):
        fields["url.extension"] = found[1]
    return fields


def is_name(domain: str) -> bool:
    """True if a host is named, not given by its address."""
    return _ADDRESS.match(domain) is None
