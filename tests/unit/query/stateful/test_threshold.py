"""Thresholds: what makes a group fire, which events it uses, what is forgotten."""

from __future__ import annotations

import pytest

from sensor.query.stateful.threshold import COUNT_TOLD_MAX, Fired, Limit, Threshold


def threshold(count: int = 3, distinct: int = 0, window_ns: int = 10, **bounds: int) -> Threshold:
    limits = {"groups_max": 100, "events_max": 10_000, **bounds}
    return Threshold(Limit(count, distinct, window_ns, **limits))


def fires(engine: Threshold, *events: tuple[int, str]) -> list[int]:
    """The times at which events (time, group) of one value fire."""
    return [time for time, group in events if engine.add(group, (), time) is not None]


def test_enough_events_within_the_window_fire() -> None:
    engine = threshold()
    assert engine.add("a", (), 1) is None
    assert engine.add("a", (), 5) is None
    assert engine.add("a", (), 6) == Fired(start_ns=1, end_ns=6, count=3, distinct=0)


@pytest.mark.parametrize(("last", "fired"), [(10, [10]), (11, [])])
def test_the_window_includes_its_first_instant(last: int, fired: list[int]) -> None:
    assert fires(threshold(), (0, "a"), (5, "a"), (last, "a")) == fired


def test_groups_are_counted_apart() -> None:
    events = [(time, group) for time in range(3) for group in "ab"]
    assert fires(threshold(), *events) == [2, 2]


def test_what_follows_within_the_window_belongs_to_what_fired() -> None:
    engine = threshold()
    assert fires(engine, *((time, "a") for time in range(11))) == [2]
    assert engine.absorbed == 8
    # The window of the first event (0 to 10) is over: three new events are needed.
    assert fires(engine, (11, "a"), (12, "a"), (13, "a"), (14, "a")) == [13]


def test_different_values_are_needed_too() -> None:
    engine = threshold(count=2, distinct=3)
    found = [engine.add("a", (value,), time) for time, value in enumerate("xxxyxz")]
    assert found == [None] * 5 + [Fired(start_ns=0, end_ns=5, count=6, distinct=3)]


def test_a_value_counts_as_long_as_its_newest_event_is_in_the_window() -> None:
    engine = threshold(count=1, distinct=2)
    assert engine.add("a", ("x",), 0) is None
    assert engine.add("a", ("y",), 11) is None  # x has left the window
    assert engine.add("b", ("x",), 11) is None
    assert engine.add("b", ("x",), 20) is None
    assert engine.add("b", ("y",), 29) == Fired(start_ns=20, end_ns=29, count=2, distinct=2)


def test_an_event_may_have_several_values_or_none() -> None:
    assert threshold(count=1, distinct=2).add("a", ("x", "y"), 0) is not None
    assert threshold(count=1, distinct=1).add("a", (), 0) is None


def test_a_threshold_of_one_fires_once_for_each_window() -> None:
    assert fires(threshold(count=1), *((time, "a") for time in range(25))) == [0, 11, 22]


def test_a_busy_group_is_bounded_and_says_as_many_as_it_remembers() -> None:
    engine = threshold(count=1, distinct=2, window_ns=10**9)
    for time in range(3 * COUNT_TOLD_MAX):
        assert engine.add("server", ("443",), time) is None
    assert engine.size == COUNT_TOLD_MAX + 1
    fired = engine.add("server", ("80",), 3 * COUNT_TOLD_MAX)
    assert fired is not None
    assert (fired.count, fired.distinct) == (COUNT_TOLD_MAX, 2)


def test_groups_are_bounded_and_the_idle_one_goes_first() -> None:
    engine = threshold(count=2, groups_max=2)
    assert fires(engine, (0, "a"), (1, "b"), (2, "a")) == [2]
    # c pushes b out, which was idle for longest.
    assert fires(engine, (3, "c"), (4, "b"), (5, "b")) == [5]
    assert engine.evicted == 2
    assert len(engine) == 2


def test_events_are_bounded_in_all_groups_together() -> None:
    engine = threshold(count=5, window_ns=1000, events_max=6)
    for time in range(4):
        engine.add("a", (), time)
    for time in range(4, 8):
        engine.add("b", (), time)
    assert engine.evicted == 1
    assert engine.size == 4
    assert fires(engine, (8, "b")) == [8]


def test_what_has_left_the_window_is_let_go_of_uncounted() -> None:
    engine = threshold(groups_max=1)
    for time in range(0, 1000, 11):
        engine.add(str(time), (), time)
    assert (len(engine), engine.size, engine.evicted) == (1, 1, 0)
