"""Trees back into texts that mean the same."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.query.ast import EventQuery, Literal
from sensor.query.unparse import unparse
from tests.queries.test_queries import cases, parse


@pytest.mark.parametrize(("content", "case"), cases("expect"))
def test_the_text_of_a_tree_parses_to_the_tree(
    content: dict[str, Any], case: dict[str, Any]
) -> None:
    tree = parse(content, case)
    again = parse(content, {**case, "query": unparse(tree)})
    assert again == tree, unparse(tree)


def test_an_event_query_renders_with_its_category() -> None:
    assert unparse(EventQuery(None, Literal(True))) == "any where true"
