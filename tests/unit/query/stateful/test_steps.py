"""Exceptions apply to every event: an excepted one is not there (docs/rules.md, "Sequences")."""

from __future__ import annotations

import pytest

from sensor.config import RuleLimits
from sensor.query import ast
from sensor.query.document_rows import DocumentRows
from sensor.query.eql import parser as eql
from sensor.query.stateful.sample import Sampler
from sensor.query.stateful.sequence import Tracker
from sensor.query.stateful.steps import Steps, all_rows

SECOND = 1_000_000_000
PAIR = 'sequence [any where t == "a"] [any where t == "b"]'
GAP = ('sequence with maxspan=1h [any where t == "a"] ![any where t == "x"] '
       '[any where t == "b"]')
UNTIL = PAIR + ' until [any where t == "x"]'
SAMPLE = 'sample by k [any where t == "a"] [any where t == "b"]'


def found(query: str, letters: str, excepted: set[int]) -> list[list[int]]:
    """The rows of each match, one second apart, while some rows are excepted."""
    parsed = eql.parse(query)
    tracker: Tracker | Sampler
    if isinstance(parsed, ast.Sequence):
        tracker = Tracker(parsed, 360 * SECOND, RuleLimits())
    else:
        assert isinstance(parsed, ast.Sample)
        tracker = Sampler(parsed, 360 * SECOND, RuleLimits())
    rows = DocumentRows([{"t": letter, "k": 1} for letter in letters],
                        [row * SECOND for row in range(len(letters))])
    completed = tracker.matches(
        rows, lambda selected: [row for row in selected if row not in excepted])
    return [[event.known_ns // SECOND for event in each.events] for each in completed]


@pytest.mark.parametrize(("query", "letters", "excepted", "expected"), [
    (PAIR, "ab", set(), [[0, 1]]), (PAIR, "ab", {0}, []), (PAIR, "ab", {1}, []),
    (PAIR, "ab", {0, 1}, []), (PAIR, "aab", {1}, [[0, 2]]), (PAIR, "aab", {0}, [[1, 2]]),
    (PAIR, "abb", {1}, [[0, 2]]), (PAIR, "azb", {1}, [[0, 2]]), (PAIR, "abab", {2}, [[0, 1]]),
    (GAP, "axb", set(), []), (GAP, "axb", {1}, [[0, 2]]), (GAP, "axxb", {1}, []),
    (GAP, "axxb", {1, 2}, [[0, 3]]),
    (UNTIL, "axb", set(), []), (UNTIL, "axb", {1}, [[0, 2]]),
    (SAMPLE, "ba", set(), [[0, 1]]), (SAMPLE, "ba", {0}, []), (SAMPLE, "ba", {1}, []),
    (SAMPLE, "bab", {0}, [[1, 2]]), (SAMPLE, "ba", {0, 1}, []),
])
def test_an_excepted_event_is_not_there(
    query: str, letters: str, excepted: set[int], expected: list[list[int]]
) -> None:
    assert found(query, letters, excepted) == expected


@pytest.mark.parametrize(("letters", "expected"), [
    ("bxbaxb", [(3, 0), (4, 2), (5, 1)]),  # what stands before the first of step 0 is left out
    ("bxb", []), ("ba", [(1, 0)]),
])
def test_where_nothing_has_begun_only_what_follows_a_beginning_matters(
    letters: str, expected: list[tuple[int, int]]
) -> None:
    wanted = [ast.Step(eql.parse(f'any where t == "{letter}"')) for letter in "abx"]
    rows = DocumentRows([{"t": letter} for letter in letters],
                        [row * SECOND for row in range(len(letters))])
    steps = Steps((), wanted, ())
    for unexcepted in (all_rows, lambda selected: selected):
        hits = steps.hits(rows, unexcepted, first={0})
        assert [(row, step) for row, step, _, _ in hits] == expected


def test_a_sequence_that_begins_in_one_batch_goes_on_in_the_next() -> None:
    parsed = eql.parse(PAIR)
    assert isinstance(parsed, ast.Sequence)
    tracker = Tracker(parsed, 360 * SECOND, RuleLimits())
    batches = [DocumentRows([{"t": letter}], [second * SECOND])
               for second, letter in enumerate("babb")]
    completed = [len(tracker.matches(rows, lambda selected: selected)) for rows in batches]
    assert completed == [0, 0, 1, 0]
