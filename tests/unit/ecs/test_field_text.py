"""The values of a document's fields, and their text."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.ecs.field_text import field, leaves, value_at, values


def test_of_a_list_of_objects_the_values_of_each() -> None:
    answers = [{"name": "a.example", "ttl": 60, "data": "192.0.2.1"}, {"name": "b.example"}]
    document = {"dns": {"answers": answers, "resolved_ip": ["192.0.2.1"]}}
    assert value_at(document, "dns.answers.name") == ["a.example", "b.example"]
    assert value_at(document, "dns.answers.ttl") == [60]
    assert value_at(document, "dns.resolved_ip.x") == []
    assert value_at({}, "dns.answers.name") is None


@pytest.mark.parametrize(("value", "text"), [
    ("a\x1b[2J", r"a\x1b[2J"),
    (["a", 1, True, None], "a,1,true,"),
    ({"b": 1}, ""),
    (None, ""),
    (0, "0"),
    (False, "false"),
])
def test_text_of_a_value(value: Any, text: str) -> None:
    assert field({"a": {"b": value}}, "a.b") == text


def test_text_of_a_field_that_is_not_there() -> None:
    assert field({"a": "text"}, "a.b") == field({}, "a") == ""


def test_one_value_is_a_list_of_one() -> None:
    assert values({"a": "x\n"}, "a") == [r"x\x0a"]
    assert values({"a": ["x", 2]}, "a") == ["x", "2"]
    assert values({}, "a") == []


def test_all_values_by_their_names() -> None:
    document = {"a": 1, "b": {"c": [1, 2], "d": {"e": None}}, "f": {}, "h": [], "g": [
        {"x": 1, "y": {"z": 2}}, "no object", {"x": 3, "y": {"z": 4}}]}  # fmt: skip
    found = dict(leaves(document))
    assert found == {"a": 1, "b.c": [1, 2], "b.d.e": None, "h": [], "g.x": [1, 3],
                     "g.y.z": [2, 4]}  # fmt: skip
    assert {name: value_at(document, name) for name in found} == found
