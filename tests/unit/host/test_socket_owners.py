"""Answers belong to the flows that had begun when they were asked for."""

from __future__ import annotations

from sensor.host.socket_owners import AGAIN_MAX, Owners, key_of

ONE, OTHER = (5, 40000), (9, 23)
KEY = key_of(6, ONE, OTHER)


def test_both_directions_have_one_key() -> None:
    assert KEY == key_of(6, OTHER, ONE) != key_of(17, ONE, OTHER)


def test_a_connection_that_comes_again_has_an_answer_of_its_own() -> None:
    owners = Owners()
    first, second = owners.add_query(KEY, 10), owners.add_query(KEY, 50)
    assert owners.of(KEY, 49) is first and owners.of(KEY, 50) is second
    assert owners.of(KEY, 9) is None
    owners.over(KEY, 49)
    assert owners.of(KEY, 60) is second
    owners.over(KEY, 60)
    assert len(owners) == 0 and owners.of(KEY, 60) is None


def test_bounds() -> None:
    owners = Owners(kept_max=2)
    for number in range(AGAIN_MAX + 2):
        owners.add_query(KEY, number)
    assert owners.of(KEY, 1) is None and owners.of(KEY, 2) is not None
    for number in range(3):
        owners.add_query((6, number, 0, 0, 0), 0)
    assert len(owners) == 2 and owners.forgotten == 2
    assert owners.of(KEY, 99) is None
