"""What the shipped rules say of themselves in their [[test]] entries holds."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import sensor
from sensor.app.build import load_rules
from sensor.cli.main import commands
from sensor.cli.rules_test import outcomes_of
from sensor.rules.rule import Rule
from tests.running import ROOT

TRUTH: list[dict[str, Any]] = tomllib.loads(
    (ROOT / "tests/golden/truth.toml").read_text(encoding="utf-8")
)["capture"]


ENTRIES = [(rule, number) for rule in load_rules([str(ROOT / "rules")]).rules
           for number in range(len(rule.text.tests))]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "number"), ENTRIES,
    ids=[f"{Path(rule.text.path).stem}-{number}" for rule, number in ENTRIES],
)  # fmt: skip
def test_entry(rule: Rule, number: int) -> None:
    text = replace(rule.text, tests=rule.text.tests[number : number + 1])
    (outcome,) = outcomes_of(replace(rule, text=text))
    assert outcome.problem == "" and outcome.found == outcome.expected


def test_every_rule_that_runs_has_entries_that_fire_and_entries_that_stay_silent() -> None:
    runs = {Path(row["file"]).name for row in load_rules().describe() if row["status"] == "runs"}
    assert runs
    for rule in load_rules([str(ROOT / "rules")]).rules:
        counts = [entry["alerts"] for entry in rule.text.tests]
        assert (0 in counts and any(counts)) or Path(rule.text.path).name not in runs


@pytest.mark.parametrize("truth", TRUTH, ids=lambda truth: truth["file"])
def test_every_shipped_capture_gives_the_alerts_of_its_truth(truth: dict[str, Any]) -> None:
    found = dict.fromkeys(truth["alerts"], 0)
    for alert in sensor.replay(str(ROOT / "captures" / truth["file"])):
        found[alert.rule_name] += 1
    assert found == truth["alerts"]


RULE_TEXT = """
[metadata]
[rule]
rule_id = "r1"
name = "Any"
description = "d"
type = "query"
language = "kuery"
severity = "low"
risk_score = 1
query = "event.action:flow_started"

[[test]]
"""


@pytest.mark.parametrize(("entry", "code", "line"), [
    ('events = "x.ndjson"\nalerts = 1', 0, "ok      rule.toml: x.ndjson: 1 alert\n"),
    ('events = ["x.ndjson"]\nalerts = 2', 1, "FAILED  rule.toml: x.ndjson: 1 alert, not 2\n"),
    ('events = "x.ndjson"', 2, "ERROR   rule.toml: x.ndjson: alerts = N is missing\n"),
    ('alerts = 1', 2, "ERROR   rule.toml: ?: neither capture nor events names a file\n"),
    ('capture = "y.pcap"\nalerts = 1', 2, "ERROR   rule.toml: y.pcap: no such file"),
    ('events = "x.ndjson"\nalerts = 1\nalert = 2', 2, "unknown key 'alert'"),
    ('events = 3\nalerts = 1', 2, "ERROR   rule.toml: 3: capture and events are names of files"),
])  # fmt: skip
def test_the_command_says_which_entries_hold(
    tmp_path: Path, entry: str, code: int, line: str
) -> None:
    (tmp_path / "rule.toml").write_text(RULE_TEXT + entry, "utf-8")
    (tmp_path / "x.ndjson").write_text(
        '{"@timestamp":"2026-01-02T03:04:05Z","event":{"action":"flow_started"}}\n', "utf-8")
    ended = CliRunner().invoke(commands, ["rules", "test", str(tmp_path / "rule.toml")],
                               standalone_mode=False)
    assert line in ended.output
    assert ended.return_value == code
