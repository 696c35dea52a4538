"""Metrics: the sensor's status as Prometheus reads it, over HTTP from a thread of its own.

A scrape takes one snapshot and turns it into samples; nothing is counted here. docs/metrics.md
lists every metric.
"""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any

from sensor.base.escape import harmless
from sensor.errors import ConfigError, reason_of
from sensor.model.status import ALERTS, INTERFACE_UP, RECORDS, Status

if TYPE_CHECKING:  # prometheus_client takes a tenth of a second to import
    from prometheus_client.core import (
        CollectorRegistry,
        CounterMetricFamily,
        GaugeMetricFamily,
        Metric,
    )

LOOPBACK = "127.0.0.1"
PATH = "/metrics"
CONNECTIONS_MAX = 8
"""Scrapes at a time; further ones are answered that there are too many."""
REQUEST_TIMEOUT_S = 10.0
"""The longest that a client may take for its request; then it is answered that it was too long."""
HANG_UP_S = 2.0
"""The longest that it may take for the answer then."""
LEFT_BYTES_MAX = 1 << 20
"""So much of what a client goes on sending is read: unread, it would take the answer with it."""
BUSY = b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 10\r\n\r\n"

Rows = Iterable[tuple[tuple[str, ...], float]]
"""Values of labels, and the number."""


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:9464`, `[::1]:9464`, `localhost:9464`.

    Without a host (`:9464`) it is 127.0.0.1: who wants all addresses says so, `0.0.0.0:9464`.
    Port 0 lets the system choose one. Errors: ConfigError.
    """
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.%\w]+)\]|([\w.-]*)):([0-9]{1,5})", text, re.ASCII)
    if match is None or int(match[3]) > 65535 or not _is_host(match[1], match[2]):
        raise ConfigError(
            f"--metrics {harmless(text)}: must be ADDRESS:PORT, for example 127.0.0.1:9464 or"
            " [::1]:9464"
        )
    return match[1] or match[2] or LOOPBACK, int(match[3])


def _is_host(six: str | None, other: str | None) -> bool:
    """Return True if it is an IPv6 address (from brackets), or an IPv4 address or a name."""
    if six is not None:
        try:
            socket.inet_pton(socket.AF_INET6, six.partition("%")[0])
        except OSError:
            return False
        return True
    if other and re.fullmatch(r"[\d.]+", other):
        try:
            socket.inet_pton(socket.AF_INET, other)
        except OSError:
            return False
    return not (other and other.startswith(("-", ".")))


class Metrics:
    """Serves a status at http://ADDRESS/metrics from `start` to `close`.

    Opening and starting are two steps, because privileges are dropped between them: a wrong address
    is told before anything begins, and the threads start without capabilities.
    """

    def __init__(self, address: str, *, version: str = "unknown") -> None:
        """Take `address`.

        Errors: ConfigError if the address is wrong, taken or not this machine's.
        """
        from prometheus_client import CollectorRegistry  # noqa: PLC0415

        host, port = parse_address(address)
        self._registry = CollectorRegistry(auto_describe=False)
        self._version = version
        try:
            family, _, _, _, target = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            self._server = _server_class(family)(target, self._registry)
        except OSError as error:
            raise ConfigError(f"--metrics {harmless(address)}: {reason_of(error)}") from None
        bound = self._server.socket.getsockname()
        self.host, self.port = str(bound[0]), int(bound[1])
        """The address at which it listens."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metrics", daemon=True
        )

    def start(self, snapshot: Callable[[], Status]) -> None:
        """Answer from now on, in threads of its own, which call `snapshot`."""
        self._registry.register(StatusCollector(snapshot, self._version))
        self._thread.start()

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class StatusCollector:
    """A collector that gives a registry the newest status, as samples."""

    def __init__(self, snapshot: Callable[[], Status], version: str) -> None:
        self._snapshot = snapshot
        self._version = version
        self._started_s: float | None = None

    def collect(self) -> Iterator[Metric]:
        status = self._snapshot()
        if self._started_s is None:  # once: the wall clock may be set meanwhile
            self._started_s = round(status.wall_ns / 1e9 - status.elapsed_s, 3)
        build = {"version": self._version, "python": sys.version.split()[0]}
        yield _gauge("sensor_build_info", "Always 1; which sensor this is.",
                     tuple(build), [(tuple(build.values()), 1)])  # fmt: skip
        yield _gauge("sensor_start_time_seconds", "When the sensor started, Unix time.", (),
                     [((), self._started_s)])  # fmt: skip
        yield from _traffic(status)
        yield from _rules(status)
        yield from _sinks(status)
        yield _gauge("sensor_lag_seconds",
                     "Age of the newest frame at the moment when it was worked on.",
                     (), [((), status.lag_ns / 1e9)])  # fmt: skip
        yield _gauge("sensor_resident_memory_bytes",
                     "Resident memory, without the ring where the system tells it apart.",
                     (), [((), status.rss_bytes)])  # fmt: skip


def _traffic(status: Status) -> Iterator[Metric]:
    capture = status.capture
    for name, meaning, value in (
        ("sensor_kernel_frames", "Frames that the kernel had for the sensor, lost ones included.",
         capture.kernel_packets),
        ("sensor_kernel_dropped_frames", "Frames that did not fit into the ring and are lost.",
         capture.kernel_drops),
        ("sensor_ring_freezes", "How often the ring was full.", capture.ring_freezes),
        ("sensor_frames", "Frames that were worked on.", status.frames),
        ("sensor_frame_bytes", "Octets of these frames on the wire.", status.bytes),
        ("sensor_packets", "Frames that were sound packets.", status.packets),
        ("sensor_anomalous_frames", "Frames that were malformed.", status.anomalies),
        ("sensor_flows", "Flows that were seen.", status.flows_total),
        ("sensor_evicted_flows", "Flows that left early because the table was full.",
         status.evicted),
        ("sensor_followed_flows", "Flows whose payload an analyzer saw.",
         status.streams.get("flows", 0)),
        ("sensor_protocol_events", "What analyzers told.", status.streams.get("events", 0)),
        ("sensor_stream_gaps", "Gaps in what analyzers saw.", status.streams.get("gaps", 0)),
        ("sensor_skipped_segments", "Segments not analyzed because the sensor was late.",
         status.streams.get("skipped", 0)),
        ("sensor_failed_analyses", "Flows in which an analyzer was at fault.",
         status.streams.get("failed", 0)),
    ):  # fmt: skip
        yield _counter(name, meaning, (), [((), value)])
    yield _counter("sensor_flow_verdicts", "Flows that have ended, by verdict.", ("verdict",),
                   [((name,), count) for name, count in status.flows.items()])  # fmt: skip
    yield _gauge("sensor_open_flows", "Flows in the table now.", (), [((), status.flows_open)])
    yield _gauge("sensor_interface_up", "1 if the interface is there and up, else 0.",
                 ("interface",), [((one.name,), float(one.state == INTERFACE_UP))
                                  for one in status.interfaces])  # fmt: skip


def _rules(status: Status) -> Iterator[Metric]:
    for name, meaning, member in (
        ("sensor_rule_matches", "Flow events that the rule's query selected.", "matches"),
        ("sensor_alerts", "Alerts that the rule raised.", "alerts"),
        ("sensor_excepted_alerts", "Matches that an exception took out.", "excepted"),
        ("sensor_suppressed_alerts", "Matches held back by suppression or the rule's limit.",
         "suppressed"),
    ):  # fmt: skip
        rows = [((rule.id, rule.name), getattr(rule, member)) for rule in status.rules]
        yield _counter(name, meaning, ("rule_id", "rule"), rows)


def _sinks(status: Status) -> Iterator[Metric]:
    for family, kind, name, meaning, member in (
        (_counter, ALERTS, "sensor_sink_delivered_alerts", "Alerts that the sink delivered.",
         "delivered"),
        (_counter, ALERTS, "sensor_sink_dropped_alerts",
         "Alerts that the sink gave up and that are lost there.", "dropped"),
        (_counter, ALERTS, "sensor_sink_retries",
         "Attempts beyond the first to deliver an alert.", "retried"),
        (_gauge, ALERTS, "sensor_sink_waiting_alerts", "Alerts in the sink's queue or spool.",
         "waiting"),
        (_gauge, ALERTS, "sensor_sink_unconfirmed_alerts",
         "Alerts that the sink's server was sent and may not have read.", "unconfirmed"),
        (_gauge, ALERTS, "sensor_sink_recovering_alerts",
         "Alerts of earlier runs that still are in the sink's spool.", "recovering"),
        (_counter, RECORDS, "sensor_sink_written_records", "Flow records that were written.",
         "delivered"),
        (_counter, RECORDS, "sensor_sink_dropped_records",
         "Flow records that were given up and are lost.", "dropped"),
        (_gauge, RECORDS, "sensor_sink_waiting_records", "Flow records that wait to be written.",
         "waiting"),
    ):  # fmt: skip
        yield family(name, meaning, ("sink",), [((sink.name,), getattr(sink, member))
                                                for sink in status.sinks if sink.kind == kind])
    failing = [((sink.name,), float(sink.error is not None)) for sink in status.sinks]
    yield _gauge("sensor_sink_failing", "1 while something is wrong with the sink, else 0.",
                 ("sink",), failing)


def _counter(name: str, meaning: str, labels: tuple[str, ...], rows: Rows) -> Metric:
    """A counter; the library ends its samples' names with `_total`."""
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415

    return _filled(CounterMetricFamily(name, meaning, labels=labels), rows)


def _gauge(name: str, meaning: str, labels: tuple[str, ...], rows: Rows) -> Metric:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    return _filled(GaugeMetricFamily(name, meaning, labels=labels), rows)


def _filled(family: CounterMetricFamily | GaugeMetricFamily, rows: Rows) -> Metric:
    """The family with its rows. Two with the same labels would make a scraper refuse everything, so
    the second says that it is one."""
    seen: Counter[tuple[str, ...]] = Counter()
    for values, number in rows:
        shown = tuple(map(harmless, values))  # a lone surrogate would not go through UTF-8
        seen[shown] += 1
        if seen[shown] > 1:
            shown = (*shown[:-1], f"{shown[-1]} #{seen[shown]}")
        family.add_metric(shown, number)
    return family


class _Server(ThreadingMixIn, HTTPServer):
    """A thread for each connection, but not more than a few."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: Any, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._places = threading.BoundedSemaphore(CONNECTIONS_MAX)
        self._deadlines_s: dict[socket.socket, float] = {}
        """Until when each connection may last."""
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind, without the question for the host's name that HTTPServer would put to DNS."""
        if self.address_family == socket.AF_INET6:
            with contextlib.suppress(OSError):  # told [::], it means [::]
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "", 0

    def process_request(self, request: Any, client_address: object) -> None:
        if not self._places.acquire(blocking=False):
            with contextlib.suppress(OSError):
                request.setblocking(False)
                request.send(BUSY)
                request.recv(LEFT_BYTES_MAX)
            self.shutdown_request(request)
            return
        self._deadlines_s[request] = time.monotonic() + REQUEST_TIMEOUT_S
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._leave(request)
            raise

    def process_request_thread(self, request: Any, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._leave(request)

    def _leave(self, request: socket.socket) -> None:
        self._deadlines_s.pop(request, None)
        self._places.release()

    def service_actions(self) -> None:
        """Twice a second: read no more of those whose time is over, however busy they seem; then
        hang up on them.
        """
        now_s = time.monotonic()
        for request, deadline_s in list(self._deadlines_s.items()):
            if now_s >= deadline_s:
                is_late = now_s >= deadline_s + HANG_UP_S
                with contextlib.suppress(OSError):  # it has ended meanwhile
                    request.shutdown(socket.SHUT_RDWR if is_late else socket.SHUT_RD)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up early is nothing to talk about."""


def _server_class(family: int) -> type[_Server]:
    return type("_Server", (_Server,), {"address_family": family})


class _Handler(BaseHTTPRequestHandler):
    """Answers `GET /metrics`, and whatever else comes with a status that is no success."""

    timeout = REQUEST_TIMEOUT_S + HANG_UP_S
    server_version, sys_version = "sensor", ""
    default_request_version = "HTTP/1.0"
    """Of a request that names none: before that there was no status line."""
    raw_requestline: bytes
    command = requestline = ""
    request_version = default_request_version

    def handle_one_request(self) -> None:
        super().handle_one_request()
        if not self.raw_requestline:
            self.send_error(408)

    def parse_request(self) -> bool:
        if not self.raw_requestline.split():
            self.close_connection = True
            self.send_error(400)
            return False
        return super().parse_request()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer with the status alone: what was asked is not repeated."""
        self._answer(code, "text/plain", f"{code} {self.responses[HTTPStatus(code)][0]}\n".encode())
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(HANG_UP_S)
            left = LEFT_BYTES_MAX
            while left > 0 and (octets := self.connection.recv(1 << 16)):
                left -= len(octets)

    def do_GET(self) -> None:
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415

        if self.path.partition("?")[0] != PATH:
            self._answer(404, "text/plain", f"metrics are at {PATH}\n".encode())
            return
        try:
            body = generate_latest(self.server.registry)  # type: ignore[attr-defined]
        except Exception as error:  # a defect here must not look like a dead sensor
            self._answer(500, "text/plain", f"{type(error).__name__}\n".encode())
            return
        self._answer(200, CONTENT_TYPE_LATEST, body)

    do_HEAD = do_GET

    def _answer(self, code: int, kind: str, body: bytes) -> None:
        self.close_connection = True
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are no news."""
