"""Times and MAC addresses as text, against Python's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from sensor.ecs.text import mac_text, time_text


@given(st.integers(0, 2**63 - 1))
@example(0)
@example(951782399_999999999)  # 2000-02-28T23:59:59: the day before a leap day
@example(951868800_000000000)
@example(2**63 - 1)
def test_times(time_ns):
    seconds, fraction = divmod(time_ns, 10**9)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert time_text(time_ns) == f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:09}Z"


def test_every_day_until_the_clock_ends():
    start = datetime(1970, 1, 1, tzinfo=UTC)
    for day in range(106_751):
        assert time_text(day * 86_400 * 10**9)[:10] == f"{start + timedelta(days=day):%Y-%m-%d}"


@given(st.integers(-(2**63), -1))
def test_times_before_1970_are_clamped(time_ns):
    assert time_text(time_ns) == "1970-01-01T00:00:00.000000000Z"


@given(st.binary(min_size=6, max_size=6))
def test_macs(octets):
    assert mac_text(octets) == octets.hex("-").upper()
