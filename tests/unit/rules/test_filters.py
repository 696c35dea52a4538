"""Kibana's filters: each form by what Elasticsearch's reference says of that query."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.query.ast import all_of
from sensor.query.predicate import selects
from sensor.rules.filters import conditions_of
from sensor.rules.rule import CannotRun

EVENT = {"tags": ["a", "b"], "name": "Bob*", "source": {"ip": "10.1.2.3", "port": 23},
         "file": {"path": "C:\\\\Program Files\\\\x.exe".replace("\\\\", "\\")}}


def holds(*filters: Any) -> bool:
    nodes = conditions_of(filters)
    return selects(all_of(nodes), EVENT) if nodes else True


@pytest.mark.parametrize(("query", "expected"), [
    ({"match_phrase": {"tags": "a"}}, True),
    ({"match_phrase": {"tags": {"query": "c"}}}, False),
    ({"match": {"source.port": 23}}, True),
    ({"term": {"name": {"value": "bob*", "case_insensitive": True}}}, True),
    ({"term": {"name": {"value": "bob*"}}}, False),
    ({"term": {"name": {"value": "b*", "case_insensitive": True}}}, False),
    ({"term": {"source.ip": "10.0.0.0/8"}}, True),
    ({"terms": {"tags": ["x", "b"]}}, True),
    ({"terms": {"tags": ["x", "y"], "boost": 1.0}}, False),
    ({"exists": {"field": "source.ip"}}, True),
    ({"exists": {"field": "destination.ip"}}, False),
    ({"range": {"source.port": {"gte": 23, "lt": 24}}}, True),
    ({"range": {"source.port": {"gt": 23}}}, False),
    ({"prefix": {"name": {"value": "Bo"}}}, True),
    ({"prefix": {"name": "bo"}}, False),
    ({"regexp": {"name": {"value": "B.b[*]"}}}, True),
    ({"wildcard": {"name": {"value": "B?b*"}}}, True),
    ({"wildcard": {"name": "B?b\\*"}}, True),
    ({"wildcard": {"name": "B\\?b*"}}, False),
    ({"wildcard": {"file.path": {"value": "c:\\\\program files\\\\*.EXE",
                                 "case_insensitive": True}}}, True),
    ({"wildcard": {"file.path": {"value": "c:\\\\program files\\\\*.EXE"}}}, False),
    ({"match_all": {}}, True),
    ({"match_none": {}}, False),
    ({"bool": {"should": [{"term": {"tags": "x"}}, {"term": {"tags": "a"}}]}}, True),
    ({"bool": {"should": [{"term": {"tags": "x"}}], "minimum_should_match": 1}}, False),
    ({"bool": {"must": [{"term": {"tags": "a"}}], "should": [{"term": {"tags": "x"}}]}}, True),
    ({"bool": {"filter": {"term": {"tags": "a"}}, "must_not": [{"term": {"tags": "b"}}]}}, False),
    ({"bool": {}}, True),
])
def test_a_filter_is_its_query_and_negated_the_opposite(query: Any, expected: bool) -> None:
    assert holds({"query": query}) is expected
    assert holds({"meta": {"negate": True}, "query": query}) is not expected
    assert holds({"meta": {"disabled": True, "negate": expected}, "query": query})


def test_all_filters_must_hold_and_old_forms_have_no_query() -> None:
    assert holds({"exists": {"field": "name"}}, {"query": {"term": {"tags": "a"}}})
    assert not holds({"exists": {"field": "name"}}, {"query": {"term": {"tags": "x"}}})


@pytest.mark.parametrize("given", [
    "x", {}, {"query": {"script": {"script": "1"}}}, {"query": {"query_string": {"query": "a:b"}}},
    {"query": {"terms": {"tags": "a"}}}, {"query": {"term": {"a": "b", "c": "d"}}},
    {"query": {"bool": {"must": ["x"]}}}, {"query": {"range": {"a": {}}}},
    {"query": {"bool": {"should": [{"term": {"a": "b"}}] * 3, "minimum_should_match": 2}}},
    {"query": {"regexp": {"a": {"value": "("}}}}, {"query": {"term": "x"}},
])
def test_what_is_not_read_says_so(given: Any) -> None:
    with pytest.raises(CannotRun) as caught:
        conditions_of((given,))
    assert str(caught.value)
