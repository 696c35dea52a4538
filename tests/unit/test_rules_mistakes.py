"""What is said of rule files that can be read but hardly mean what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_rules import load, rule_text


@pytest.mark.parametrize(("keys", "query", "reason"), [
    ({}, "destination.prt:23",
     "no event is known to have 'destination.prt': did you mean 'destination.port'?"),
    ({"type": "eql", "language": "eql"}, "netwrok where destination.port == 23",
     "no event is known to be of the category 'netwrok': did you mean 'network'?"),
    ({"type": "eql", "language": "eql"}, "sequence by sorce.ip [any where true] [any where true]",
     "no event is known to have 'sorce.ip': did you mean 'source.ip'?"),
])
def test_names_that_look_misspelt_are_told_where_any_event_may_come(
    keys: dict[str, str], query: str, reason: str, tmp_path: Path
) -> None:
    rules = load(tmp_path, rule_text(query, **keys), any_event=True)
    assert rules.notices == [f"rule 'Test rule' runs degraded: {reason}"]


def test_a_misspelt_group_is_told_where_any_event_may_come(tmp_path: Path) -> None:
    extra = '[rule.threshold]\nfield = ["source.ipp"]\nvalue = 2\n'
    rules = load(tmp_path, rule_text(extra=extra, type="threshold"), any_event=True)
    assert "no event is known to have 'source.ipp': did you mean 'source.ip'?" in rules.notices[0]


def test_fields_of_other_products_are_no_typing_errors(tmp_path: Path) -> None:
    query = "panw.panos.action:deny and acme.box.verdict:x and process.nam:y and event.category:z"
    assert load(tmp_path, rule_text(query), any_event=True).notices == []
