"""Rewritten queries are what somebody would have written in their place."""

from __future__ import annotations

import pytest

from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.rules.rewriting import by_category_field, in_any_view, narrowed


@pytest.mark.parametrize(("text", "expected"), [
    ("process where a == 1", 'any where kind == "process" and a == 1'),
    ("any where a == 1", "any where a == 1"),
    ("sequence by k [process where true] [any where a == 1] until [file where true]",
     'sequence by k [any where kind == "process" and true] [any where a == 1]'
     ' until [any where kind == "file" and true]'),
    ("sample by k [process where true] [file where true]",
     'sample by k [any where kind == "process" and true] [any where kind == "file" and true]'),
])
def test_the_category_may_be_in_another_field(text: str, expected: str) -> None:
    assert by_category_field(eql.parse(text), "kind") == eql.parse(expected)


def test_what_narrows_a_query_narrows_each_of_its_events() -> None:
    more = [eql.parse("any where b == 2").condition]
    for text in ("process where a == 1{}", "sequence [file where a == 1{}] [any where true{}]",
                 "sequence [file where true{}] [any where true{}] until [any where c == 1{}]",
                 "sample by k [file where true{}] [any where a == 1{}]"):
        query = narrowed(eql.parse(text.replace("{}", "")), more)
        assert query == eql.parse(text.replace("{}", " and b == 2"))
    assert narrowed(kql.parse("a:1"), [kql.parse("b:2")]) == kql.parse("a:1 and b:2")
    assert narrowed(kql.parse("a:1"), []) == kql.parse("a:1")


@pytest.mark.parametrize(("text", "expected"), [
    ("network.direction:(egress or x) and not a:egress",
     "network.direction:(egress or outbound or internal or x) and not a:egress"),
    ("network: { direction: incoming }",
     "network.direction:(incoming or inbound or internal)"),
    ("network.direction:in*", "network.direction:in*"),
])
def test_other_words_of_directions(text: str, expected: str) -> None:
    assert in_any_view(kql.parse(text)) == kql.parse(expected)


def test_other_words_of_directions_in_sequences() -> None:
    text = ('sequence [any where network.direction in ("egress"{})]'
            ' [any where not network.direction like~ "INGRESS"]')
    wide = text.replace("{}", ', "outbound", "internal"').replace(
        '"INGRESS"', '("INGRESS", "inbound", "internal")')
    assert in_any_view(eql.parse(text.replace("{}", ""))) == eql.parse(wide)
