"""Thresholds against a plain reading of their rule; no event counts twice."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from sensor.query.stateful.threshold import Fired, Limit, Threshold
from tests.examples import examples

GROUPS, VALUES = "abc", "uvwxyz"
events = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(GROUPS), st.sampled_from(VALUES)), max_size=60
)


@dataclass
class Plain:
    """Every event of a group since it last fired, looked through anew each time."""

    count: int
    distinct: int
    window: int
    unused: list[tuple[int, str]] = field(default_factory=list)
    used_until: int = -1

    def add(self, value: str, time: int) -> Fired | None:
        if time <= self.used_until:
            return None
        self.unused.append((time, value))
        recent = [(at, what) for at, what in self.unused if at >= time - self.window]
        different = len({what for _, what in recent})
        if len(recent) < self.count or different < self.distinct:
            return None
        self.unused = []
        start = recent[0][0]
        self.used_until = start + self.window
        return Fired(start, time, len(recent), different if self.distinct else 0)


@examples(150)
@given(events, st.integers(1, 5), st.integers(0, 4), st.integers(1, 20))
def test_agrees_with_the_plain_reading(
    steps: list[tuple[int, str, str]], count: int, distinct: int, window: int
) -> None:
    engine = Threshold(Limit(count, distinct, window, groups_max=10, events_max=1000))
    plain = {group: Plain(count, distinct, window) for group in GROUPS}
    time, used = 0, 0
    for step, group, value in steps:
        time += step
        found = engine.add(group, (value,), time)
        assert found == plain[group].add(value, time)
        used += found.count if found else 0
    assert engine.evicted == 0
    assert used + engine.absorbed <= len(steps)


@given(events, st.integers(1, 4), st.integers(0, 3), st.integers(1, 3), st.integers(1, 12))
def test_bounds_hold_whatever_comes(
    steps: list[tuple[int, str, str]], count: int, distinct: int, groups: int, most: int
) -> None:
    engine = Threshold(Limit(count, distinct, 10, groups_max=groups, events_max=most))
    time = 0
    for step, group, value in steps:
        time += step
        engine.add(group, (value,), time)
        assert len(engine) <= groups
        assert len(engine) == 1 or engine.size <= most
