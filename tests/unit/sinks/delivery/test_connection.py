"""When a connection is tried again: pauses grow, and little time is lost. Time is given."""

from __future__ import annotations

import errno

from tests.unit.sinks.delivery.server import ALERT, Server


def test_the_pauses_between_attempts_grow_to_five_seconds() -> None:
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
    assert gaps == [1, 2, 4, 5, 5, 5, 5, 5, 5]
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
