"""Values by which events are joined."""

from __future__ import annotations

from sensor.config import RuleLimits
from sensor.query import ast
from sensor.query.document_rows import DocumentRows
from sensor.query.eql import parser as eql
from sensor.query.stateful.sequence import Tracker
from tests.flow_records import batch_of

SECOND = 1_000_000_000


def test_long_values_join_by_all_of_their_text() -> None:
    parsed = eql.parse('sequence by k [any where t == "a"] [any where t == "b"]')
    assert isinstance(parsed, ast.Sequence)
    tracker = Tracker(parsed, SECOND, RuleLimits())
    long = "x" * 5000
    documents = [{"t": "a", "k": long}, {"t": "b", "k": long + "y"}, {"t": "b", "k": long}]
    (found,) = tracker.matches(DocumentRows(documents, [1, 2, 3]), lambda selected: selected)
    assert [event.known_ns for event in found.events] == [1, 3]


def test_ports_join_by_their_number_and_addresses_by_what_they_mean() -> None:
    for key in ("destination.port", "source.ip"):
        parsed = eql.parse(f"sequence by {key} [any where source.port == 1]"
                           " [any where source.port == 2]")
        assert isinstance(parsed, ast.Sequence)
        rows = batch_of(*({"orig_port": first, "resp_port": port, "orig_lo": port, "known_ns": time}
                          for time, (first, port) in enumerate([(1, 23), (2, 22), (2, 23)], 1)))
        found = Tracker(parsed, SECOND, RuleLimits()).matches(rows, lambda selected: selected)
        assert [[event.known_ns for event in match.events] for match in found] == [[1, 3]]
