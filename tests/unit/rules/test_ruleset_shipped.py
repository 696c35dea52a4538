"""The tests that stand in the shipped rule files: which captures fire, and how often."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import sensor
from tests.running import ROOT

RULES = [tomllib.loads(path.read_text("utf-8")) for path in sorted((ROOT / "rules").glob("*.toml"))]
CASES = [
    pytest.param(content["rule"]["name"], case,
                 id=f"{content['rule']['name']}-{Path(case['capture']).stem}")
    for content in RULES for case in content.get("test", [])
]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_rule_fires_as_its_file_says(name: str, case: dict[str, Any]) -> None:
    found = [alert for alert in sensor.replay(str(ROOT / case["capture"]))
             if alert.rule_name == name]
    assert len(found) == case["alerts"]


def test_every_rule_that_a_tap_can_decide_has_tests_of_both_kinds() -> None:
    for content in RULES:
        counts = [case["alerts"] for case in content.get("test", [])]
        if "network_leg" not in content.get("sensor", {}):
            assert any(counts) and not all(counts), content["rule"]["name"]
