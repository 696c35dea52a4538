"""JSON files of rules and exceptions: forms, faults, files for something else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sensor.errors import ConfigError
from sensor.rules.rule import RulesError
from tests.rule_files import EVENT, ITEM, RULE, of_files, written


@pytest.mark.parametrize(("values", "told"), [
    ([ITEM], "these are exception items: give them to --exceptions"),
    ([EVENT, EVENT], "these look like events: give them to --events"),
    ([{"a": 1}], "something else is in it"), ([], "it is empty"),
])
@pytest.mark.parametrize("suffix", ["ndjson", "json"])
def test_a_file_without_rules_is_an_error(
    values: list[Any], told: str, suffix: str, tmp_path: Path
) -> None:
    path = written(tmp_path / f"x.{suffix}", *values)
    with pytest.raises(RulesError) as caught:
        of_files(path)
    assert str(caught.value) == f"{path}: no rule in it: {told}"
    with pytest.raises(RulesError, match=rf"^{tmp_path}: no rule in its files .x") as caught:
        written(tmp_path / "x.ndjson", *values)
        of_files(tmp_path)


def test_other_files_may_lie_beside_rules(tmp_path: Path) -> None:
    written(tmp_path / "events.ndjson", EVENT)
    written(tmp_path / "rules.ndjson", RULE)
    assert [rule.text.name for rule in of_files(tmp_path).rules] == ["Exported"]


@pytest.mark.parametrize(("values", "told"), [
    ([RULE], "these are rules: give them to --rules"),
    ([EVENT], "these look like events: give them to --events"),
])
def test_exceptions_without_an_item_are_an_error(
    values: list[Any], told: str, tmp_path: Path
) -> None:
    rules = written(tmp_path / "rules.ndjson", RULE)
    path = written(tmp_path / "x.ndjson", *values)
    with pytest.raises(ConfigError) as caught:
        of_files(rules, exceptions=(path,))
    assert str(caught.value) == f"{path}: no exception item in it: {told}"


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("many", [True, False])
def test_json_may_be_an_array_or_spread_over_lines(
    indent: int | None, many: bool, tmp_path: Path
) -> None:
    path = tmp_path / "rules.json"
    rules = [RULE, {**RULE, "rule_id": "r2"}]
    path.write_text(json.dumps(rules if many else RULE, indent=indent))
    assert len(of_files(path).rules) == (2 if many else 1)
    path.write_text(json.dumps([RULE, {**RULE, "query": "sorce.ip:1"}], indent=indent))
    with pytest.raises(RulesError, match=rf":{1 if indent is None else 12}: unknown field"):
        of_files(path)


@pytest.mark.parametrize(("content", "line"), [
    ('[{"rule_id": "r1"', 1), ('[\n{"a": 1},\n', 0), ('{"a": 1}\n{"b": }', 2), ("[" * 9999, 0),
])
def test_broken_json_says_where(content: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(content)
    with pytest.raises(RulesError) as caught:
        of_files(path)
    assert str(caught.value).startswith(f"{path}:{line}: JSON: " if line else f"{path}: JSON: ")
