"""Indicators against events: addresses in networks, texts, several fields of one indicator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensor.model.addresses import address_halves
from sensor.model.columns import AddressColumn, Column
from sensor.query.ast import Node
from sensor.query.document_rows import DocumentRows
from sensor.query.kql import parser as kql
from sensor.query.stateful.indicator_match import HITS_MAX, Comparison, Hit, Indicators, without_now

IP = Comparison("destination.ip", "ip")
PORT = Comparison("destination.port", "port")
DOMAIN = Comparison("destination.domain", "domain")


class Flows(DocumentRows):
    """Documents whose addresses are columns of addresses, as those of flows are."""

    def column(self, name: str) -> Column | None:
        if name != "destination.ip":
            return super().column(name)
        halves = [address_halves(str(document[name])) for document in self._documents]
        hi, lo = (np.array(part, np.uint64) for part in zip(*halves, strict=True))
        return AddressColumn(hi, lo)


def found(
    mapping: list[list[Comparison]], indicators: list[dict[str, Any]], *events: dict[str, Any],
    kind: type[DocumentRows] = DocumentRows,
) -> dict[int, list[int]]:
    """The numbers of the indicators that each event meets."""
    known = Indicators(mapping)
    known.add(indicators)
    hits = known.hits(kind(events), np.arange(len(events)))
    return {row: [hit.indicator for hit in met] for row, met in hits.items()}


@pytest.mark.parametrize("kind", [DocumentRows, Flows])
def test_addresses_and_networks_of_both_families(kind: type[DocumentRows]) -> None:
    indicators = [{"ip": text} for text in (
        "10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "8.8.8.8", "fd00::1", "::ffff:9.9.9.9")]
    events = [{"destination.ip": text} for text in (
        "10.1.2.3", "10.2.0.1", "2001:db8::5", "8.8.8.8", "8.8.8.9", "fd00::1", "fd00::2",
        "9.9.9.9")]
    # The narrowest network comes first.
    assert found([[IP]], indicators, *events, kind=kind) == {
        0: [1, 0], 1: [0], 2: [2], 3: [3], 5: [4], 7: [5]}


def test_texts_are_compared_as_they_are_and_numbers_as_numbers() -> None:
    indicators = [{"domain": "bad.example"}, {"port": "4444"}, {"port": 23}]
    events = [{"destination.domain": "bad.example"}, {"destination.domain": "Bad.example"},
              {"destination.domain": ["a.example", "bad.example"]}, {"destination.port": 4444},
              {"destination.port": "23"}, {}]
    assert found([[DOMAIN], [PORT]], indicators, *events) == {0: [0], 2: [0], 3: [1], 4: [2]}


def test_very_long_texts_are_compared_to_the_end() -> None:
    long = "x" * 5000
    events = [{"destination.domain": long}, {"destination.domain": long + "y"}]
    assert found([[DOMAIN]], [{"domain": long}], *events) == {0: [0]}


def test_entries_hold_for_one_and_the_same_indicator() -> None:
    indicators = [{"ip": "1.1.1.1", "port": 23}, {"ip": "2.2.2.2", "port": 80}, {"ip": "3.3.3.3"}]
    events = [{"destination.ip": "1.1.1.1", "destination.port": 23},
              {"destination.ip": "1.1.1.1", "destination.port": 80},
              {"destination.ip": "3.3.3.3", "destination.port": 80}]
    # The one hit is told by both of its fields.
    assert found([[IP, PORT]], indicators, *events) == {0: [0, 0]}


def test_a_negated_entry_must_not_be_equal() -> None:
    other = Comparison("destination.port", "port", negate=True)
    indicators = [{"ip": "1.1.1.1", "port": 23}]
    events = [{"destination.ip": "1.1.1.1", "destination.port": port} for port in (23, 80)]
    assert found([[IP, other]], indicators, *events) == {1: [0]}


def test_hits_say_by_what_and_are_bounded() -> None:
    known = Indicators([[IP], [Comparison("source.ip", "ip")]])
    known.add([{"ip": "1.1.1.1"}] * (HITS_MAX + 1))
    rows = DocumentRows([{"source.ip": "1.1.1.1"}, {"destination.ip": "::ffff:1.1.1.1"}])
    hits = known.hits(rows, np.arange(2))
    assert hits[0][0] == Hit(0, "source.ip", "1.1.1.1")
    assert hits[1][0] == Hit(0, "destination.ip", "1.1.1.1")
    assert [len(met) for met in hits.values()] == [HITS_MAX, HITS_MAX]


def test_only_chosen_rows_are_asked() -> None:
    known = Indicators([[IP]])
    known.add([{"ip": "1.1.1.1"}])
    rows = DocumentRows([{"destination.ip": "1.1.1.1"}] * 3)
    assert list(known.hits(rows, np.array([2]))) == [2]


@pytest.mark.parametrize(("query", "left", "had"), [
    ('a:1', "a:1", False),
    ('@timestamp >= "now-30d/d" and a:1', "a:1", True),
    ('@timestamp >= "now-30d/d" and a:1 and not b:2', "a:1 and not b:2", True),
    ('@timestamp >= "now-30d/d"', None, True),
    ('not @timestamp < "now-30d"', None, True),
    ('a:1 or @timestamp > now-1d', None, True),
    ('a:1 and (b:2 or not c:3)', "a:1 and (b:2 or not c:3)", False),
    ('a:nowhere', "a:nowhere", False),
])
def test_tests_against_the_present_are_left_out(query: str, left: str | None, had: bool) -> None:
    expected: Node | None = None if left is None else kql.parse(left)
    assert without_now(kql.parse(query)) == (expected, had)
