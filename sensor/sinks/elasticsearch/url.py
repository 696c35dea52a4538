"""URLs of Elasticsearch and OpenSearch: what they mean and what is wrong with the others."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from sensor.base.escape import harmless
from sensor.errors import ConfigError
from sensor.sinks.server_options import bad_option, options_in, secret_in, split_url

PORT = 9200
OPTIONS = ("namespace", "cafile", "api_key_file", "user", "password_file", "pipeline")
ALLOWED = (
    "https://HOST[:9200][/PATH] or http://, with ?namespace=NAME, &cafile=FILE, &api_key_file=FILE,"
    " &user=NAME&password_file=FILE, &pipeline=NAME"
)
_NAMESPACE = re.compile(r"[a-z0-9_.]{1,100}")
"""What the name of a data stream can have in its last part: no capitals, no hyphen."""


@dataclass(frozen=True, slots=True)
class Address:
    """A URL, taken apart and checked."""

    scheme: str
    host: str
    port: int
    path: str = ""
    namespace: str = "default"
    cafile: str = ""
    """Certificates that the server's must descend from; "": the machine's."""
    authorization: str = ""
    """The header that says who we are; secret."""
    pipeline: str = ""
    """The ingest pipeline that documents are to go through; "": that of the index template."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{harmless(host)}:{self.port}{harmless(self.path)}"

    def place(self) -> str:
        """The server's address, for people."""
        return f"{harmless(self.host)} port {self.port} ({self.scheme})"

    def target(self) -> str:
        """The path of the bulk interface; of its answers only what is looked at is asked for."""
        query = "filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason"
        if self.pipeline:
            query += f"&pipeline={quote(self.pipeline, safe='')}"
        return f"{self.path}/_bulk?{query}"


def parse_address(url: str) -> Address:
    """The address that a URL means, with the secrets that its files hold.

    Errors: ConfigError says what is wrong and what is allowed.
    """
    try:
        parts, port = split_url(url)
        options = options_in(parts.query, OPTIONS)
    except ValueError as error:
        raise bad_url(url, str(error)) from None
    if parts.scheme not in ("http", "https") or parts.fragment:
        raise bad_url(url, "no such kind of server")
    if parts.username is not None or parts.password is not None:
        raise bad_url(url, "others could read a password there: name a file of it")
    if not parts.hostname or port == 0:
        raise bad_url(url, "the host is missing" if port != 0 else "port 0 cannot be reached")
    namespace = options.get("namespace", "default")
    if not _NAMESPACE.fullmatch(namespace):
        raise bad_url(url, f"namespace {namespace}: lower-case letters, digits, _ and . only")
    if options.get("cafile") and parts.scheme == "http":
        raise bad_url(url, "cafile is for https")
    return Address(
        parts.scheme, unquote(parts.hostname), port or PORT, parts.path.rstrip("/"), namespace,
        options.get("cafile", ""), _authorization(url, options), options.get("pipeline", ""),
    )  # fmt: skip


def _authorization(url: str, options: dict[str, str]) -> str:
    if ("user" in options) != ("password_file" in options) or (
            "user" in options and "api_key_file" in options):
        raise bad_url(url, "either api_key_file, or user and password_file")
    if path := options.get("api_key_file"):
        return f"ApiKey {_secret(url, path)}"
    if path := options.get("password_file"):
        pair = f"{options['user']}:{_secret(url, path)}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    return ""


def _secret(url: str, path: str) -> str:
    """The first line of a file. Errors: ConfigError."""
    try:
        secret = secret_in(path).strip()
        if not secret or not secret.isprintable():  # it becomes part of a header
            raise ValueError(f"{path}: there is no secret in its first line")
    except ValueError as error:
        raise bad_url(url, str(error)) from None
    return secret


def bad_url(url: str, reason: str) -> ConfigError:
    return bad_option("elasticsearch", url, reason, ALLOWED)
