"""What is forgotten of a connection, and what is sent again when it is gone. Time is given."""

from __future__ import annotations

import errno

from sensor.sinks.delivery.transport import PeerClosed
from sensor.sinks.delivery.unconfirmed import ENDINGS_MAX, RECENT_S, Unconfirmed

RESET = ConnectionResetError(errno.ECONNRESET, "reset")
ENDED = PeerClosed(errno.ECONNRESET, "ended")


def kept(*numbers: int, sent_s: float = 0.0) -> Unconfirmed[int]:
    made: Unconfirmed[int] = Unconfirmed()
    made.begin(0.0)
    for number in numbers:
        made.keep(number, sent_s)
    return made


def test_what_has_arrived_for_certain_is_told_once_and_in_order() -> None:
    unconfirmed = kept(1, 2, 3, 4)
    assert unconfirmed.confirm(0) == []
    assert unconfirmed.confirm(2) == [1, 2]
    assert unconfirmed.confirm(2) == []
    assert unconfirmed.all() == [3, 4]
    assert unconfirmed.confirm(4) == [3, 4]
    assert len(unconfirmed) == 0


def test_all_else_of_a_connection_that_was_reset_is_sent_again() -> None:
    unconfirmed = kept(1, 2, 3)
    unconfirmed.confirm(1)
    assert unconfirmed.end(RESET, 1e9) == ([], [2, 3])
    unconfirmed.begin(1e9)
    unconfirmed.keep(2, 1e9)
    assert unconfirmed.confirm(1) == [2], "the next connection counts from its own start"


def test_of_a_connection_that_was_ended_in_order_the_last_moments_are_sent_again() -> None:
    unconfirmed = kept(1, sent_s=0.0)
    unconfirmed.keep(2, RECENT_S)
    assert unconfirmed.end(ENDED, RECENT_S + 0.5) == ([1], [2])


def test_a_server_that_ends_after_each_message_gets_it_a_few_times_only() -> None:
    unconfirmed: Unconfirmed[int] = Unconfirmed()
    ends = []
    for attempt in range(ENDINGS_MAX):
        unconfirmed.begin(attempt * 0.1)
        unconfirmed.keep(1, attempt * 0.1)
        ends.append(unconfirmed.end(ENDED, attempt * 0.1))
    assert ends == [*[([], [1])] * (ENDINGS_MAX - 1), ([1], [])]


def test_a_server_that_is_killed_soon_again_and_again_gets_all_that_it_may_have_lost() -> None:
    unconfirmed: Unconfirmed[int] = Unconfirmed()
    for attempt in range(2 * ENDINGS_MAX):
        unconfirmed.begin(attempt * 0.1)
        unconfirmed.keep(1, attempt * 0.1)
        unconfirmed.keep(2, attempt * 0.1)
        assert unconfirmed.end(ENDED, attempt * 0.1) == ([], [1, 2])


def test_a_connection_that_has_lasted_tells_of_no_such_server() -> None:
    unconfirmed: Unconfirmed[int] = Unconfirmed()
    for attempt in range(ENDINGS_MAX - 1):
        unconfirmed.begin(attempt * 0.1)
        unconfirmed.keep(1, attempt * 0.1)
        unconfirmed.end(ENDED, attempt * 0.1)
    unconfirmed.begin(10.0)
    unconfirmed.keep(2, 20.0)
    assert unconfirmed.end(ENDED, 20.0) == ([], [2]), "this one had lasted"
