"""Numbers, times and addresses as text, against Python's own."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sensor.ecs.text import ip_text, mac_text, number_text, time_text
from sensor.model.addresses import V4_PREFIX, address_text

U64 = st.integers(0, 2**64 - 1)


@given(U64)
@example(0)
@example(2**64 - 1)
def test_numbers(value):
    assert number_text(value) == str(value)


@pytest.mark.parametrize("power", range(1, 20))
def test_numbers_at_each_length(power):
    for value in (10**power - 1, 10**power):
        assert number_text(value) == str(value)


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


@given(st.integers(0, 2**32 - 1))
def test_ipv4(value):
    assert ip_text(0, V4_PREFIX | value) == str(ipaddress.IPv4Address(value))
    assert ip_text(0, V4_PREFIX | value) == address_text(0, V4_PREFIX | value)


def _joined(groups):
    value = 0
    for group in groups:
        value = value << 16 | group
    return value


@given(st.lists(st.one_of(st.just(0), st.integers(0, 0xFFFF)), min_size=8, max_size=8))
@example([0] * 8)
@example([0] * 7 + [1])
@example([1, 0, 2, 0, 3, 0, 4, 0])
@example([0, 0, 1, 0, 0, 1, 0, 0])
@example([1, 0, 0, 0, 1, 0, 0, 0])
def test_ipv6(groups):
    value = _joined(groups)
    if value >> 32 != 0xFFFF:
        assert ip_text(value >> 64, value & 2**64 - 1) == str(ipaddress.IPv6Address(value))


@given(st.binary(min_size=6, max_size=6))
def test_macs(octets):
    assert mac_text(octets) == octets.hex("-").upper()
