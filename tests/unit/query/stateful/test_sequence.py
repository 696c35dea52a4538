"""Sequences: how much is held, and when it is forgotten."""

from __future__ import annotations

import weakref
from typing import Any

import pytest

from sensor.config import RuleLimits
from sensor.query import ast
from sensor.query.document_rows import DocumentRows, KeptDocument
from sensor.query.eql import parser as eql
from sensor.query.stateful.sample import Sampler
from sensor.query.stateful.sequence import Tracker

SECOND = 1_000_000_000


class Watched(KeptDocument):
    """An event whose life can be watched."""

    __slots__ = ("__weakref__",)


class WatchedRows(DocumentRows):
    """Documents; `alive` gets those of their events that are kept."""

    def __init__(
        self, documents: list[dict[str, Any]], known_ns: int, alive: weakref.WeakSet[Watched]
    ) -> None:
        super().__init__(documents, [known_ns] * len(documents))
        self._alive = alive

    def keep(self, row: int) -> KeptDocument:
        (document,) = self.documents([row])
        kept = Watched(document, self.known_ns(row))
        self._alive.add(kept)
        return kept


@pytest.mark.parametrize("query", [
    'sequence by k [any where t == "a"] [any where t == "b"]',
    'sequence by k [any where t == "a"] with runs=3 [any where t == "b"]',
    'sequence by k with maxspan=1h [any where t == "a"] ![any where t == "b"]',
    'sequence by k with maxspan=1h ![any where t == "b"] [any where t == "a"] [any where t == "c"]',
])
def test_no_more_events_are_held_than_may_be(query: str) -> None:
    parsed = eql.parse(query)
    assert isinstance(parsed, ast.Sequence)
    tracker = Tracker(parsed, 3600 * SECOND, RuleLimits(pending_max=50))
    alive: weakref.WeakSet[Watched] = weakref.WeakSet()
    for number in range(40):
        documents = [{"t": "a", "k": (number * 20 + at) % 90} for at in range(20)]
        tracker.matches(WatchedRows(documents, number, alive), lambda selected: selected)
        assert len(alive) <= 50
    assert tracker.evicted > 0


@pytest.mark.parametrize("query", [
    'sequence by k [any where t == "a"] [any where t == "b"]',
    'sequence by k [any where t == "a"] with runs=3 [any where t == "b"]',
    'sample by k [any where t == "a"] [any where t == "b"]',
])
def test_long_events_are_held_up_to_so_many_octets(query: str) -> None:
    parsed = eql.parse(query)
    limits = RuleLimits(pending_bytes_max=100_000)
    tracker: Tracker | Sampler
    if isinstance(parsed, ast.Sequence):
        tracker = Tracker(parsed, 3600 * SECOND, limits)
    else:
        assert isinstance(parsed, ast.Sample)
        tracker = Sampler(parsed, 3600 * SECOND, limits)
    alive: weakref.WeakSet[Watched] = weakref.WeakSet()
    for number in range(30):
        documents = [{"t": "a", "k": (number * 20 + at) % 90, "text": "x" * 5000}
                     for at in range(20)]
        tracker.matches(WatchedRows(documents, number, alive), lambda selected: selected)
        assert 15 <= len(alive) <= 19, "each takes a little over 5,000"
    assert tracker.evicted > 0
    last = documents[-1]["k"]
    ends = [{"t": "b", "k": last}] if "runs" not in query else [
        {"t": "a", "k": last}, {"t": "a", "k": last}, {"t": "b", "k": last}]
    (found,) = tracker.matches(DocumentRows(ends, [40] * len(ends)), lambda selected: selected)
    assert found.events[0].document() == documents[-1]


def ends_of(query: str, count: int, limits: RuleLimits) -> tuple[int, list[int]]:
    """Begin a match under each of some keys: the evictions, and the keys that can still end one."""
    still = []
    for key in range(count):  # each asked anew, for what ends one under another key takes room
        parsed = eql.parse(query)
        begun = DocumentRows([{"t": "a", "k": each} for each in range(count)], [SECOND] * count)
        tracker: Tracker | Sampler
        if isinstance(parsed, ast.Sequence):
            tracker = Tracker(parsed, SECOND, limits)
        else:
            assert isinstance(parsed, ast.Sample)
            tracker = Sampler(parsed, SECOND, limits)
        assert tracker.matches(begun, list) == []
        evicted = tracker.evicted
        if tracker.matches(DocumentRows([{"t": "b", "k": key}], [2 * SECOND]), list):
            still.append(key)
    return evicted, still


@pytest.mark.parametrize("query", [
    'sequence by k [any where t == "a"] [any where t == "b"]',
    'sample by k [any where t == "a"] [any where t == "b"]',
])
def test_as_many_are_held_as_may_be_and_no_more(query: str) -> None:
    each = DocumentRows([{"t": "a", "k": 0}]).keep(0).size
    for limits in (RuleLimits(pending_max=5), RuleLimits(pending_bytes_max=5 * each)):
        assert ends_of(query, 4, limits) == (0, [0, 1, 2, 3])
        assert ends_of(query, 5, limits) == (0, [0, 1, 2, 3, 4])
        assert ends_of(query, 6, limits) == (1, [1, 2, 3, 4, 5])
        assert ends_of(query, 8, limits) == (3, [3, 4, 5, 6, 7])
    # One octet less is room for one less.
    assert ends_of(query, 5, RuleLimits(pending_bytes_max=5 * each - 1)) == (1, [1, 2, 3, 4])


def test_sights_of_what_must_be_missing_take_room_like_events() -> None:
    query = ('sequence by k with maxspan=1s ![any where t == "b"] [any where t == "a"] '
             '[any where t == "c"]')
    for sights, evicted in ((2, 0), (3, 0), (4, 1), (5, 2)):
        parsed = eql.parse(query)
        assert isinstance(parsed, ast.Sequence)
        tracker = Tracker(parsed, SECOND, RuleLimits(pending_max=5))
        documents = [{"t": "b", "k": key} for key in range(sights)]
        documents += [{"t": "a", "k": key} for key in (10, 11)]
        tracker.matches(DocumentRows(documents, [SECOND] * len(documents)), list)
        assert tracker.evicted == evicted


def test_what_is_held_gives_its_octets_back() -> None:
    """What ended in any way does not count any more: many times the limit goes through."""
    parsed = eql.parse('sequence by k with maxspan=5s [any where t == "a"] ![any where t == "c"] '
                       '[any where t == "b"] until [any where t == "u"]')
    assert isinstance(parsed, ast.Sequence)
    tracker = Tracker(parsed, SECOND, RuleLimits(pending_bytes_max=20_000))
    text = "x" * 5000
    for number in range(100):
        ends = "abcu"[number % 4]  # replaced, complete, spoilt, ended; every other one too old
        rows = DocumentRows([{"t": "a", "k": 1, "text": text}, {"t": ends, "k": 1}],
                            [number * 4 * SECOND] * 2)
        tracker.matches(rows, lambda selected: selected)
    assert tracker.evicted == 0


def test_what_is_too_old_is_forgotten_without_being_counted() -> None:
    parsed = eql.parse('sequence by k with maxspan=5s [any where t == "a"] [any where t == "b"]')
    assert isinstance(parsed, ast.Sequence)
    tracker = Tracker(parsed, SECOND, RuleLimits(pending_max=10))
    alive: weakref.WeakSet[Watched] = weakref.WeakSet()
    documents = [{"t": "a", "k": number} for number in range(5)]
    tracker.matches(WatchedRows(documents, 0, alive), lambda selected: selected)
    assert len(alive) == 5
    tracker.matches(DocumentRows([{"t": "x"}], [6 * SECOND]), lambda selected: selected)
    assert len(alive) == 0
    assert tracker.evicted == 0
