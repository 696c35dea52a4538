"""Syslog URLs: what they mean and what is wrong with those that mean nothing."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, unquote

from sensor.base.escape import harmless
from sensor.errors import ConfigError
from sensor.sinks.server_options import bad_option, options_in, split_url
from sensor.sinks.syslog.formats import DEFAULT_FACILITY, FACILITIES

DEFAULT_PORTS = {"udp": 514, "tcp": 601, "tls": 6514, "relp": 2514}
"""RFC 5426 3.3, RFC 6587 via IANA's syslog-conn, RFC 5425 4.1; RELP has none of its own: what the
examples of rsyslog's documentation use."""
ALLOWED = (
    "unix:///PATH, udp://HOST[:514], tcp://HOST[:601], tls://HOST[:6514] or relp://HOST[:2514],"
    " each with ?facility=NAME, tls also with ?cafile=FILE"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A syslog URL, taken apart and checked."""

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""
    """Of a Unix socket."""
    facility: int = FACILITIES[DEFAULT_FACILITY]
    cafile: str = ""
    """Certificates that a TLS server's must descend from; "": the machine's."""

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix://{harmless(self.path)}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{harmless(host)}:{self.port}"

    def place(self) -> str:
        """Return the server's address, for people."""
        if self.scheme == "unix":
            return f"at {harmless(self.path)}"
        return f"at {harmless(self.host)} port {self.port} ({self.scheme})"


def parse_address(url: str) -> Address:
    """The address that a syslog URL means.

    Errors: ConfigError says what is wrong and what is allowed.
    """
    try:
        parts, port = split_url(url)
        options = options_in(parts.query, ("facility", *(["cafile"] * (parts.scheme == "tls"))))
    except ValueError as error:
        raise bad_url(url, str(error)) from None
    facility = options.get("facility", DEFAULT_FACILITY)
    if facility not in FACILITIES:
        raise bad_url(url, f"no facility {facility}; there are {', '.join(FACILITIES)}")
    if parts.fragment:
        raise bad_url(url, "cannot use # here")
    if parts.scheme == "unix":
        if parts.netloc or not parts.path.startswith("/") or "%00" in parts.path:
            raise bad_url(url, "a Unix socket needs an absolute path behind three slashes")
        return Address("unix", path=unquote(parts.path), facility=FACILITIES[facility])
    return Address(
        parts.scheme,
        _checked_host(url, parts),
        port or DEFAULT_PORTS[parts.scheme],
        facility=FACILITIES[facility],
        cafile=options.get("cafile", ""),
    )


def _checked_host(url: str, parts: SplitResult) -> str:
    if parts.scheme not in DEFAULT_PORTS:
        raise bad_url(url, "no such kind of syslog server")
    if parts.username is not None or parts.path not in ("", "/"):
        raise bad_url(url, "only a host and a port may follow the slashes")
    if parts.port == 0:
        raise bad_url(url, "port 0 cannot be reached")
    if not parts.hostname:
        raise bad_url(url, "the host is missing")
    host = unquote(parts.hostname)
    try:
        host.encode("idna")
    except UnicodeError:
        raise bad_url(url, "the host cannot be a host name") from None
    return host


def bad_url(url: str, reason: str) -> ConfigError:
    return bad_option("syslog", url, reason, ALLOWED)
