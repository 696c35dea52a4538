"""Every case of the TOML files here: rows + query + what it selects, or the error; events +
sequence + its matches.
"""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sensor.config import RuleLimits
from sensor.errors import QueryError
from sensor.query import ast
from sensor.query.document_rows import DocumentRows
from sensor.query.eql import parser as eql
from sensor.query.kql import parser as kql
from sensor.query.predicate import compile_query
from sensor.query.stateful.sample import Sampler
from sensor.query.stateful.sequence import Tracker

FILES = {path.stem: tomllib.loads(path.read_text("utf-8"))
         for path in sorted(Path(__file__).parent.glob("*.toml"))}
SEQUENCES = FILES.pop("sequences")["case"]
SECOND = 1_000_000_000
PARSERS = {"kql": kql.parse, "eql": eql.parse}


def cases(key: str) -> list[Any]:
    return [
        pytest.param(content, case, id=f"{name}-{number}")
        for name, content in FILES.items()
        for number, case in enumerate(content["case"]) if key in case
    ]


def parse(content: dict[str, Any], case: dict[str, Any]) -> Any:
    return PARSERS[case.get("language") or content["language"]](case["query"])


@pytest.mark.parametrize(("content", "case"), cases("expect"))
def test_selects(content: dict[str, Any], case: dict[str, Any]) -> None:
    names = list(content["rows"])
    rows = DocumentRows(list(content["rows"].values()))
    predicate = compile_query(parse(content, case))
    for _ in range(2):  # the second batch takes another way through a conjunction
        found = [name for name, selected in zip(names, predicate(rows), strict=True) if selected]
        assert found == case["expect"].split(), case["query"]


@pytest.mark.parametrize(("content", "case"), cases("error"))
def test_refuses(content: dict[str, Any], case: dict[str, Any]) -> None:
    with pytest.raises(QueryError) as caught:
        parse(content, case)
    error = caught.value
    assert case["error"] in error.reason
    assert (error.line, error.column) == (case.get("line", 1), case["column"])
    *_, text, caret = str(error).split("\n")
    assert caret.index("^") - 4 == error.column - 1
    assert text[4:] in case["query"]


@pytest.mark.parametrize("size", [1000, 1, 2])
@pytest.mark.parametrize("case", SEQUENCES, ids=[str(at) for at in range(len(SEQUENCES))])
def test_finds_in_order(case: dict[str, Any], size: int) -> None:
    events = [event_of(text, number) for number, text in enumerate(case["events"])]
    query = eql.parse(case["query"])
    assert isinstance(query, ast.Sequence | ast.Sample)
    kind: Any = Tracker if isinstance(query, ast.Sequence) else Sampler
    tracker = kind(query, case.get("lookback", 360) * SECOND, RuleLimits())
    done = []
    for first in range(0, len(events), size):
        part = events[first : first + size]
        rows = DocumentRows([event for event, _ in part], [time_ns for _, time_ns in part])
        done += tracker.matches(rows, lambda selected: selected)
    if "advance" in case:
        done += tracker.advance(case["advance"] * SECOND)
    assert [match_text(item, events) for item in done] == case["expect"], case["query"]
    assert tracker.evicted == 0


def event_of(text: str, number: int) -> tuple[dict[str, Any], int]:
    seconds, letter, *fields = text.split()
    event: dict[str, Any] = {"number": number, "t": letter}
    for field in fields:
        name, value = field.split("=")
        event["event.category" if name == "c" else name] = value_of(value)
    return event, int(Decimal(seconds) * SECOND)


def value_of(text: str) -> Any:
    if "," in text:
        return [value_of(part) for part in text.split(",") if part]
    return True if text == "true" else int(text) if text.isdigit() else text.strip("'")


def match_text(done: Any, events: list[tuple[dict[str, Any], int]]) -> str:
    numbers = [kept.document()["number"] for kept in done.events]
    timed = events[numbers[-1]][1] != done.known_ns
    late = [f"@{done.known_ns // SECOND}"] if timed else []
    return " ".join([*map(str, numbers), *late])


def test_there_are_enough_cases() -> None:
    assert len(SEQUENCES) >= 60
    assert len(cases("expect")) >= 150
    assert len(cases("error")) >= 40
