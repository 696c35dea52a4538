"""Numbers with their units."""

from __future__ import annotations

import pytest

from sensor.base.units import data_size, duration


@pytest.mark.parametrize(
    ("octets", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (23_400_000, "23 MB"), (5e15, "5000 TB")],
)
def test_sizes(octets: float, text: str) -> None:
    assert data_size(octets) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.35, "350 ms"), (1.523, "1.52 s"), (59.999, "1 min 00 s"), (245, "4 min 05 s"),
     (7_380, "2 h 03 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
