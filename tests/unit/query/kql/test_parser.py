"""KQL texts and their trees, beyond the cases of tests/queries."""

from __future__ import annotations

import pytest

from sensor.errors import QueryError
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


@pytest.mark.parametrize("number", [0x0041, 0xD7FF, 0xE000, 0xFFFF])
def test_characters_by_number(number: int) -> None:
    character = chr(number)
    for digits in (f"{number:04x}", f"{number:04X}"):
        assert parse(f"a:\\u{digits}") == FieldTest(Text("a"), Text(character))
        assert parse(f'a:"\\u{digits}"') == FieldTest(Text("a"), Text(character))
        assert parse(f"a:x\\u{digits}*") == FieldTest(Text("a"), Wildcard((f"x{character}", "")))


@pytest.mark.parametrize("digits", ["d800", "D800", "dbff", "dc00", "dfff", "DFFF"])
def test_half_of_a_surrogate_pair_is_refused_where_it_is(digits: str) -> None:
    with pytest.raises(QueryError, match="half of a surrogate pair") as caught:
        parse(f"a:x\\u{digits}")
    assert caught.value.column == 4
