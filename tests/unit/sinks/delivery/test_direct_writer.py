"""Syslog URLs, and the sink's patience: retries, back-off, accounts. No waiting: time is given."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

import pytest

from sensor.config import Config, SinkLimits
from sensor.errors import ConfigError
from sensor.model.alert import Alert
from sensor.sinks.delivery.direct_writer import BACKOFF, RETRY_PAUSES_S, DirectWriter
from sensor.sinks.syslog.formats import rfc5424
from sensor.sinks.syslog.sink import SyslogWire, open_syslog
from sensor.sinks.syslog.url import Address, parse_address

ALERT = Alert("a", "r", "name", "low", 21.0, 0, "message", {})


@pytest.mark.parametrize(
    ("url", "address", "shown"),
    [
        ("unix:///dev/log", Address("unix", path="/dev/log"), "unix:///dev/log"),
        ("udp://192.0.2.1", Address("udp", "192.0.2.1", 514), "udp://192.0.2.1:514"),
        ("udp://[::1]:5514", Address("udp", "::1", 5514), "udp://[::1]:5514"),
        ("tcp://log.example", Address("tcp", "log.example", 601), "tcp://log.example:601"),
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
        ("udp://h:99999", "[Pp]ort out of range"),
        ("udp://h:0", "port 0"),
        ("udp://h:syslog", "[Pp]ort could not"),
        ("udp://[::1", "Invalid IPv6 URL"),
        ("udp://h/path", "only a host and a port"),
        ("udp://user@h", "only a host and a port"),
        ("udp://a..b", "cannot be a host name"),
        ("udp://h?facility=nonsense", "no facility nonsense"),
        ("udp://h?nonsense=1", "cannot use nonsense"),
        ("udp://h?cafile=x", "cannot use cafile"),
        ("udp://h?nonsense", "bad query field"),
        ("udp://h#part", "cannot use #part"),
        ("unix://dev/log", "three slashes"),
        ("unix:///a%00b", "three slashes"),
        ("tls://h?cafile=/does/not/exist", "No such file"),
    ],
)
def test_bad_urls_say_what_is_wrong_and_what_is_allowed(url: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        open_syslog(url, "rfc5424", Config())
    assert "allowed: unix:///PATH, udp://HOST[:514]" in str(caught.value)


def test_a_bad_format_or_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="rfc5424, rfc3164, cee, cef"):
        open_syslog("udp://127.0.0.1", "json", Config())
    with pytest.raises(ConfigError, match="at least 480"):
        open_syslog("udp://h", "cee", Config(sink=SinkLimits(syslog_message_bytes=100)))


class Server:
    """A transport whose far end does what the test says; its time is the test's."""

    datagrams = True
    proves = True

    def __init__(self, *, up: bool = True, attempt_s: float = 0.0) -> None:
        self.up = up
        self.attempt_s = attempt_s
        self.failure: OSError = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
        self.now_s = 0.0
        self.slept_s: list[float] = []
        self.attempts = 0
        self.got: list[bytes] = []
        self.came_back: list[OSError] = []

    def connect(self) -> None:
        self.attempts += 1
        self.now_s += self.attempt_s
        if not self.up:
            raise self.failure

    def send(self, message: bytes) -> None:
        if not self.up:
            raise self.failure
        self.got.append(message)

    def refused(self, wait_s: float = 0.0) -> OSError | None:
        return self.came_back.pop() if self.came_back else None

    def check(self) -> None:
        pass

    def drop(self) -> None:
        pass

    def close(self) -> None:
        pass

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds

    def sink(self) -> DirectWriter:
        backoff = replace(BACKOFF, now_s=lambda: self.now_s, sleep=self.sleep)
        return DirectWriter(SyslogWire(Address("udp", "h", 514), rfc5424, 2048, self), backoff)


def test_a_lost_server_is_tried_a_few_times_then_left_alone() -> None:
    server = Server()
    sink = server.sink()
    sink.emit(ALERT)
    server.up = False
    for _ in range(1000):
        sink.emit(ALERT)
    assert (sink.delivered, sink.dropped, sink.retried) == (1, 1000, len(RETRY_PAUSES_S))
    assert server.slept_s == list(RETRY_PAUSES_S)
    assert sink.error == "no syslog server at h port 514 (udp): refused"


def test_the_pauses_between_attempts_grow_to_a_minute() -> None:
    server = Server(up=False)
    sink = server.sink()
    at_s = []
    while len(at_s) < 9:
        before = server.attempts
        server.now_s += 0.5
        sink.emit(ALERT)
        if server.attempts > before:
            at_s.append(server.now_s)
    gaps = [later - earlier for earlier, later in zip([0.0, *at_s], at_s, strict=False)]
    assert gaps == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert server.slept_s == []
    assert sink.delivered == 0


def test_a_server_that_comes_back_is_used_again() -> None:
    server = Server(up=False)
    sink = server.sink()
    sink.emit(ALERT)
    server.up = True
    server.now_s += 1
    sink.emit(ALERT)
    sink.emit(ALERT)
    assert (sink.delivered, sink.dropped) == (2, 1)
    assert len(server.got) == 2


def test_waiting_for_a_silent_server_is_a_tenth_of_the_run_at_most() -> None:
    server = Server(up=False, attempt_s=5.0)
    server.failure = TimeoutError(errno.ETIMEDOUT, "timed out")
    sink = server.sink()
    for _ in range(10_000):
        server.now_s += 0.1
        sink.emit(ALERT)
    waited_s = 5.0 * server.attempts
    assert server.attempts > 2, "it does try again"
    assert waited_s <= server.now_s / 10 + 5.0


def test_a_timeout_is_not_repeated_at_once() -> None:
    server = Server()
    sink = server.sink()
    server.up = False
    server.failure = TimeoutError(errno.ETIMEDOUT, "timed out")
    sink.emit(ALERT)
    assert (sink.dropped, sink.retried, server.slept_s) == (1, 0, [])


def test_a_message_too_large_costs_itself_only() -> None:
    server = Server()
    sink = server.sink()
    server.up = False
    server.failure = OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
    sink.emit(ALERT)
    server.up = True
    sink.emit(ALERT)
    assert (sink.delivered, sink.dropped, sink.retried, server.attempts) == (1, 1, 0, 1)
    assert sink.error is not None
    assert "Message too long" in sink.error


def test_what_the_network_sends_back_was_not_delivered() -> None:
    server = Server()
    sink = server.sink()
    sink.emit(ALERT)
    server.came_back.append(ConnectionRefusedError(errno.ECONNREFUSED, "refused"))
    sink.close()
    assert (sink.delivered, sink.dropped) == (0, 1)
    assert sink.error == "no syslog server at h port 514 (udp): refused"
