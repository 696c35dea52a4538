"""Every case of the TOML files here: rows + query + the rows that it selects, or the error."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from sensor.errors import QueryError
from sensor.query import eql, kql
from sensor.query.predicate import compile_query
from sensor.query.rows import DocumentRows

FILES = {path.stem: tomllib.loads(path.read_text("utf-8"))
         for path in sorted(Path(__file__).parent.glob("*.toml"))}
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


def test_there_are_enough_cases() -> None:
    assert len(cases("expect")) >= 150
    assert len(cases("error")) >= 40
