"""What a rule's limit says of itself before it is asked to admit anything."""

from __future__ import annotations

from sensor.rule_limits import RateLimit


def test_a_limit_is_full_in_its_own_window_only() -> None:
    limit = RateLimit(1, 100)
    assert not limit.is_full(0)
    assert limit.admit(10)
    assert [limit.is_full(time) for time in (10, 99, 100)] == [True, True, False]
    assert limit.admit(100)
    assert not limit.is_full(99)


def test_something_is_due_from_what_is_held_back_until_it_is_closed() -> None:
    limit = RateLimit(1, 100)
    assert limit.admit(10)
    assert limit.due_ns is None
    assert not limit.admit(20)
    assert limit.due_ns == 100
    assert limit.close(99) is None
    overflow = limit.close(100)
    assert overflow is not None
    assert (overflow.count, limit.due_ns) == (1, None)
