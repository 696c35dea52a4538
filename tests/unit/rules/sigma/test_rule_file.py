"""The rule file has what the Sigma rule says, in the layout that rules are read in."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from sensor.rules.describe import format_rule
from sensor.rules.sigma.rule_file import toml
from tests.rule_files import load
from tests.unit.rules.sigma.converting import ID, converted, sigma

DETECTION = "selection:\n    cs-method: a\ncondition: selection"
EXTRA = """description: |
    Two lines, with "quotes" and '''three''',
    and a backslash \\.
references: [https://example.org/]
author: A. Writer, B. Reader
date: 2026-01-02
modified: 2026-01-03
license: MIT
level: high
falsepositives: [Tests]
tags: [attack.initial-access, attack.t1190, attack.t1059.001, cve.2026-1]
"""


def test_all_that_a_rule_says_is_kept(tmp_path: Path) -> None:
    found = converted(tmp_path, sigma(DETECTION, extra=EXTRA))
    table = tomllib.loads(found.text)
    assert table["metadata"] == {
        "creation_date": "2026/01/02", "updated_date": "2026/01/03", "maturity": "production"}
    rule = table["rule"]
    assert rule["author"] == ["A. Writer", "B. Reader"] and rule["license"] == "MIT"
    shown = format_rule(load(tmp_path, found.text, any_event=True).rules[0])
    assert (shown["id"], shown["name"], shown["severity"], shown["risk_score"]) == (
        ID, "A rule", "high", 73)
    assert shown["description"] == (
        "Two lines, with \"quotes\" and '''three''',\nand a backslash \\.")
    assert shown["references"] == ["https://example.org/"]
    assert shown["false_positives"] == ["Tests"]
    assert shown["tags"] == ["attack.initial-access", "attack.t1190", "attack.t1059.001",
                             "cve.2026-1"]  # fmt: skip
    assert shown["threat"] == ["Initial Access (TA0001): T1190 (T1190), T1059 (T1059)"]
    assert rule["threat"][0]["technique"][1]["subtechnique"] == [{
        "id": "T1059.001", "name": "T1059.001",
        "reference": "https://attack.mitre.org/techniques/T1059/001/"}]  # fmt: skip


@pytest.mark.parametrize(("tags", "tactics"), [
    (["attack.t1021"], [None]),
    (["attack.execution", "attack.lateral_movement"], ["TA0002", "TA0008"]),
    (["attack.execution", "attack.lateral-movement", "attack.t1021"], ["TA0002", "TA0008", None]),
    (["attack.g0001", "tlp.clear"], []),
])
def test_a_technique_is_under_a_tactic_only_where_there_is_one(
    tags: list[str], tactics: list[str | None], tmp_path: Path
) -> None:
    rule = sigma(DETECTION, extra=f"tags: {tags}")
    threats = tomllib.loads(converted(tmp_path, rule).text)["rule"].get("threat", [])
    assert [threat.get("tactic", {}).get("id") for threat in threats] == tactics
    if "attack.t1021" in tags:
        assert [technique["id"] for technique in threats[-1]["technique"]] == ["T1021"]


@pytest.mark.parametrize(("level", "severity"), [
    ("", ("low", 21)), ("level: informational", ("low", 1)), ("level: low", ("low", 21)),
    ("level: medium", ("medium", 47)), ("level: critical", ("critical", 99)),
])
def test_levels(level: str, severity: tuple[str, int], tmp_path: Path) -> None:
    rule = tomllib.loads(converted(tmp_path, sigma(DETECTION, extra=level)).text)["rule"]
    assert (rule["severity"], rule["risk_score"]) == severity


def test_a_rule_without_an_id_gets_the_same_one_each_time(tmp_path: Path) -> None:
    texts = [sigma(f"selection:\n    cs-method: {method}\ncondition: selection").replace(
        f"id: {ID}\n", "") for method in ("a", "a", "b")]  # fmt: skip
    one, again, other = (converted(tmp_path, text).id for text in texts)
    assert one == again != other and len(one) == 36


@pytest.mark.parametrize("value", [
    'a "b" \\ c', "tab\tnul\0del\x7f", "two\nlines", ["x", 'y"'], 7, "größe", "'''",
])
def test_values_are_read_back_as_they_were(value: str | int | list[str]) -> None:
    assert tomllib.loads(f"key = {toml(value)}")["key"] == value


def test_what_moves_a_terminal_is_written_as_a_number(tmp_path: Path) -> None:
    rule = sigma("selection:\n    cs-method: \"\\u202e\\x9b31m\"\ncondition: selection",
                 extra='description: "a\\u202e\\e[31m"')  # fmt: skip
    text = converted(tmp_path, rule).text
    assert text.replace("\n", "").isprintable()
    table = tomllib.loads(text)["rule"]
    assert table["description"] == "a\u202e\x1b[31m" and "\u202e\x9b31m" in table["query"]


@pytest.mark.parametrize("text", ["'''", "\\x01", "\\ud800", "\\\\", "\\r\\n"])
def test_whatever_a_rule_looks_for_its_file_loads(text: str, tmp_path: Path) -> None:
    rule = sigma(f'selection:\n    cs-method|contains: "{text}"\ncondition: selection')
    assert load(tmp_path, converted(tmp_path, rule).text, any_event=True).notices == []
