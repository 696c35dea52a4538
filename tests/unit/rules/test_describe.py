"""Rules in words: what `rules show` and `rules check` print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sensor.config import Config
from sensor.rules.describe import check_paths, describe_special, format_rule
from sensor.rules.types import MappingEntry, NewTermsText, Special, ThreatText, ThresholdText
from tests.rule_files import FIELDS, RULE, SECOND, load, rule_text, shipped, suppressed, written

DAY = 86_400 * SECOND
EXTERNAL = "Accepted Telnet Connection to External Network"


@pytest.mark.parametrize(("special", "words"), [
    (ThresholdText((), 1), "1 event within 9 min"),
    (ThresholdText(("a", "b"), 5, "c", 100),
     "5 events within 9 min, 100 different c among them, for each a and b"),
    (NewTermsText(("a", "b"), 7 * DAY), "a and b not seen within 7 d"),
    (ThreatText(((MappingEntry("a", "b"), MappingEntry("c", "d", negate=True)),
                 (MappingEntry("e", "f"),)), "", "kuery", "", ()),
     "a is b and c is not d or e is f"),
])
def test_words_for_people(special: Special, words: str) -> None:
    assert describe_special(special, 540 * SECOND) == words


def test_show_says_which_list_is_in_force() -> None:
    for strict, word in ((False, "literal"), (True, "strict_external")):
        rule = shipped(strict_external=strict).find(EXTERNAL)
        assert rule is not None
        shown = format_rule(rule)["external_list"]
        assert shown["in_force"] == word
        assert ("fc00::/7" in shown["networks"]) == strict
        assert "10.0.0.0/8" in shown["networks"]


def test_check_lists_good_and_bad(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(rule_text())
    (tmp_path / "bad.toml").write_text(rule_text("(", rule_id="r2"))
    rows = check_paths([str(tmp_path)], config=Config(), known_fields=FIELDS)
    assert [(Path(row.file).name, row.status) for row in rows] == [
        ("bad.toml", "error"), ("good.toml", "runs")]
    assert "^" in rows[0].reason


def test_check_lists_the_sound_rules_of_a_file_beside_its_bad_ones(tmp_path: Path) -> None:
    line = {**RULE, "name": "n"}
    lines = [line, {**line, "rule_id": "r2", "query": "("}, {**line, "rule_id": "r3", "name": "m"}]
    path = written(tmp_path / "export.ndjson", *lines)
    rows = check_paths([str(path)], config=Config(), known_fields=FIELDS)
    assert sorted((row.name, row.status) for row in rows) == [
        ("", "error"), ("m", "runs"), ("n", "runs")]


def test_a_tactic_without_techniques_is_shown(tmp_path):
    line = {"rule_id": "r1", "name": "n", "description": "d", "type": "query", "query": "tags:x",
            "severity": "low", "risk_score": 21,
            "threat": [{"tactic": {"id": "TA0001", "name": "Entry"}, "technique": None}]}
    (tmp_path / "export.ndjson").write_text(json.dumps(line))
    (rule,) = load(tmp_path).rules
    assert format_rule(rule)["threat"] == ["Entry (TA0001)"]


def test_a_rule_tells_how_it_is_suppressed(tmp_path: Path) -> None:
    (rule,) = load(tmp_path, rule_text(extra=suppressed("source.ip"))).rules
    assert format_rule(rule)["suppression"] == "one alert for each source.ip within 5 min"
