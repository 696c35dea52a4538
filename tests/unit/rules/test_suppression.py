"""What a rule's limit says of itself before it is asked to admit anything."""

from __future__ import annotations

import random

import numpy as np
import pytest

from sensor.rules.suppression import Overflow, RateLimit, Suppressor


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


@pytest.mark.parametrize("seed", range(30))
def test_holding_back_many_at_once_is_holding_back_each(seed: int) -> None:
    """Windows of 100, at most three: whichever way it is asked, the same leave and overflow."""
    chance = random.Random(seed)
    times = sorted(chance.randint(0, 1000) for _ in range(chance.randint(1, 200)))

    def told(at_once: bool) -> tuple[list[int], list[Overflow | None]]:
        limit, admitted, overflows, at = RateLimit(3, 100), [], [], 0
        while at < len(times):
            count = chance.randint(1, 40)
            part, at = times[at : at + count], at + count
            overflows.append(limit.close(part[0]))
            held = limit.hold(np.array(part, np.int64)) if at_once else 0
            for time in part[held:]:
                overflows.append(limit.close(time))
                if limit.admit(time):
                    admitted.append(time)
        return admitted, [*filter(None, overflows), limit.close(None)]

    assert told(at_once=True) == told(at_once=False)


def test_a_group_over_the_limit_is_not_silenced() -> None:
    """Suppression let it through, the limit did not: its next event may leave, and counts both."""
    suppressor = Suppressor(60_000_000_000, 10)
    assert suppressor.admit("a", 0) == 0
    suppressor.retract("a", 0)
    assert suppressor.admit("a", 1) == 1
    assert suppressor.admit("a", 2) is None
