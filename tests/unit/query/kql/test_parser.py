"""KQL texts and their trees, beyond the cases of tests/queries."""

from __future__ import annotations

import pytest

from sensor.query.ast import And, FieldTest, Node, Not, Null, Or, Range, Text, Wildcard
from sensor.query.kql.parser import parse


@pytest.mark.parametrize(("text", "tree"), [
    ("a:b", FieldTest(Text("a"), Text("b"))),
    ("a:null", FieldTest(Text("a"), Null())),
    ("a:b*c", FieldTest(Text("a"), Wildcard(("b", "c")))),
    ("a >= 3", Range(Text("a"), ">=", Text("3"))),
    ("two words", FieldTest(None, Text("two words"))),
    ("a:(b or c)", Or((FieldTest(Text("a"), Text("b")), FieldTest(Text("a"), Text("c"))))),
    ("not a:b and c:d", And((Not(FieldTest(Text("a"), Text("b"))),
                             FieldTest(Text("c"), Text("d"))))),
    ("ip:fe80::1", FieldTest(Text("ip"), Text("fe80::1"))),
])
def test_trees(text: str, tree: Node) -> None:
    assert parse(text) == tree
