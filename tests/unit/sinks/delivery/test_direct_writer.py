"""The patience of a sink: retries and accounts. No waiting: time is given."""

from __future__ import annotations

import errno
import os

from sensor.sinks.delivery.direct_writer import RETRY_PAUSES_S
from tests.unit.sinks.delivery.server import ALERT, Server


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
