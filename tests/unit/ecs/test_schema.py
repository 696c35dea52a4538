"""The tables of fields: names, types, and which of them rules may test."""

from __future__ import annotations

import pytest

from sensor.ecs import schema
from sensor.ecs.process_fields import PROCESS_EVENT_FIELDS, PROCESS_FIELDS
from sensor.ecs.protocol_fields import PROTOCOL_EVENT_FIELDS
from sensor.ecs.schema import known_fields
from sensor.model.flow import FlowContext
from sensor.query.kql import parser as kql
from sensor.query.predicate import compile_query
from tests import ecs
from tests.flow_records import batch_of, context

ALL = (*schema.FIELDS, *schema.ALERT_FIELDS,
       *(pairs[0][1] for pairs in schema.GROUP_FIELDS.values()))  # fmt: skip


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
    others = (*schema.FIELDS, *PROTOCOL_EVENT_FIELDS)
    assert more == own - {field.name for field in others}


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


def test_flows_of_icmp_are_in_the_data_set_of_icmp():
    """Where Packetbeat puts what it decodes of ICMP and ICMPv6, and rules on them look."""
    batch = batch_of(*({"protocol": number} for number in (1, 58, 6, 17, 2)))
    documents = batch.documents(range(5))
    for name in ("event", "data_stream"):
        assert [document[name]["dataset"].rpartition(".")[2] for document in documents] == [
            "icmp", "icmp", "flow", "flow", "flow"]


@pytest.mark.parametrize(("query", "selected"), [
    ("data_stream.dataset:network_traffic.icmp and icmp.request.type:(5 or 137)", {5, 137}),
    ("event.dataset:network_traffic.icmp and icmp.request.type:(13 or 15 or 17)", {13, 15, 17}),
    ("event.dataset:network_traffic.icmp and icmp.request.type:8 and network.bytes >= 256", {8}),
    ("network_traffic.icmp.request.type:(8 or 128) and network_traffic.icmp.version:4", {8}),
    ("event.dataset:network_traffic.flow", set()),
])
def test_rules_on_icmp_find_their_types(query, selected):
    types = (5, 8, 13, 15, 17, 137)
    batch = batch_of(*({"protocol": 58 if number > 127 else 1, "orig_port": number,
                        "ip_version": 6 if number > 127 else 4, "bytes": [400, 400]}
                       for number in types))
    mask = compile_query(kql.parse(query))(batch)
    assert {number for number, found in zip(types, mask.tolist(), strict=True) if found} == selected
