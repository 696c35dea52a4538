"""What the shipped rules say of themselves in their [[test]] entries holds."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import sensor
from sensor.api import load_rules
from tests.running import ROOT

RULES = sorted((ROOT / "rules").glob("*.toml"))
TRUTH: list[dict[str, Any]] = tomllib.loads(
    (ROOT / "tests/golden/truth.toml").read_text(encoding="utf-8")
)["capture"]


def document(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


ENTRIES = [(path, test) for path in RULES for test in document(path).get("test", ())]


@pytest.mark.parametrize(
    ("path", "entry"), ENTRIES, ids=[f"{p.stem}-{Path(e['capture']).stem}" for p, e in ENTRIES]
)
def test_entry(path: Path, entry: dict[str, Any]) -> None:
    alerts = list(sensor.replay(str(ROOT / entry["capture"]), rules=[str(path)]))
    assert len(alerts) == entry["alerts"]


def test_every_rule_that_runs_has_entries_that_fire_and_entries_that_stay_silent() -> None:
    runs = {Path(row["file"]).name for row in load_rules().describe() if row["status"] == "runs"}
    assert runs
    for path in RULES:
        counts = [entry["alerts"] for entry in document(path).get("test", ())]
        assert (0 in counts and any(counts)) or path.name not in runs


@pytest.mark.parametrize("truth", TRUTH, ids=lambda truth: truth["file"])
def test_every_shipped_capture_gives_the_alerts_of_its_truth(truth: dict[str, Any]) -> None:
    found = dict.fromkeys(truth["alerts"], 0)
    for alert in sensor.replay(str(ROOT / "captures" / truth["file"])):
        found[alert.rule_name] += 1
    assert found == truth["alerts"]
