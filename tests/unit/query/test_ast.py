"""Trees: their normal form, equality, children."""

from __future__ import annotations

from sensor.query.ast import And, Compare, FieldRef, Literal, Not, Or, all_of, any_of, children

A, B, C = (FieldRef(name) for name in "abc")


def test_conjunctions_are_flat() -> None:
    assert all_of([A]) == A
    assert all_of([And((A, B)), C]) == And((A, B, C))
    assert any_of([A, Or((B, C))]) == Or((A, B, C))
    assert all_of([A, Or((B, C))]) == And((A, Or((B, C))))


def test_places_take_no_part_in_equality() -> None:
    assert FieldRef("a", at=3) == FieldRef("a", at=9)
    assert hash(Literal(1, at=3)) == hash(Literal(1))


def test_children() -> None:
    assert children(Compare("==", A, B)) == (A, B)
    assert children(Not(A)) == (A,)
    assert children(A) == ()
