"""Fields that rules name outside of their queries."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor.rules.rule import RulesError
from sensor.rules.types import NewTermsText
from tests.rule_files import load, rule_text, suppressed


def test_a_misspelt_group_is_told_where_any_event_may_come(tmp_path: Path) -> None:
    extra = '[rule.threshold]\nfield = ["source.ipp"]\nvalue = 2\n'
    rules = load(tmp_path, rule_text(extra=extra, type="threshold"), any_event=True)
    assert "no event is known to have 'source.ipp': did you mean 'source.ip'?" in rules.notices[0]


def test_what_suppression_groups_by_is_checked(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match=r"unknown field 'sorce\.ip'") as caught:
        load(tmp_path, rule_text(extra=suppressed("sorce.ip")))
    assert "rule0.toml:14: alert_suppression: " in str(caught.value)
    assert "did you mean 'source.ip'?" in str(caught.value)
    (rule,) = load(tmp_path, rule_text(extra=suppressed("process.name"))).rules
    assert (rule.status, rule.reason) == (
        "degraded", "alert_suppression: not on a tap: process.name")
    (rule,) = load(tmp_path, rule_text(extra=suppressed("sorce.ip")), any_event=True).rules
    assert (rule.status, rule.reason) == (
        "degraded", "no event is known to have 'sorce.ip': did you mean 'source.ip'?")
    with pytest.raises(RulesError, match=r"'duration' must be like .* \(s, m, h, d\)"):
        load(tmp_path, rule_text(extra=suppressed("source.ip", "w")))


@pytest.mark.parametrize(("names", "expected"), [
    (["network.transport", "agent.id"], ("degraded", "not on a tap: agent.id")),
    (["agent.id"], ("cannot_run", "not on a tap: agent.id")),
    (["network.transport", "agent.id", "process.name"],
     ("cannot_run", "not on a tap: agent.id, process.name")),
])  # fmt: skip
def test_new_terms_of_each_agent_are_those_of_this_sensor(
    tmp_path: Path, names: list[str], expected: tuple[str, str]
) -> None:
    (rule,) = load(tmp_path, rule_text(type="new_terms", new_terms_fields=names,
                                       history_window_start="now-7d")).rules
    assert (rule.status, rule.reason) == expected


def test_events_that_have_an_agent_keep_it(tmp_path: Path) -> None:
    (rule,) = load(tmp_path, rule_text(
        type="new_terms", new_terms_fields=["network.transport", "agent.id"],
        history_window_start="now-7d"), any_event=True).rules
    assert isinstance(rule.text.special, NewTermsText)
    assert rule.text.special.fields == ("network.transport", "agent.id")
