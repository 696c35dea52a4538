"""The way to Elasticsearch or OpenSearch: a message is a request, and arrives with its answer.

By Python's own HTTP client: the interface is one request, which both servers have alike, and the
client of each refuses the server of the other.

Source: Elasticsearch reference, "Bulk API"; OpenSearch documentation, "Bulk".
"""

from __future__ import annotations

import contextlib
import errno
import http.client
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from sensor.base.escape import harmless
from sensor.errors import reason_of
from sensor.sinks.delivery.transport import Rejected
from sensor.sinks.elasticsearch.url import Address, bad_url

if TYPE_CHECKING:
    import ssl

ANSWER_BYTES_MAX = 16 << 20
REASON_CHARACTERS_MAX = 200
CONFLICT, TOO_LARGE, TOO_MANY = 409, 413, 429


class BulkTransport:
    """Requests over one connection that is kept; `send` returns when the server has the documents.

    A message is a body packed by gzip, whose documents the server may take one and refuse another.
    """

    datagrams = True
    proves = True
    confirmed = 0

    def __init__(self, address: Address, timeout_s: float, tls: ssl.SSLContext | None) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._tls = tls
        self._connection: http.client.HTTPConnection | None = None
        self._headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip",
                         "Accept": "application/json", "User-Agent": "flow-sensor"}
        if address.authorization:
            self._headers["Authorization"] = address.authorization

    def connect(self) -> None:
        self.drop()
        host, port = self._address.host, self._address.port
        if self._tls is not None:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=self._timeout_s, context=self._tls)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        connection.connect()
        self._connection = connection

    def send(self, message: bytes) -> None:
        assert self._connection is not None
        try:
            self._connection.request("POST", self._address.target(), message, self._headers)
            answer = self._connection.getresponse()
            body = answer.read(ANSWER_BYTES_MAX)
            is_whole = answer.isclosed()
        except http.client.HTTPException as error:
            if isinstance(error, OSError):  # hung up before it answered
                raise
            raise OSError(errno.EPROTO, f"no HTTP: {type(error).__name__}") from None
        if not is_whole:
            raise OSError(errno.EPROTO, "its answer is too long")
        if answer.status == TOO_LARGE:
            raise OSError(errno.EMSGSIZE, "HTTP 413: the server takes no request of that size")
        if answer.status != http.client.OK:
            # Not the documents are wrong, but the key, the path or the moment: they are kept.
            raise OSError(errno.EAGAIN, f"HTTP {answer.status}: {_reason(_parsed(body))}")
        check_answer(_parsed(body))

    def flush(self, wait_s: float) -> bool:
        return True

    def refused(self, wait_s: float = 0.0) -> OSError | None:
        return None

    def check(self) -> None:
        """Nothing: a request shows it."""

    def drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None

    def close(self, wait_s: float) -> None:
        self.drop()


def check_answer(answer: Any) -> None:
    """See what became of each document.

    Errors: OSError if some have to be sent again, and then all may be: those that are there are not
    doubled. Rejected if the server refuses some for good.
    """
    if not isinstance(answer, dict) or "errors" not in answer:
        raise OSError(errno.EPROTO, "it does not answer as Elasticsearch does")
    if not answer["errors"]:
        return
    refused: Counter[str] = Counter()
    items = answer.get("items")
    for item in items if isinstance(items, list) else ():
        result = item.get("create") if isinstance(item, dict) else None
        status = result.get("status") if isinstance(result, dict) else None
        if not isinstance(status, int):
            raise OSError(errno.EPROTO, "it does not answer as Elasticsearch does")
        if status == TOO_MANY or status >= http.client.INTERNAL_SERVER_ERROR:
            raise OSError(errno.EAGAIN, f"HTTP {status} of a document: {_reason(result)}")
        if status >= http.client.BAD_REQUEST and status != CONFLICT:
            refused[f"HTTP {status}: {_reason(result)}"] += 1
    if refused:
        (reason, _), = refused.most_common(1)
        raise Rejected(refused.total(), f"{refused.total()} documents refused: {reason}")


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _reason(answer: Any) -> str:
    """The reason that an answer gives, bounded and harmless to print."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict):
        error = f"{error.get('type')}: {error.get('reason')}"
    return harmless(str(error or "no reason given")[:REASON_CHARACTERS_MAX])


def tls_of(url: str, address: Address) -> ssl.SSLContext | None:
    """Certificates and host names are checked; None for http. Errors: ConfigError."""
    if address.scheme == "http":
        return None
    import ssl  # noqa: PLC0415  slow to import

    try:
        return ssl.create_default_context(cafile=address.cafile or None)
    except OSError as error:
        raise bad_url(url, f"cafile {address.cafile}: {reason_of(error)}") from None
