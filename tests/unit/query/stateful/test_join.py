"""Values by which events are joined."""

from __future__ import annotations

from sensor.config import RuleLimits
from sensor.query import ast
from sensor.query.document_rows import DocumentRows
from sensor.query.eql import parser as eql
from sensor.query.stateful.sequence import Tracker

SECOND = 1_000_000_000


def test_long_values_join_by_all_of_their_text() -> None:
    parsed = eql.parse('sequence by k [any where t == "a"] [any where t == "b"]')
    assert isinstance(parsed, ast.Sequence)
    tracker = Tracker(parsed, SECOND, RuleLimits())
    long = "x" * 5000
    documents = [{"t": "a", "k": long}, {"t": "b", "k": long + "y"}, {"t": "b", "k": long}]
    (found,) = tracker.matches(DocumentRows(documents, [1, 2, 3]), lambda selected: selected)
    assert [event.known_ns for event in found.events] == [1, 3]
