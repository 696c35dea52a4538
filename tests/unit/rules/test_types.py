"""What threshold, new-terms and indicator-match rules say, in both layouts; and mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.rules.types import (
    MappingEntry,
    NewTermsText,
    Special,
    ThreatText,
    ThresholdText,
    ago_ns,
    lookback_ns,
    read_special,
)

SECOND = 1_000_000_000
DAY = 86_400 * SECOND


def read(kind: str, **keys: Any) -> tuple[Special | None, list[str]]:
    told: list[str] = []
    special = read_special({"type": kind, **keys}, keys.pop("sensor", {}),
                           lambda reason, _: told.append(reason))
    return special, told


@pytest.mark.parametrize(("table", "expected"), [
    ({"field": ["source.ip"], "value": 5}, ThresholdText(("source.ip",), 5)),
    ({"field": "source.ip", "value": 1}, ThresholdText(("source.ip",), 1)),
    ({"field": [], "value": 9, "cardinality": []}, ThresholdText((), 9)),
    ({"field": "", "value": 9}, ThresholdText((), 9)),
    ({"value": 9}, ThresholdText((), 9)),
    ({"field": ["a", "b", "c"], "value": 1, "cardinality": [{"field": "d", "value": 100}]},
     ThresholdText(("a", "b", "c"), 1, "d", 100)),
    ({"field": ["a"], "value": 1, "cardinality": {"field": "d", "value": 100}},
     ThresholdText(("a",), 1, "d", 100)),
])
def test_thresholds(table: dict[str, Any], expected: ThresholdText) -> None:
    assert read("threshold", threshold=table) == (expected, [])


@pytest.mark.parametrize(("table", "word"), [
    (None, "needs [rule.threshold]"),
    ({"field": ["a", "b", "c", "d", "e", "f"], "value": 1}, "up to 5 fields"),
    ({"field": ["a", "a"], "value": 1}, "up to 5 fields"),
    ({"field": [1], "value": 1}, "up to 5 fields"),
    ({"field": ["a"]}, "whole number"),
    ({"field": ["a"], "value": 0}, "whole number"),
    ({"field": ["a"], "value": True}, "whole number"),
    ({"field": ["a"], "value": "5"}, "whole number"),
    ({"field": ["a"], "value": 1, "cardinality": [{"field": "d"}]}, "a field and a whole number"),
    ({"field": ["a"], "value": 1, "cardinality": ["d"]}, "a field and a whole number"),
    ({"field": ["a"], "value": 1, "cardinality": [{"field": "d", "value": 1}] * 2}, "must be one"),
])
def test_bad_thresholds(table: Any, word: str) -> None:
    _, told = read("threshold", threshold=table)
    assert len(told) == 1 and word in told[0]


def test_new_terms_in_both_layouts() -> None:
    expected = NewTermsText(("source.ip", "destination.ip"), 14 * DAY), []
    fields = ["source.ip", "destination.ip"]
    assert read("new_terms", new_terms_fields=fields, history_window_start="now-14d") == expected
    table = {"field": "new_terms_fields", "value": fields, "history_window_start": [
        {"field": "history_window_start", "value": "now-14d"}]}
    assert read("new_terms", new_terms=table) == expected


@pytest.mark.parametrize(("fields", "start", "word"), [
    ([], "now-7d", "1 to 3 fields"), (["a", "b", "c", "d"], "now-7d", "1 to 3 fields"),
    (None, "now-7d", "1 to 3 fields"),
    (["a"], None, "like now-7d"), (["a"], "now", "like now-7d"), (["a"], "7d", "like now-7d"),
])
def test_bad_new_terms(fields: Any, start: Any, word: str) -> None:
    _, told = read("new_terms", new_terms_fields=fields, history_window_start=start)
    assert len(told) == 1 and word in told[0]


ENTRY = {"field": "source.ip", "type": "mapping", "value": "threat.indicator.ip"}


def test_indicator_match() -> None:
    mapping = [{"entries": [ENTRY, {**ENTRY, "field": "a", "negate": True}]},
               {"entries": [{"field": "b", "value": "c"}]}]
    special, told = read("threat_match", threat_mapping=mapping, threat_query="a:1",
                         threat_index=["x"], sensor={"indicators": ["bad.txt"]})
    ip = "threat.indicator.ip"
    assert (special, told) == (ThreatText(
        ((MappingEntry("source.ip", ip), MappingEntry("a", ip, negate=True)),
         (MappingEntry("b", "c"),)),
        "a:1", "kuery", "threat.indicator", ("bad.txt",)), [])


@pytest.mark.parametrize(("mapping", "word"), [
    (None, "needs threat_mapping"), ([], "needs threat_mapping"),
    ([{"entries": []}], "needs threat_mapping"), (["x"], "needs threat_mapping"),
    ([{"entries": [ENTRY]}, {"entries": ["x"]}], "a 'field' and a 'value'"),
    ([{"entries": [{**ENTRY, "type": "match"}]}], "of type mapping"),
    ([{"entries": [{**ENTRY, "negate": True}]}], "cannot all be negated"),
])
def test_bad_indicator_match(mapping: Any, word: str) -> None:
    _, told = read("threat_match", threat_mapping=mapping)
    assert any(word in reason for reason in told)


def test_other_types_have_nothing_of_their_own() -> None:
    assert read("query") == (None, [])


@pytest.mark.parametrize(("text", "seconds"), [
    ("now", 0), ("now-9m", 540), ("now-370s", 370), ("now-1h", 3600), ("now-1w", 604_800),
    ("now-1h-30m", 5400), ("now-30d/d", 30 * 86_400), ("now/d", 0),
    ("now-1M", 30 * 86_400), ("now-1y/y", 365 * 86_400), ("now-2H", 7200),
    ("now+1h", None), ("9m", None), ("now-9x", None), ("now-9m ", None), (9, None), ("now-", None),
])
def test_how_long_ago(text: Any, seconds: int | None) -> None:
    assert ago_ns(text) == (None if seconds is None else seconds * SECOND)


@pytest.mark.parametrize(("keys", "seconds", "wrong"), [
    ({}, 360, ""), ({"from": "now-9m"}, 540, ""), ({"from": "now-9m", "to": "now-1m"}, 480, ""),
    ({"from": None, "to": None}, 360, ""),
    ({"from": "yesterday"}, 360, "'from' must be like now-9m"),
    ({"from": "now-1m", "to": "now-1m"}, 360, "before"),
])
def test_look_back(keys: dict[str, Any], seconds: int, wrong: str) -> None:
    told: list[str] = []
    assert lookback_ns(keys, lambda reason, _: told.append(reason)) == seconds * SECOND
    assert (wrong in told[0]) if wrong else not told
