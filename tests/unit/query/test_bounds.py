"""Every limit of a query holds at its last value and refuses the next (docs/rules.md, "Bounds")."""

from __future__ import annotations

import numpy as np
import pytest

from sensor.errors import QueryError
from sensor.model.columns import NumberColumn
from sensor.query.ast import Not
from sensor.query.document_rows import DocumentRows
from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.query.masks import NumberSet
from sensor.query.patterns import PatternError, regex
from sensor.query.predicate import compile_query, selects
from sensor.query.unparse import brief, members

STEP = "[any where true] "


def eql_of(condition: str) -> str:
    return f"any where {condition}"


@pytest.mark.parametrize(("parse", "make", "last"), [
    (eql.parse, lambda n: "sequence " + STEP * n, 64),
    (eql.parse, lambda n: eql_of("(" * n + "true" + ")" * n), 64),
    (eql.parse, lambda n: eql_of("not " * n + "true"), 64),
    (kql.parse, lambda n: "(" * n + "a:1" + ")" * n, 64),
    (kql.parse, lambda n: "not " * n + "a:1", 64),
    (kql.parse, lambda n: "a:" + "x" * (n - 2), 65_536),
    (eql.parse, lambda n: eql_of("a == 1").ljust(n), 65_536),
    (eql.parse, lambda n: f"sequence with maxspan={n}d {STEP * 2}", 366),
    (eql.parse, lambda n: f"sequence {STEP} with runs={n}", 100),
    (eql.parse, lambda n: eql_of(f"a in ({', '.join(['1'] * n)})"), 5_000),
])
def test_the_last_that_is_allowed_and_the_first_that_is_not(parse, make, last):
    parse(make(last))
    with pytest.raises(QueryError):
        parse(make(last + 1))


@pytest.mark.parametrize("deep", [
    "a == 1 or (a == 2 and (" * 31 + "true" + "))" * 31, "not (" * 62 + "true" + ")" * 62,
])
def test_words_between_brackets_nest_too(deep):
    eql.parse(eql_of(deep))
    with pytest.raises(QueryError, match="64 deep"):
        eql.parse(eql_of(f"not (a == 3 and not ({deep}))"))


def test_objects_and_words_nest_together():
    """Each `not` and each object of KQL is one level."""
    deep = "not a:{" * 32 + "b:1" + "}" * 32
    kql.parse(deep)
    for more in (f"not ({deep})", f"a:{{{deep}}}", deep.replace("b:1", "not b:1")):
        with pytest.raises(QueryError, match="64 deep"):
            kql.parse(more)


def test_groups_of_a_regular_expression():
    assert regex("(" * 64 + "a" + ")" * 64)("a")
    with pytest.raises(PatternError):
        regex("(" * 65 + "a" + ")" * 65)


def test_a_text_that_a_function_makes():
    event = {"half": "x" * 32_768}
    for more, length in (("", "65536"), (', "y"', "null")):
        test = eql_of(f"length(concat(half, half{more})) == {length}")
        assert selects(eql.parse(test), event)


@pytest.mark.parametrize(("base", "digits", "value"), [
    (2, "101", "5"), (36, "z", "35"), (1, "1", "null"), (37, "1", "null"), ("true", "1", "null"),
    ('"10"', "1", "null"), (16, "f" * 16, str((1 << 64) - 1)), (16, "1" + "0" * 16, "null"),
])
def test_bases_of_numbers(base, digits, value):
    assert selects(eql.parse(eql_of(f'number("{digits}", {base}) == {value}')), {})


def test_bounds_of_a_part_are_whole_numbers():
    for bound in ("true", '"1"', "1.5"):
        assert selects(eql.parse(eql_of(f'substring("abc", {bound}) == null')), {})


@pytest.mark.parametrize("wanted", [(0, 5), (65_535, 5), (65_536, 5), (-1, 5)])
def test_a_set_of_numbers_at_the_ends_of_16_bits(wanted):
    values = np.array([0, 1, 5, 65_535, 65_534], np.uint16)
    found = NumberSet(list(wanted)).mask(NumberColumn(values, None, "long"))
    assert values[found].tolist() == [each for each in values.tolist() if each in wanted]


@pytest.mark.parametrize(("tree", "shown"), [
    (lambda n: kql.parse(f"a:({' or '.join(f'v{i}' for i in range(n))})"), 8),
    (lambda n: eql.parse(eql_of(f"a in ({', '.join(map(str, range(n)))})")).condition, 8),
    (lambda n: eql.parse(eql_of(
        f"wildcard(a, {', '.join(f'{chr(34)}{i}{chr(34)}' for i in range(n - 1))})")).condition, 8),
])
def test_a_list_of_eight_is_shown_whole(tree, shown):
    assert "in all" not in brief(tree(shown)) and members(tree(shown)) == []
    assert "in all" in brief(tree(shown + 1)) and members(tree(shown + 1))
    assert brief(Not(tree(shown + 1))).startswith("not ")


def test_a_document_s_own_value_is_seen_beside_a_dotted_name():
    rows = DocumentRows([{"a": {"b": 1}, "a.b": 2}, {"a": {"b": 1}}, {"a.b": 2}, {}])
    for value, expected in ((1, {0, 1}), (2, {0, 2})):
        mask = compile_query(kql.parse(f"a.b:{value}"))(rows)
        assert set(np.flatnonzero(mask).tolist()) <= expected
        assert bool(mask[value])
