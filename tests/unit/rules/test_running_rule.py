"""A rule at work: the limit, suppression, building blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sensor.config import Config, RuleLimits
from sensor.query.document_rows import DocumentRows
from sensor.rules.ruleset import RuleSet
from tests.rule_files import SECOND, flow, load, rule_text


def window(rules: RuleSet, seconds: list[int], cut: int) -> list[str]:
    """The alerts' messages for flows known at those seconds, in batches of `cut`."""
    alerts = []
    for start in range(0, len(seconds), cut):
        part = seconds[start : start + cut]
        rows = DocumentRows([flow(ip=f"8.8.{at // 256}.{at % 256}") for at in part],
                            [at * SECOND for at in part])
        alerts += rules.match(rows)
    return [alert.message for alert in alerts + rules.finish()]


@pytest.mark.parametrize("cut", [1, 2, 3, 100])
def test_what_exceeds_the_limit_is_counted_and_summed_up(cut: int, tmp_path: Path) -> None:
    config = Config(rule=RuleLimits(max_signals=2))
    rules = load(tmp_path, rule_text(), config=config)
    # Windows are [0, 300) and [300, 600): four and three matches, two allowed in each.
    messages = window(rules, [1, 2, 3, 299, 300, 301, 302], cut)
    assert ["8.8.0.1:23" in messages[0], "8.8.0.2:23" in messages[1]] == [True, True]
    assert "2 more alerts from 1970-01-01 00:00:00 to 1970-01-01 00:05:00" in messages[2]
    assert "8.8.1.44:23" in messages[3]  # second 300
    assert "1 more alert from 1970-01-01 00:05:00" in messages[5]
    assert len(messages) == 6
    ledger = rules.ledger()["r1"]
    assert (ledger["matches"], ledger["suppressed"], ledger["alerts"]) == (7, 3, 6)
    assert rules.finish() == []


def test_a_rule_names_its_own_limit(tmp_path: Path) -> None:
    rules = load(tmp_path, rule_text(max_signals=1))
    assert len(window(rules, [1, 2, 3], 10)) == 2


SUPPRESSION = ('[rule.alert_suppression]\ngroup_by = ["source.ip", "network.direction"]\n'
               'duration = {value = 1, unit = "m"}\nmissing_fields_strategy = "STRATEGY"\n')


def suppressed_counts(rules: RuleSet, documents: list[dict[str, Any]], at: list[int]) -> list[int]:
    alerts = rules.match(DocumentRows(documents, [second * SECOND for second in at]))
    return [alert.document["sensor"]["alert"]["suppressed_count"] for alert in alerts]


def test_suppression_counts_on_the_next_alert(tmp_path: Path) -> None:
    rules = load(tmp_path, rule_text(extra=SUPPRESSION.replace("STRATEGY", "suppress")))
    other = flow(source={"ip": "192.0.2.11", "port": 1})
    documents = [flow(), flow(), other, flow(), flow()]
    # The first group: 0 alerts, 10 and 59 are held back, 60 is a minute later.
    assert suppressed_counts(rules, documents, [0, 10, 20, 59, 60]) == [0, 0, 2]
    assert rules.ledger()["r1"]["suppressed"] == 2


@pytest.mark.parametrize(("strategy", "alerts"), [("suppress", 1), ("doNotSuppress", 3)])
def test_missing_group_fields(strategy: str, alerts: int, tmp_path: Path) -> None:
    rules = load(tmp_path, rule_text(extra=SUPPRESSION.replace("STRATEGY", strategy)))
    without = [flow(network={"transport": "tcp"}) for _ in range(3)]
    assert len(suppressed_counts(rules, without, [0, 1, 2])) == alerts


def test_suppression_is_bounded(tmp_path: Path) -> None:
    config = Config(rule=RuleLimits(suppression_keys_max=1))
    rules = load(tmp_path, rule_text(extra=SUPPRESSION.replace("STRATEGY", "suppress")),
                 config=config)
    other = flow(source={"ip": "192.0.2.11", "port": 1})
    # The second group pushes the first out, so that it alerts again.
    assert suppressed_counts(rules, [flow(), other, flow()], [0, 1, 2]) == [0, 0, 0]
    assert rules.ledger()["r1"]["evicted"] == 2


def test_building_blocks_are_hidden_unless_asked_for(tmp_path: Path) -> None:
    text = rule_text(building_block_type="default")
    hidden = load(tmp_path, text)
    assert hidden.match(DocumentRows([flow()])) == []
    assert hidden.running[0].counters.hidden == 1
    assert len(load(tmp_path, text, show_building_blocks=True).match(DocumentRows([flow()]))) == 1
