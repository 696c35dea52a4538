"""Explanations agree with the predicates, and their texts are queries that mean the same."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.query.document_rows import DocumentRows
from sensor.query.eql import parser as eql
from sensor.query.explain import Explainer, Line
from sensor.query.kql import parser as kql
from tests.queries.test_queries import cases, parse

FLOW: dict[str, Any] = {
    "event.action": "flow_started", "event.category": ["network"], "destination.port": 443,
    "destination.ip": "192.0.2.7", "network.transport": "tcp",
}


def explained(query: Any, document: dict[str, Any] = FLOW) -> list[Line]:
    (lines,) = Explainer(query).lines(DocumentRows([document]), 0)
    return lines


@pytest.mark.parametrize(("content", "case"), cases("expect"))
def test_the_whole_holds_where_the_query_selects(
    content: dict[str, Any], case: dict[str, Any]
) -> None:
    rows = DocumentRows(list(content["rows"].values()))
    explainer = Explainer(parse(content, case))
    holds = [explainer.lines(rows, row)[0][0].holds for row in range(rows.count)]
    assert [name for name, held in zip(content["rows"], holds, strict=True) if held] == (
        case["expect"].split())
    nearness = explainer.nearness(rows)
    assert ((nearness >= 0) & (nearness <= 1)).all()
    assert (nearness == 1).tolist() == holds


def test_every_part_says_whether_it_holds_and_what_the_event_has() -> None:
    lines = explained(kql.parse(
        "event.action:(flow_started or flow_ended) and destination.port:23 and not user.name:*"))
    assert [(line.depth, line.holds, line.text, line.values) for line in lines] == [
        (0, False, "all of", ()),
        (1, True, "event.action: (flow_started or flow_ended)",
         (("event.action", ("flow_started",)),)),
        (1, False, "destination.port: 23", (("destination.port", (443,)),)),
        (1, True, "not user.name: *", (("user.name", ()),)),
    ]


def test_a_negated_group_is_opened_so_that_the_part_that_is_to_blame_shows() -> None:
    lines = explained(kql.parse("not (destination.port:443 and network.transport:tcp)"))
    assert [(line.depth, line.holds, line.text) for line in lines] == [
        (0, False, "not"), (1, True, "all of"), (2, True, "destination.port: 443"),
        (2, True, "network.transport: tcp"),
    ]


def test_the_category_of_an_event_query_is_a_part() -> None:
    lines = explained(eql.parse("process where destination.port == 443"))
    assert [(line.holds, line.text) for line in lines] == [
        (False, "all of"), (False, "event.category: process"), (True, "destination.port == 443")]


def test_a_condition_over_two_fields_shows_both() -> None:
    lines = explained(eql.parse("any where source.port == destination.port"))
    assert lines == [Line(0, "source.port == destination.port", False,
                          (("source.port", ()), ("destination.port", (443,))))]


def test_steps_of_a_sequence_are_explained_one_by_one() -> None:
    query = eql.parse(
        "sequence with maxspan=1m [network where destination.port == 22] by source.ip with runs=3 "
        "![process where true] by user.name "
        "[network where destination.port == 443] by destination.ip "
        'until [any where event.action == "end"] by source.ip')
    explainer = Explainer(query)
    assert explainer.titles == (
        "step 1 (by source.ip, with runs=3)", "step 2 (by user.name, must be missing)",
        "step 3 (by destination.ip)", "until (by source.ip)")
    rows = DocumentRows([FLOW])
    assert [lines[0].holds for lines in explainer.lines(rows, 0)] == [False, False, True, False]
    assert explainer.nearness(rows).tolist() == [1.0]


def test_nearness_is_the_share_of_what_holds() -> None:
    query = kql.parse("destination.port:23 and network.transport:tcp and "
                      "(event.action:x or (event.action:flow_started and user.name:a))")
    assert Explainer(query).nearness(DocumentRows([FLOW, {}])).tolist() == [0.5, 0.0]
