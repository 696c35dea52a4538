"""What Telnet servers asked others for, after somebody may have got in: HTTP and TLS."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from sensor.ecs.alert_text import endpoint
from sensor.ecs.event_batch import EventBatch
from sensor.ecs.field_text import value_at
from sensor.ecs.said_text import handshake_words, request_words, tls_request
from sensor.model.columns import Document

SERVERS_MAX = 500
"""Telnet servers whose exchanges are kept, the ones of the newest sessions."""
EXCHANGES_EACH_MAX = 50
"""Exchanges of one server, the newest ones: with all servers 25,000, at most 45 MB."""
SESSION_EXCHANGES_MAX = 20
"""Exchanges behind one session, the first ones: a bot's scans must not hide its download."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with its answer, or a TLS handshake; text from outside is harmless already."""

    at: str
    """When it was complete, as documents have times."""
    flow_id: str
    target: str
    """Address and port of the other side."""
    request: str = ""
    """`GET http://192.0.2.1/x`; empty of TLS."""
    answer: str = ""
    """`200 OK, text/html, 5.6 kB`; of TLS whether the handshake worked."""
    server_name: str = ""
    """The name that TLS asks for (SNI)."""

    @property
    def words(self) -> str:
        """All of it in a line."""
        return f"{self.request or tls_request(self.server_name)}: {self.answer}"


@dataclass(slots=True)
class _Server:
    session: str = ""
    """`flow.id` of the newest session."""
    room: int = 0
    kept: deque[Exchange] = field(default_factory=lambda: deque(maxlen=EXCHANGES_EACH_MAX))


class Exchanges:
    """Stands where the file of protocol events is, and keeps what Telnet servers asked for."""

    def __init__(self) -> None:
        self.left_out = 0
        self._servers: dict[str, _Server] = {}

    def write(self, events: EventBatch) -> None:
        """Keep the exchanges of hosts that were servers of a Telnet session before."""
        for document in events.documents:
            action = str(value_at(document, "event.action"))
            if action.startswith("telnet_"):
                if value_at(document, "telnet.login.outcome") != "failure":
                    self._note_server(document)
            elif action in ("http_transaction", "tls_handshake"):
                self._keep(document, action)

    def of_flow(self, client: str, flow_id: str) -> list[Exchange]:
        """Those of one connection that a server opened."""
        server = self._servers.get(client)
        return [one for one in server.kept if one.flow_id == flow_id] if server else []

    def after(self, client: str, since: str) -> list[Exchange]:
        """Those of a server that were complete later, in order of time."""
        server = self._servers.get(client)
        return [one for one in server.kept if one.at > since] if server else []

    def _note_server(self, document: Document) -> None:
        """Somebody may be in: what the server does from now on is of interest."""
        name, flow_id = str(value_at(document, "destination.ip")), value_at(document, "flow.id")
        server = self._servers.pop(name, None) or _Server()
        if server.session != flow_id:
            server.session, server.room = str(flow_id), SESSION_EXCHANGES_MAX
        self._servers[name] = server
        if len(self._servers) > SERVERS_MAX:
            del self._servers[next(iter(self._servers))]

    def _keep(self, document: Document, action: str) -> None:
        server = self._servers.get(str(value_at(document, "source.ip")))
        if server is None:
            return
        if not server.room:
            self.left_out += 1
            return
        server.room -= 1
        self.left_out += len(server.kept) == EXCHANGES_EACH_MAX
        server.kept.append(
            _transaction(document) if action == "http_transaction" else _handshake(document))


def _transaction(document: Document) -> Exchange:
    """A request of HTTP, and its answer."""
    request, answer = request_words(document)
    return Exchange(*_place(document), request, answer)


def _handshake(document: Document) -> Exchange:
    """A handshake of TLS."""
    name, answer = handshake_words(document)
    return Exchange(*_place(document), answer=answer, server_name=name)


def _place(document: Document) -> tuple[str, str, str]:
    """When, in which connection, with whom."""
    return (str(document["@timestamp"]), str(value_at(document, "flow.id")),
            endpoint(document, "destination"))  # fmt: skip
