"""Documents of other products run through the rules as tests/data/events/truth.toml tells."""

from __future__ import annotations

import gzip
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson
import pytest

import sensor
from sensor.events.envelopes import date_of, documents_of
from tests.golden.test_seed_texts import RULE, TEXTS
from tests.running import ROOT

FOLDER = ROOT / "tests/data/events"
TRUTH: list[dict[str, Any]] = tomllib.loads(
    (FOLDER / "truth.toml").read_text(encoding="utf-8"))["file"]
NAMES = {
    "Accepted Default Telnet Port Connection": "then",
    "telnet": "now",
    "Accepted Telnet Connection to External Network": "leg",
    "Connection to External Network via Telnet": "sequence",
}
Fired = dict[int, set[str]]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = tmp_path_factory.mktemp("rules") / "now.toml"
    path.write_text(RULE.format(query=TEXTS["now"]), encoding="utf-8")
    return [str(ROOT / "rules"), str(path)]


def expected(entry: dict[str, Any]) -> Fired:
    """What fires at which time: no two lines have the same."""
    lines = (FOLDER / entry["name"]).read_bytes().splitlines()
    assert len(lines) == len(entry["lines"])
    times = [date_of(*documents_of(orjson.loads(line))) for line in lines]
    return {time: set(line["fires"])
            for time, line in zip(times, entry["lines"], strict=True) if line["fires"]}  # type: ignore[misc]


def fired(events: list[str], rules: list[str]) -> Fired:
    found: Fired = defaultdict(set)
    for alert in sensor.replay(rules=rules, events=events):
        name = NAMES[alert.rule_name]
        assert name not in found[alert.time_ns], "one alert for each rule and event"
        found[alert.time_ns].add(name)
    return dict(found)


def test_every_file_has_its_truth() -> None:
    assert {path.name for path in FOLDER.glob("*.ndjson")} == {entry["name"] for entry in TRUTH}


@pytest.mark.parametrize("entry", TRUTH, ids=lambda entry: Path(entry["name"]).stem)
def test_rules_fire_as_told(entry: dict[str, Any], rules: list[str]) -> None:
    assert fired([str(FOLDER / entry["name"])], rules) == expected(entry)


def test_all_files_together_are_one_stream(tmp_path: Path, rules: list[str]) -> None:
    paths = []
    for entry in TRUTH:
        path = tmp_path / entry["name"]
        path.write_bytes(gzip.compress((FOLDER / entry["name"]).read_bytes()))
        paths.append(str(path))
    together = {time: names for entry in TRUTH for time, names in expected(entry).items()}
    assert fired(paths, rules) == together
