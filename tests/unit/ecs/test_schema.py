"""The tables of fields: names, types, and which of them rules may test."""

from __future__ import annotations

import pytest

from sensor.ecs import schema
from sensor.ecs.process_fields import PROCESS_EVENT_FIELDS, PROCESS_FIELDS
from sensor.ecs.schema import known_fields
from sensor.model.flow import FlowContext
from tests import ecs
from tests.flow_records import context

ALL = (*schema.FIELDS, *schema.ALERT_FIELDS, *(field for _, field in schema.GROUP_FIELDS.values()))


def test_names_are_distinct():
    names = [field.name for field in ALL]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("field", ALL, ids=lambda field: field.name)
def test_types_of_ecs_fields_are_those_of_ecs(field):
    if field.name in ecs.ECS:
        assert (field.type, field.array) == ecs.ECS[field.name]
    else:
        assert ecs.CUSTOM.match(field.name)


def test_rules_may_test_fields_of_flows_tunnels_and_alerts():
    known = known_fields()
    assert known["destination.port"] == "long"
    assert known["source.ip"] == "ip"
    assert known["rule.name"] == "keyword"
    assert known["network.protocol"] == "keyword"
    assert known["sensor.tunnel.source"] == "ip"
    assert "process.name" not in known


def test_fields_of_processes_are_known_where_a_run_can_learn_of_any():
    more = known_fields(processes=True).keys() - known_fields().keys()
    own = {field.name for field in (*PROCESS_FIELDS, *PROCESS_EVENT_FIELDS)}
    assert more == own - {field.name for field in schema.FIELDS}


def test_objects_of_a_group_are_no_objects_of_the_flow():
    taken = [field.name.split(".")[0] for field in schema.FIELDS]
    for group in schema.GROUPS:
        for field in group.fields:
            top, inner = field.name.split(".")[:2]
            assert top not in taken or (top == "sensor" and inner not in ("flow", "capture"))


def test_live_captures_have_no_files():
    run: FlowContext = context(live=True)
    assert schema.context_names(run, "files") == []
    assert schema.context_names(run, "interfaces") == run.interfaces
