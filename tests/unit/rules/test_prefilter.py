"""What lines must hold for the rules of a set."""

from __future__ import annotations

from pathlib import Path

from sensor.query.kql import parser as kql
from sensor.query.required_terms import required_terms
from sensor.rules.prefilter import clauses_of
from tests.rule_files import load, rule_text

NEW_TERMS = '''[rule.new_terms]
field = "new_terms_fields"
value = ["source.ip"]
[[rule.new_terms.history_window_start]]
field = "history_window_start"
value = "now-7d"
'''


def test_each_rule_that_runs_has_the_clauses_of_its_query(tmp_path: Path) -> None:
    rules = load(tmp_path, rule_text(), rule_text("process.name:x", rule_id="r2")).rules
    assert [rule.status for rule in rules] == ["runs", "cannot_run"]
    assert clauses_of(rules) == [required_terms(kql.parse("destination.port:23"))]


def test_a_rule_that_learns_may_need_any_document(tmp_path: Path) -> None:
    rules = load(tmp_path, rule_text(extra=NEW_TERMS, type="new_terms")).rules
    assert clauses_of(rules) == [()]
