"""Fields, and the objects that an entry of a group gives."""

from __future__ import annotations

import pytest

from sensor.ecs.field import Constant, Entry, Field, coded, nested

FIELDS = (
    Field("dns.question.name", "keyword", "", Entry(lambda names: names[:1])),
    Field("dns.question.registered_domain", "keyword", "", Entry(lambda _: ())),
    Field("dns.answers", "keyword", "", Entry(lambda names: names[1:]), array=True),
)


def test_names_with_dots_are_objects_and_arrays_are_lists() -> None:
    assert nested(FIELDS, ("a.example", "192.0.2.1", "192.0.2.2")) == {
        "dns": {"question": {"name": "a.example"}, "answers": ["192.0.2.1", "192.0.2.2"]}}


def test_fields_without_a_value_are_absent_and_so_are_their_objects() -> None:
    assert nested(FIELDS, ()) == {}


def test_only_fields_of_groups_come_from_entries() -> None:
    with pytest.raises(AssertionError, match="no field of a group"):
        nested((Field("event.kind", "keyword", "", Constant(("event",))),), None)


def test_coded_tables_leave_out_the_absent_code() -> None:
    assert coded(("none", "fin"), absent=0) == ((), ("fin",))
