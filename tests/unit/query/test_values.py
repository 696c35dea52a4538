"""Dates and networks as queries write them."""

from __future__ import annotations

import pytest

from sensor.query.values import DateText, date_span, holds, is_network

SECOND = 1_000_000_000


@pytest.mark.parametrize(("text", "first", "size"), [
    ("1970-01-01T00:00:01Z", SECOND, SECOND), ("1970-01-02", 86400 * SECOND, 86400 * SECOND),
    ("1970-02", 31 * 86400 * SECOND, 28 * 86400 * SECOND),
    ("1970-01-01T01:00:00.5+01:00", SECOND // 2, SECOND // 10),
    ("1970-01-01 00:01", 60 * SECOND, 60 * SECOND),
    ("1970-01-01T00:00:00.000000001Z", 1, 1), ("1969-12-31T23:59:59Z", -SECOND, SECOND)])
def test_dates_cover_what_they_are_written_to(text: str, first: int, size: int) -> None:
    assert date_span(text) == (first, first + size)


@pytest.mark.parametrize("text", ["", "now", "1970", "1970-13-01", "1970-02-30", "9999-12", "x",
                                  "1970-01-01T25:00:00Z", "1970-01-01T00:00:00+99:00"])
def test_no_dates(text: str) -> None:
    assert date_span(text) is None


@pytest.mark.parametrize(("text", "good"), [
    ("10.0.0.0/8", True), ("10.0.0.1", True), ("FE80::/10", True), ("::1", True), ("::/0", True),
    ("10.0.0.0/33", False), ("::1/129", False), ("10", False), ("10/8", False),
    ("10.0.0.0/", False),
    ("10.0.0.0/255.0.0.0", False), ("a", False), ("", False), ("1.2.3.4/-1", False),
    ("1.2.3.4/²", False),
])
def test_networks(text: str, good: bool) -> None:
    assert is_network(text) == good


def test_a_number_is_a_date_in_milliseconds() -> None:
    """Elasticsearch's default date format: strict_date_optional_time or epoch_millis."""
    instant = DateText("2026-01-02T03:04:05.678901Z")
    millisecond = 1767323045678
    assert date_span(str(millisecond)) == (millisecond * 10**6, (millisecond + 1) * 10**6)
    for other in (millisecond, str(millisecond), float(millisecond)):
        assert [holds(op, instant, other) for op in ("==", "<", "<=", ">", ">=")] == [
            True, False, True, False, True]
    assert holds(">", instant, millisecond - 1) and holds("<", instant, millisecond + 1)
    assert not holds("==", instant, True) and date_span("2026") is None
