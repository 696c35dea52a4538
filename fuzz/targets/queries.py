"""Queries: any text is parsed or said to be wrong at a place in it; what is parsed runs.

A condition gives each row the same whether rows come alone or together, and what it selects has
what the search over raw documents looks for.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson

from sensor.config import RuleLimits
from sensor.ecs.document_kinds import document_kinds
from sensor.errors import QueryError
from sensor.events.scanner import Scanner
from sensor.query import validate as checking
from sensor.query.ast import Sample, Sequence
from sensor.query.document_rows import DocumentRows, ecs_type_of
from sensor.query.eql import parser as eql
from sensor.query.explain import Explainer
from sensor.query.kql import parser as kql
from sensor.query.patterns import PatternError, regex
from sensor.query.predicate import compile_query
from sensor.query.required_terms import required_terms
from sensor.query.satisfiable import Evidence
from sensor.query.stateful.sample import Sampler
from sensor.query.stateful.sequence import Tracker
from sensor.query.stateful.steps import Completed

DOCUMENTS: list[dict[str, Any]] = [
    {"@timestamp": 1_767_323_045_000, "a": 1, "b": "x", "source.ip": "10.0.0.1"},
    {"@timestamp": 1_767_323_046_000, "a": ["x", "Y", None], "b": {"c": 2.5, "d": [True, "23"]}},
    {"@timestamp": 1_767_323_047_000, "event": {"category": ["network"], "action": "flow_started"},
     "source": {"ip": "::1", "port": 40_000}, "destination": {"ip": "8.8.8.8", "port": 23},
     "process": [{"name": "telnet", "pid": 7}, {"name": "sh"}]},
    {"@timestamp": 1_767_323_048_000, "event.category": "process", "process.name": "Kilo",
     "destination.port": [23, 2323]},
    {},
]  # fmt: skip
ROWS = DocumentRows(DOCUMENTS)
EACH = [DocumentRows([document]) for document in DOCUMENTS]
LINES = [orjson.dumps(document) + b"\n" for document in DOCUMENTS]
LATER_NS = 1_767_400_000_000_000_000
_LIMITS = RuleLimits(pending_max=1000)
FIELDS = ("a", "b", "source.ip", "destination.port", "event.category", "process.name")

KINDS = document_kinds()


def make(name: str) -> Callable[[bytes], None]:
    """The check of one language."""
    if name == "regex":
        return any_regex
    parse = kql.parse if name == "kql" else eql.parse

    def check(octets: bytes) -> None:
        text = octets.decode("utf-8", "ignore")
        try:
            tree: Any = parse(text)
        except QueryError as error:
            assert error.line >= 1 and error.column >= 1 and error.reason
            assert str(error)
            return
        for kinds in (None, KINDS):
            checking.check(tree, text, Evidence(ecs_type_of, FIELDS, kinds))
        _explained(tree)
        if isinstance(tree, Sequence):
            _in_order(partial(Tracker, tree, 0, _LIMITS))
        elif isinstance(tree, Sample):
            _in_order(partial(Sampler, tree, 0, _LIMITS))
        else:
            _condition(tree)

    return check


def _explained(tree: Any) -> None:
    """How near an event comes, and its parts, whatever other events are there."""
    explainer = Explainer(tree)
    near = explainer.nearness(ROWS)
    assert ((near >= 0) & (near <= 1)).all()
    for row, rows in enumerate(EACH):
        assert explainer.lines(ROWS, row) == explainer.lines(rows, 0)


def _in_order(make: Callable[[], Any]) -> None:
    """Run the events in one batch and one by one. Errors: AssertionError if that shows."""
    whole, pieces = make(), make()
    found = told(whole.matches(ROWS, _all)) + told(whole.advance(LATER_NS))
    again = []
    for row in range(ROWS.count):
        again += told(pieces.matches(ROWS.part(row, row + 1), _all))
    assert found == again + told(pieces.advance(LATER_NS))


def _all(rows: Any) -> Any:
    """Nothing is excepted."""
    return rows


def told(found: list[Completed]) -> list[tuple[int, list[Any]]]:
    """When something became known, and its events."""
    return [(match.known_ns, [event.document() for event in match.events]) for match in found]


def _condition(tree: Any) -> None:
    predicate = compile_query(tree)
    mask = predicate(ROWS).tolist()
    assert mask == [predicate(rows).tolist()[0] for rows in EACH]
    for clause in required_terms(tree):
        scanner = Scanner(sorted(clause.words), sorted(clause.numbers), folded=clause.folded)
        for line, selected in zip(LINES, mask, strict=True):
            if selected:
                found = scanner.scan(line + b"\0", 0, len(line), array("q", bytes(24)))
                assert found == 1, (clause, line)


def any_regex(octets: bytes) -> None:
    """Any pattern is a machine or wrong at a place in it; letters of either case match no less,
    unless the pattern says what is not to be there.
    """
    text = octets.decode("utf-8", "ignore")
    pattern, _, subject = text.partition("\0")
    try:
        machine = regex(pattern)
    except PatternError as error:
        assert 0 <= error.at <= len(pattern)
        return
    told = machine(subject)
    assert told in (True, False)
    if told and subject.isascii() and not set("^~") & set(pattern):
        insensitive = regex(pattern, insensitive=True)
        assert insensitive(subject)
