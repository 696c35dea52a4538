"""The seam between rules and what runs them: matches, kept events, what events can have."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensor.query.document_rows import DocumentRows, Selection
from sensor.query.kql import parser as kql
from sensor.query.predicate import compile_query
from sensor.rules.rule import Schema
from sensor.rules.runners import SingleRunner
from tests.flow_records import batch_of

DOCUMENTS: list[dict[str, Any]] = [
    {"event.action": "a", "n": 1}, {"event": {"action": "b"}}, {"event": {"action": "a"}},
]


def test_a_single_event_rule_matches_the_rows_that_nothing_excepts() -> None:
    runner = SingleRunner(compile_query(kql.parse("event.action:a")))
    rows = DocumentRows(DOCUMENTS, [5, 5, 9])
    asked = []

    def unexcepted(selected: list[int]) -> list[int]:
        asked.append(selected)
        return selected[1:]

    (match,) = runner.matches(rows, unexcepted)
    assert asked == [[0, 2]]
    assert (match.known_ns, match.row, match.events) == (9, 2, None)
    assert runner.advance(10**18) == []


def test_a_kept_document_stands_for_its_row() -> None:
    rows = DocumentRows(DOCUMENTS, [5, 6, 9])
    kept = rows.keep(0)
    assert kept.known_ns == 5
    assert kept.document() == {"event": {"action": "a"}, "n": 1}
    chosen = Selection(rows, np.array([1, 2]))
    assert chosen.keep(1).known_ns == 9
    assert chosen.times_ns().tolist() == [6, 9]


def test_a_kept_flow_outlives_its_batch() -> None:
    batch = batch_of({"known_ns": 5}, {"known_ns": 7, "resp_port": 992})
    row = 1
    kept, document = batch.keep(row), batch.document(row)
    assert kept.known_ns == batch.known_ns(row) == batch.times_ns()[row] == 7
    batch.records[:] = 0
    assert kept.document() == document


def test_other_events_can_have_any_field() -> None:
    tap, fed = Schema({"source.port": "long"}), Schema({"source.port": "long"}, any_event=True)
    assert tap.type_of("process.name") is None
    assert fed.type_of("process.name") == "keyword"
    assert fed.type_of("process.parent.pid") == fed.type_of("source.port") == "long"
    assert (tap.evidence.categories(), fed.evidence.categories()) == (
        {"network", "authentication", "session", "intrusion_detection", "web"}, None)
