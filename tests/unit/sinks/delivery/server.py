"""A server that does what the test says, and an alert for it."""

from __future__ import annotations

import errno
from dataclasses import replace

from sensor.model.alert import Alert
from sensor.sinks.delivery.direct_writer import BACKOFF, DirectWriter
from sensor.sinks.syslog.formats import rfc5424
from sensor.sinks.syslog.sink import SyslogWire
from sensor.sinks.syslog.url import Address

ALERT = Alert("a", "r", "name", "low", 21.0, 0, "message", {})


class Server:
    """A transport whose far end does what the test says; its time is the test's."""

    datagrams = True
    proves = True
    confirmed = 0

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

    def flush(self, wait_s: float) -> bool:
        return True

    def refused(self, wait_s: float = 0.0) -> OSError | None:
        return self.came_back.pop() if self.came_back else None

    def check(self) -> None:
        pass

    def drop(self) -> None:
        pass

    def close(self, wait_s: float) -> None:
        pass

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds

    def sink(self) -> DirectWriter:
        backoff = replace(BACKOFF, now_s=lambda: self.now_s, sleep=self.sleep)
        return DirectWriter(SyslogWire(Address("udp", "h", 514), rfc5424, 2048, self), backoff)
