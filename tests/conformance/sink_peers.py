"""Alerts to send, and servers on loopback that keep what they receive: fakes at the sinks' seam."""

from __future__ import annotations

import contextlib
import fcntl
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sensor.model.alert import Alert
from sensor.sinks import SINKS, SinkOptions
from sensor.sinks.base import Sink

TLS = Path(__file__).parent / "tls"
CERTIFICATE = TLS / "cert.pem"

HOSTILE_TEXTS = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred",
    "line one\nline two\r\n<14>1 2026-01-01T00:00:00Z forged - - - - forged",
    "nul \x00 del \x7f csi \x9b31m nel \x85",
    'quotes " and ] and \\ and | and = and [x@1 y="z"]',
    "override \u202egnp.exe\u202c zero\u200bwidth \u2066isolate\u2069 sep\u2028arator\u2029",
    "surrogates \ud800 \udfff \udc80",
    "10 kB " + "A" * 10_000,
    "long " + "\u00e9\u4e16" * 5_000,
    "@cee: {} %s %(x)s {0} [bold]markup[/bold]",
    "\\",
)


def alert_with(text: str, **changes: Any) -> Alert:
    """An alert that has `text` in every place where text of strangers can come to stand."""
    document = {
        "@timestamp": "2026-01-02T03:04:05.678901234Z",
        "message": text,
        "source": {"ip": "192.0.2.10", "port": 50432, "user": {"name": text}},
        "destination": {"ip": "198.51.100.7", "port": 23, "domain": text},
        "network": {"transport": text, "direction": "outbound", "community_id": text},
        "sensor": {"flow": {"verdict": text, "evidence": [text, "handshake"]}},
        "process": {"name": text, "pid": 42},
        "user": {"name": text},
        "host": {"hostname": text},
        "observer": {"version": text},
        text: text,
    }
    fields: dict[str, Any] = {
        "id": text, "rule_id": text, "rule_name": text, "severity": "medium", "risk_score": 47.0,
        "time_ns": 1_767_323_045_678_901_234, "message": text, "document": document,
    }  # fmt: skip
    return Alert(**(fields | changes))


def telnet_alert(number: int = 0, **changes: Any) -> Alert:
    """The alert of the documentation's example, with `number` in its id."""
    document = {
        "@timestamp": "2026-01-02T03:04:05.678901234Z",
        "source": {"ip": "192.0.2.10", "port": 50432},
        "destination": {"ip": "198.51.100.7", "port": 23},
        "network": {
            "transport": "tcp",
            "direction": "outbound",
            "community_id": "1:wCb3OG7yAFWelaUydu0D+125CLM=",
        },
        "sensor": {"flow": {"verdict": "accepted", "evidence": "handshake"}},
    }
    fields: dict[str, Any] = {
        "id": f"alert-{number}",
        "rule_id": "accepted-default-telnet",
        "rule_name": "Accepted Default Telnet Port Connection",
        "severity": "medium",
        "risk_score": 47.0,
        "time_ns": 1_767_323_045_678_901_234,
        "message": "Telnet from 192.0.2.10 to 198.51.100.7 was accepted",
        "document": document,
    }
    return Alert(**(fields | changes))


class DatagramPeer:
    """Receives datagrams until it is closed, or until an empty one comes."""

    def __init__(self, family: int, place: Any) -> None:
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(place)
        self.received: list[bytes] = []
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def _receive(self) -> None:
        while message := self.socket.recv(1 << 20):
            self.received.append(message)

    def messages(self) -> list[bytes]:
        """What came so far; nothing is received after that."""
        if self._thread.is_alive():
            with socket.socket(self.socket.family, socket.SOCK_DGRAM) as last:
                last.sendto(b"", self.socket.getsockname())
            self._thread.join()
        return self.received

    def close(self) -> None:
        self.messages()
        self.socket.close()


class JournalPeer(DatagramPeer):
    """Receives entries of the journal's native protocol; a file in memory counts as a datagram."""

    def __init__(self, path: str) -> None:
        self.files = 0
        super().__init__(socket.AF_UNIX, path)

    def _receive(self) -> None:
        while True:
            entry, descriptors, _, _ = socket.recv_fds(self.socket, 1 << 20, 1)
            for descriptor in descriptors:
                with open(descriptor, "rb") as file:
                    assert fcntl.fcntl(file, fcntl.F_GET_SEALS) & fcntl.F_SEAL_WRITE
                    file.seek(0)
                    entry = file.read()
                self.files += 1
            if not entry:
                return
            self.received.append(entry)


def journal_fields(entry: bytes) -> dict[str, bytes]:
    """The fields of an entry, by the rules of the protocol; all of it must parse."""
    fields = {}
    while entry:
        line, _, rest = entry.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(rest[:8], "little")
            value, rest = rest[8 : 8 + size], rest[8 + size :]
            assert rest[:1] == b"\n"
            rest = rest[1:]
        assert re.fullmatch(rb"[A-Z][A-Z0-9_]{0,63}", name), name
        fields[name.decode()] = value
        entry = rest
    return fields


def until(condition: Callable[[], object], what: str = "") -> None:
    """Look again and again until the condition holds; half a minute is too long."""
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"waited in vain: {what}")


class StreamPeer:
    """Accepts connections one after another and keeps all octets of each.

    `hang_up_after` closes that many connections after their first octets; `hung_up` tells when.
    """

    def __init__(
        self, family: int, place: Any, *, tls: bool = False, hang_up_after: int = 0
    ) -> None:
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(place)
        self.socket.listen()
        self.hung_up = threading.Event()
        self.connections: list[bytes] = []
        self._hang_ups = hang_up_after
        self._connection: socket.socket | None = None
        self._context = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(CERTIFICATE, TLS / "key.pem")
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                with contextlib.suppress(ssl.SSLError, ConnectionError):
                    self._receive(connection)
                connection.close()

    def _receive(self, connection: socket.socket) -> None:
        if self._context:
            connection = self._context.wrap_socket(connection, server_side=True)
        self._connection = connection
        with connection:
            self.connections.append(b"")
            while octets := connection.recv(1 << 16):
                self.connections[-1] += octets
                if self._hang_ups:
                    break
        if self._hang_ups:
            self._hang_ups -= 1
            self.hung_up.set()

    def vanish(self) -> None:
        """Hang up, and refuse from now on."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
        self.close()

    def close(self) -> None:
        """Refuse from now on; `connections` is complete."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self._thread.join()


def counted(stream: bytes) -> list[bytes]:
    """The messages of a stream framed by octet counting (RFC 6587 3.4.1); all of it must parse."""
    messages = []
    while stream:
        length, _, rest = stream.partition(b" ")
        size = int(length)
        assert length == b"%d" % size, "MSG-LEN has no sign and no leading zero"
        assert len(rest) >= size, "the last message is torn"
        messages.append(rest[:size])
        stream = rest[size:]
    return messages


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 where nobody listens."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def open_sink(target: str, options: SinkOptions | None = None) -> Sink:
    """The sink of a target: `json`, `file:alerts.ndjson`, `udp://[::1]:514`, `journald:/PATH`."""
    name, _, rest = target.partition(":")
    if name == "http":
        return SINKS["elasticsearch"](target, options or SinkOptions())
    if "://" in target:
        return SINKS["syslog"](target, options or SinkOptions())
    return SINKS[name](rest if name == "file" else target, options or SinkOptions())
