"""A strict fake of the bulk interface of Elasticsearch, written from its reference ("Bulk API").

It holds data streams: documents by index and id. What a real one refuses, it refuses: another
operation than `create`, a document without @timestamp or for another data stream, a body that does
not end with a line end, an unknown parameter, a wrong key.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.conformance.sink_peers import CERTIFICATE, TLS

STREAM = re.compile(r"logs-([a-z0-9_.]+)-([a-z0-9_.]+)")
PARAMETERS = {"filter_path", "pipeline"}
Documents = dict[tuple[str, str], dict[str, Any]]


class BulkServer:
    """The server; `documents` outlives it when it is given to another one."""

    def __init__(
        self, documents: Documents | None = None, *, port: int = 0, tls: bool = False, key: str = ""
    ) -> None:
        self.documents: Documents = {} if documents is None else documents
        self.key = key
        self.requests = 0
        self.conflicts = 0
        self.faults: list[str] = []
        """What befalls the next requests: a status, `lost` (stored, and no answer), `hang`."""
        self.item_status: Callable[[dict[str, Any]], int] = lambda document: 201
        """What becomes of a document that nothing else is wrong with."""
        self.pipelines: set[str] = set()
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._connections: set[Any] = set()
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE, TLS / "key.pem")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        """End as one that is killed does: its connections are gone."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def of(self, dataset: str, namespace: str = "default") -> dict[str, dict[str, Any]]:
        """The documents of a data stream, by id."""
        index = f"logs-{dataset}-{namespace}"
        return {identity: document for (found, identity), document in self.documents.items()
                if found == index}

    def indices(self) -> set[str]:
        return {index for index, _ in self.documents}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                server._connections.add(self.connection)

            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.requests += 1
                fault = server.faults.pop(0) if server.faults else ""
                if fault == "hang":
                    server.released.wait(60)
                    self.close_connection = True
                    return
                if fault.isdigit():
                    self.answer(int(fault), {"error": {"type": "es_rejected_execution_exception",
                                                       "reason": "too busy"}})
                    return
                status, answer = server.bulk(self.path, dict(self.headers), body)
                if fault == "lost":
                    self.close_connection = True
                    return
                self.answer(status, answer)

            def answer(self, status: int, answer: dict[str, Any]) -> None:
                octets = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(octets)))
                with contextlib.suppress(OSError):  # who asked may be gone
                    self.end_headers()
                    self.wfile.write(octets)

        return Handler

    def bulk(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """Store the documents of a request: status and answer."""
        parts = urlsplit(path)
        query = parse_qs(parts.query)
        if self.key and headers.get("Authorization") != f"ApiKey {self.key}":
            return 401, refusal("security_exception", "missing authentication credentials")
        if parts.path != "/_bulk" or set(query) - PARAMETERS:
            return 400, refusal("illegal_argument_exception", "unrecognized parameter")
        if headers["Content-Type"] != "application/x-ndjson":
            return 406, refusal("media_type_header_exception", "invalid media-type")
        self.pipelines.update(query.get("pipeline", []))
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if not body.endswith(b"\n"):
            return 400, refusal("illegal_argument_exception", "must be terminated by a newline")
        lines = [json.loads(line) for line in body.split(b"\n")[:-1]]
        pairs = list(zip(lines[::2], lines[1::2], strict=True))
        items = [{"create": self._create(action, document)} for action, document in pairs]
        failed = any(item["create"]["status"] >= 300 for item in items)
        return 200, {"errors": failed, "items": items}

    def _create(self, action: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
        (operation, target), = action.items()
        index, identity = target["_index"], target["_id"]
        if wrong := self._wrong(operation, index, identity, document):
            return {"status": 400, **refusal("illegal_argument_exception", wrong)}
        if (index, identity) in self.documents:
            self.conflicts += 1
            return {"status": 409, **refusal("version_conflict_engine_exception",
                                             "document already exists")}
        status = self.item_status(document)
        if status != 201:
            return {"status": status, **refusal("some_exception", "as the test says")}
        self.documents[index, identity] = document
        return {"status": 201}

    def _wrong(
        self, operation: str, index: str, identity: str, document: dict[str, Any]
    ) -> str:
        """What a data stream would refuse a document for."""
        match = STREAM.fullmatch(index)
        if operation != "create" or match is None:
            return "only write ops with an op_type of create are allowed in data streams"
        if "@timestamp" not in document:
            return "data stream timestamp field [@timestamp] is missing"
        placed = {"type": "logs", "dataset": match[1], "namespace": match[2]}
        if document.get("data_stream", placed) != placed:
            return "[constant_keyword] field only accepts values that are equal"
        return "id is too long" if len(identity.encode()) > 512 else ""


def refusal(kind: str, reason: str) -> dict[str, Any]:
    return {"error": {"type": kind, "reason": reason}}
