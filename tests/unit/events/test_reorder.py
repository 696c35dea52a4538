"""Documents that are nearly in the order of time come out in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sensor.events import reorder


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 5), st.integers(1, 9))
def test_what_is_less_late_than_the_bound_is_sorted(
    noise: list[int], bound: int, size: int
) -> None:
    sorter = reorder.Sorter(bound, 1 << 20)
    timed = [(time, {"n": n}) for n, time in enumerate(noise)]
    left = [item for at in range(0, len(timed), size)
            for item in sorter.add(timed[at : at + size], 0)] + sorter.take_all()
    assert [time for time, _ in left] == sorted(time for time, _ in left)
    assert sorted(document["n"] for _, document in left) == list(range(len(noise)))
    late = [n for n, time in enumerate(noise)
            if any(before > time for before in noise[: max(n - bound, 0)])]
    assert sorter.late <= len(late)
    if not late:
        assert left == sorted(timed, key=lambda item: item[0])


def test_octets_bound_what_waits() -> None:
    sorter = reorder.Sorter(100, 10)
    assert len(sorter.add([(n, {}) for n in range(8)], 11)) == 4
