"""Events of several kinds as one batch say what they say by themselves."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensor.model.columns import Document
from sensor.model.merged_rows import MergedRows, stretches
from sensor.query.document_rows import DocumentRows, Selection
from sensor.query.eql.parser import parse as parse_eql
from sensor.query.kql.parser import parse as parse_kql
from sensor.query.predicate import Shared, compile_query
from sensor.query.stateful.terms import combinations_of
from tests.flow_records import random_batch
from tests.rule_sets import load, rule

QUERIES = (
    "destination.port:(23 or 53)", "network.transport:tcp and not event.action:network_flow",
    "source.ip:10.0.0.0/8 or dns.question.name:*.example", "dns.question.name:*",
    "not dns.question.name:*", "event.category:network and destination.port < 30000",
    "(destination.port:23 or destination.port:53) and source.ip:*",
)


def documents(chance: random.Random, count: int) -> list[Document]:
    return [{
        "event": {"category": ["network"], "action": "dns_query"},
        "source": {"ip": f"10.0.0.{chance.randrange(5)}"},
        "destination": {"ip": "192.0.2.1", "port": chance.choice([53, 23])},
        **({"dns": {"question": {"name": "a.example"}}} if chance.random() < 0.5 else {}),
    } for _ in range(count)]  # fmt: skip


def both(seed: int) -> tuple[MergedRows, DocumentRows]:
    """Flow events and documents among each other, and the same as documents alone."""
    chance = random.Random(seed)
    flows, said = random_batch(seed, 40), documents(chance, 25)
    theirs = np.array(sorted(chance.sample(range(65), 25)), np.intp)
    ours = np.delete(np.arange(65), theirs)
    whole: list[Any] = [None] * 65
    for at, document in zip(ours.tolist(), flows.to_dicts(), strict=True):
        whole[at] = document
    for at, document in zip(theirs.tolist(), said, strict=True):
        whole[at] = document
    return MergedRows([flows, DocumentRows(said)], [ours, theirs]), DocumentRows(whole)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_selects_the_same_events(query: str) -> None:
    shared = Shared()
    predicate = compile_query(parse_kql(query), shared=shared)
    selected = 0
    for seed in range(5):
        merged, alone = both(seed)
        expected = compile_query(parse_kql(query))(alone).tolist()
        assert predicate(merged).tolist() == expected
        chosen = np.flatnonzero(np.arange(65) % 3 == 0)
        assert compile_query(parse_kql(query))(Selection(merged, chosen)).tolist() == [
            expected[row] for row in chosen.tolist()]
        selected += sum(expected)
    assert selected


def test_eql_does_too() -> None:
    query = parse_eql('network where dns.question.name : "*.EXAMPLE" or destination.port == 23')
    for seed in range(3):
        merged, alone = both(seed)
        assert compile_query(query)(merged).tolist() == compile_query(query)(alone).tolist()


def test_columns_documents_and_what_is_kept_are_in_their_places() -> None:
    merged, alone = both(3)
    every = np.arange(65)
    names = ("source.ip", "destination.port")
    assert combinations_of(merged, names, every) == combinations_of(alone, names, every)
    assert merged.column("no.such.field") is None
    assert merged.documents([64, 0, 7, 7]) == alone.documents([64, 0, 7, 7])
    assert [merged.keep(row).document() for row in range(65)] == alone.documents(range(65))


def test_times_are_those_of_the_parts() -> None:
    first, second = DocumentRows([{}, {}], [1, 4]), DocumentRows([{}], [3])
    merged = MergedRows([first, second], [np.array([0, 2]), np.array([1])])
    assert merged.times_ns().tolist() == [1, 3, 4] == [merged.known_ns(row) for row in range(3)]


def test_stretches_are_the_rows_in_their_order() -> None:
    first, second = DocumentRows([{"a": 1}, {"a": 2}, {"a": 5}], [1, 2, 5]), DocumentRows(
        [{"a": 3}, {"a": 4}], [3, 4])
    merged = MergedRows([first, second], [np.array([0, 1, 4]), np.array([2, 3])])
    assert [part.documents(range(part.count)) for part in stretches(merged)] == [
        [{"a": 1}, {"a": 2}], [{"a": 3}, {"a": 4}], [{"a": 5}]]
    assert list(stretches(first)) == [first]


RULES = (
    rule("eql", language="eql", query='sequence by source.ip'
         ' [network where destination.port == 53] [network where destination.port == 23]'),
    rule("threshold", query="source.ip:10.0.0.0/8", threshold={"field": ["source.ip"], "value": 3}),
    rule("query", query="destination.port:53 and source.ip:10.0.0.2"),
)


@pytest.mark.parametrize("which", range(len(RULES)))
def test_rules_find_in_the_whole_what_they_find_piece_by_piece(which: int, tmp_path: Path) -> None:
    chance = random.Random(which)
    events = documents(chance, 60)
    theirs = np.array(sorted(chance.sample(range(60), 25)), np.intp)
    places = [np.delete(np.arange(60), theirs), theirs]
    merged = MergedRows([DocumentRows([events[at] for at in some], some.tolist())
                         for some in places], places)  # fmt: skip
    found = []
    for batches in ([merged], list(merged.stretches()), [DocumentRows(events, range(60))]):
        ruleset = load(tmp_path, RULES[which])
        told = [alert for rows in batches for alert in ruleset.match(rows)]
        found.append([alert.document for alert in told])
    assert found[0] == found[1] == found[2] != []
