"""A rule as it was loaded, and the schema that it was held against."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor.rules.rule import Schema
from tests.rule_files import FIELDS, load, rule_text


def test_a_rule_is_called_by_its_id_its_name_and_its_file(tmp_path: Path) -> None:
    (rule,) = load(tmp_path, rule_text()).rules
    assert rule.names == {"r1", "Test rule", "rule0"}


def test_remarks_add_up_and_a_refusal_replaces_them(tmp_path: Path) -> None:
    (rule,) = load(tmp_path, rule_text()).rules
    rule.remark("", "one")
    rule.remark("two")
    assert (rule.status, rule.reason, rule.runner is None) == ("degraded", "one; two", False)
    rule.refuse("three")
    assert (rule.status, rule.reason, rule.runner) == ("cannot_run", "three", None)


SAID = {"network", "authentication", "session", "intrusion_detection", "web"}
"""Flows, and what is said in them."""


@pytest.mark.parametrize(("fields", "any_event", "categories"), [
    (FIELDS, False, SAID),
    ({**FIELDS, "process.pid": "long"}, False, {*SAID, "process"}),
    (FIELDS, True, None),
])
def test_which_events_occur(
    fields: dict[str, str], any_event: bool, categories: set[str] | None
) -> None:
    assert Schema(fields, any_event).evidence.categories() == categories


def test_any_event_may_have_any_field() -> None:
    assert Schema(FIELDS).type_of("process.name") is None
    assert Schema(FIELDS, any_event=True).type_of("process.name") == "keyword"
