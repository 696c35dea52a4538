"""Samples: how far apart their events may be, and what of many is remembered."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.config import RuleLimits
from sensor.query import ast
from sensor.query.document_rows import DocumentRows
from sensor.query.eql import parser as eql
from sensor.query.stateful.sample import Sampler

TWO = 'sample by k [any where t == "a"] [any where t == "b"]'
LOOKBACK_NS = 100


def sampler(query: str = TWO, **limits: int) -> Sampler:
    parsed = eql.parse(query)
    assert isinstance(parsed, ast.Sample)
    return Sampler(parsed, LOOKBACK_NS, RuleLimits(**limits))


def found(tracker: Sampler, *events: tuple[int, str, Any]) -> list[list[int]]:
    """The times of the events of each sample; an event is its time, its letter and its key."""
    documents = [{"t": letter, "k": key} for _, letter, key in events]
    rows = DocumentRows(documents, [time for time, _, _ in events])
    return [[event.known_ns for event in completed.events]
            for completed in tracker.matches(rows, list)]


@pytest.mark.parametrize("first", [0, 7, 10**18])
def test_events_as_far_apart_as_the_look_back_meet_and_no_further(first: int) -> None:
    for apart, expected in ((99, True), (100, True), (101, False)):
        events = [(first, "a", 1), (first + apart, "b", 1)]
        samples = [[first, first + apart]] if expected else []
        assert found(sampler(), *events) == samples
        each = sampler()  # one batch for each event
        assert [sample for event in events for sample in found(each, event)] == samples


def test_a_younger_event_does_where_the_oldest_is_too_old() -> None:
    assert found(sampler(), (0, "a", 1), (50, "a", 1), (101, "b", 1)) == [[50, 101]]
    three = TWO + ' [any where t == "c"]'
    events = [(0, "a", 1), (60, "b", 1), (101, "c", 1)]
    assert found(sampler(three), *events, (120, "a", 1)) == [[60, 101, 120]]
    assert found(sampler(three), *events, (161, "a", 1)) == []


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 9, 20])
def test_of_many_events_of_one_step_the_newest_is_taken(count: int) -> None:
    events = [(time, "a", 1) for time in range(count)]
    assert found(sampler(), *events, (50, "b", 1)) == [[count - 1, 50]]


@pytest.mark.parametrize("count", [1, 4, 5, 6, 20])
def test_many_events_of_one_key_leave_room_for_no_more_keys_than_the_limit(count: int) -> None:
    tracker = sampler(pending_max=4)
    assert found(tracker, *((time, "a", "busy") for time in range(count))) == []
    assert found(tracker, *((50, "a", key) for key in range(20))) == []
    # The newest keys first: what ends a sample gives its room back.
    ends = [(60, "b", key) for key in reversed(range(20))]
    assert found(tracker, *ends) == [[50, 60]] * 4


def test_what_was_forgotten_gives_its_room_back() -> None:
    """Too old, complete or superseded: many times the limit goes through."""
    size = DocumentRows([{"t": "a", "k": 1}]).keep(0).size
    for limits in ({"pending_max": 6}, {"pending_bytes_max": 6 * size}):
        tracker = sampler(**limits)
        for number in range(100):
            start = number * 1000
            found(tracker, *((start + time, "a", 1) for time in range(number % 10)))
            if number % 2:
                found(tracker, (start + 50, "b", 1))
        assert tracker.evicted == 0
