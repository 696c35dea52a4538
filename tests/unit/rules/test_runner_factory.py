"""Why threshold, new-terms and indicator-match rules cannot run, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sensor.rules.rule import RulesError
from sensor.rules.runner_factory import NO_INDICATORS
from sensor.rules.types import duration_text
from tests.rule_sets import SECOND, load, rule
from tests.unit.rules.test_stateful_runners import IOC, NEW, THRESHOLD, listed


def entry(*fields: str) -> dict[str, Any]:
    return {"entries": [{"field": name, "value": "threat.indicator.ip"} for name in fields]}


@pytest.mark.parametrize(("text", "reason"), [
    (rule("threshold", threshold={"field": ["user.name"], "value": 1}), "not on a tap: user.name"),
    (rule("threshold", threshold={"field": [], "value": 1, "cardinality": [
        {"field": "process.pid", "value": 2}]}), "not on a tap: process.pid"),
    (rule("threshold", threshold={"field": [], "value": 11}), "11 events, more than the limit"),
    (rule("threshold", threshold=THRESHOLD, language="lucene"), "language lucene"),
    (rule("threshold", threshold=THRESHOLD, query="process.name:x"), "can never hold"),
    (rule("new_terms", new_terms_fields=["source.ip", "user.name"],
          history_window_start="now-1d"), "not on a tap: user.name"),
    (rule("threat_match", threat_mapping=[entry("file.hash.md5"), entry("source.ip", "url.full")]),
     "not on a tap: file.hash.md5, url.full"),
    (rule("threat_match", threat_query="a:1", **IOC), "none of 2 indicators fulfils"),
    (rule("threat_match", threat_language="lucene", **IOC), "threat_language lucene"),
])
def test_rules_that_cannot_run_here(text: dict[str, Any], reason: str, tmp_path: Path) -> None:
    rules = load(tmp_path, text, indicators=listed(tmp_path), threshold_events_max=10)
    assert rules.rules[0].status == "cannot_run"
    assert reason in rules.rules[0].reason
    assert rules.rules[0].runner is None


def test_a_rule_without_indicators_says_where_to_name_them(tmp_path: Path) -> None:
    rules = load(tmp_path, rule("threat_match", **IOC))
    assert "--indicators FILE" in NO_INDICATORS and NO_INDICATORS in rules.notices[0]


def test_alternatives_on_fields_that_a_tap_lacks_leave_the_others(tmp_path: Path) -> None:
    text = rule("threat_match", threat_mapping=[entry("file.hash.md5"), entry("source.ip")])
    rules = load(tmp_path, text, indicators=listed(tmp_path))
    assert (rules.rules[0].status, rules.rules[0].reason) == (
        "degraded", "not on a tap: file.hash.md5")


@pytest.mark.parametrize(("text", "reason"), [
    (rule("threshold", threshold={"field": ["source.ipp"], "value": 1}),
     "export.ndjson:1: unknown field 'source.ipp'"),
    (rule("new_terms", new_terms_fields=["source.ipp"], history_window_start="now-1d"),
     "unknown field 'source.ipp'"),
    (rule("threat_match", threat_mapping=[entry("source.ipp")]), "unknown field 'source.ipp'"),
    (rule("threat_match", threat_query="a:(", **IOC), "threat_query: "),
    (rule("new_terms", **{**NEW, "history_window_start": "7d"}), "like now-7d"),
    (rule("threshold", threshold=THRESHOLD, query="a:("), "query line 1"),
    (rule("threshold", threshold=THRESHOLD, **{"from": "always"}), "'from' must be like now-9m"),
])
def test_rules_that_are_wrong(text: dict[str, Any], reason: str, tmp_path: Path) -> None:
    with pytest.raises(RulesError) as caught:
        load(tmp_path, text, indicators=listed(tmp_path))
    assert reason in str(caught.value)


def test_a_wrong_field_is_shown_with_its_line(tmp_path: Path) -> None:
    text = ('[rule]\nrule_id = "r"\nname = "n"\ndescription = "d"\ntype = "threshold"\n'
            'severity = "low"\nrisk_score = 1\nquery = "event.action:flow_started"\n'
            "[rule.threshold]\nfield = ['source.ipp']\nvalue = 1\n")
    with pytest.raises(RulesError, match=r"rule0\.toml:10: unknown field 'source\.ipp'"):
        load(tmp_path, text)


def test_a_list_that_a_rule_names_and_that_is_wrong(tmp_path: Path) -> None:
    text = ('[rule]\nrule_id = "r"\nname = "n"\ndescription = "d"\ntype = "threat_match"\n'
            'severity = "low"\nrisk_score = 1\nquery = "event.action:flow_started"\n'
            '[[rule.threat_mapping]]\n[[rule.threat_mapping.entries]]\nfield = "source.ip"\n'
            'type = "mapping"\nvalue = "threat.indicator.ip"\n[sensor]\nindicators = ["none"]\n')
    with pytest.raises(RulesError, match=r"indicators: .*none: cannot be read"):
        load(tmp_path, text)


@pytest.mark.parametrize(("seconds", "text"), [
    (7 * 86_400, "7 d"), (36 * 3600, "36 h"), (90, "90 s"), (60, "1 min"), (0, "0 s")])
def test_durations(seconds: int, text: str) -> None:
    assert duration_text(seconds * SECOND) == text
