"""Columns of flow events: which rows have a value, and which."""

from __future__ import annotations

import pytest

from sensor.ecs import schema
from sensor.model.applications import GREETING, SSH
from sensor.model.columns import AddressColumn, CodedColumn, NumberColumn
from sensor.model.flow import ACTIONS, DENIED, DROPPED, FLOW_ENDED, NO_EVIDENCE, UNKNOWN
from tests.flow_records import batch_of, random_batch


def values_of(column, row):
    """What a column holds in one row, as a list; addresses as their halves."""
    match column:
        case NumberColumn(values, valid):
            return [values[row].item()] if valid is None or valid[row] else []
        case AddressColumn(hi, lo, valid):
            return [(int(hi[row]), int(lo[row]))] if valid is None or valid[row] else []
        case CodedColumn(codes, table):
            return list(table[codes[row]])


def test_the_protocol_is_there_where_it_is_proven():
    batch = batch_of({}, {"application": SSH}, {"application": GREETING})
    column = batch.column("network.protocol")
    assert [values_of(column, row) for row in range(3)] == [[], ["ssh"], []]


def test_a_v4_mapped_address_of_an_ipv6_packet_is_written_as_one():
    """RFC 5952 5; the Community ID of its 16 octets can then be computed from the document."""
    batch = batch_of({"ip_version": 6}, {})
    six, four = ("::ffff:192.0.2.10", "::ffff:198.51.100.7"), ("192.0.2.10", "198.51.100.7")
    for row, (source, destination) in enumerate((six, four)):
        assert values_of(batch.column("source.ip"), row) == [source]
        assert values_of(batch.column("destination.ip"), row) == [destination]
        assert values_of(batch.column("related.ip"), row) == [source, destination]
        document = batch.to_dicts()[row]
        assert document["source"]["ip"] == source
        assert document["destination"]["ip"] == destination
        assert document["related"]["ip"] == [source, destination]


def test_unknown_fields_have_no_column():
    assert batch_of({}).column("process.name") is None
    assert batch_of({}).column("rule.name") is None


@pytest.mark.parametrize(
    ("action", "types"),
    [("flow_started", ["connection", "start", "allowed"]),
     ("flow_denied", ["connection", "start", "denied"]),
     ("flow_dropped", ["connection", "start", "denied"]),
     ("network_flow", ["connection", "end"])])
def test_event_types_are_those_of_the_contract(action, types):
    code = [a.action for a in ACTIONS].index(action)
    batch = batch_of({"action": code})
    assert values_of(batch.column("event.action"), 0) == [action]
    assert values_of(batch.column("event.type"), 0) == types
    assert values_of(batch.column("flow.final"), 0) == [action == "network_flow"]


def test_a_flow_still_open_is_not_final():
    batch = batch_of({"action": FLOW_ENDED + 1})
    assert values_of(batch.column("event.type"), 0) == ["connection"]
    assert values_of(batch.column("flow.final"), 0) == [False]


def test_outcomes():
    batch = batch_of({}, {"verdict": DENIED}, {"verdict": DROPPED}, {"verdict": UNKNOWN})
    outcome = batch.column("event.outcome")
    assert [values_of(outcome, row) for row in range(4)] == [
        ["success"], ["failure"], ["failure"], ["unknown"]]


def test_ports_only_where_the_transport_has_some():
    batch = batch_of({}, {"protocol": 17}, {"protocol": 132}, {"protocol": 1}, {"protocol": 50})
    assert batch.column("source.port").valid.tolist() == [True, True, True, False, False]
    assert batch.column("icmp.request.type").valid.tolist() == [False] * 3 + [True, False]


def test_directions_follow_the_internal_networks():
    inside, outside = {"lo": 0xFFFF_0A00_0001}, {"lo": 0xFFFF_0808_0808}
    rows = [{"orig_lo": a["lo"], "resp_lo": b["lo"]}
            for a, b in ((inside, outside), (outside, inside), (inside, inside),
                         (outside, outside))]
    direction = batch_of(*rows).column("network.direction")
    assert [values_of(direction, row) for row in range(4)] == [
        ["outbound"], ["inbound"], ["internal"], ["external"]]


def test_a_code_beyond_its_table_has_no_value():
    batch = batch_of({"decided_file": 9, "decided_frame": 1}, {"decided_frame": 1}, {})
    column = batch.column("sensor.capture.file")
    assert [values_of(column, row) for row in range(3)] == [[], ["a.pcap"], []]


def test_a_batch_of_no_rows_has_every_column():
    batch = random_batch(1, count=0)
    for field in schema.FIELDS:
        column = batch.column(field.name)
        codes = getattr(column, "codes", None)
        assert codes is None or len(codes) == 0
    assert batch.to_dicts() == []


def test_tags_are_an_array_and_absent_if_none():
    tags = batch_of({"tags": 5}, {"tags": 0}).column("sensor.flow.tags")
    assert values_of(tags, 0) == ["connect_scan", "direction_guessed"]
    assert values_of(tags, 1) == []


def test_evidence_none_is_said():
    assert values_of(batch_of({"evidence": NO_EVIDENCE}).column("sensor.flow.evidence"), 0) == [
        "none"]


def test_times_that_run_backwards_make_no_negative_duration():
    batch = batch_of({"first_ns": 5, "last_ns": 3}, {"first_ns": -9, "last_ns": 7})
    assert batch.column("event.duration").values.tolist() == [0, 7]
    assert [d["event"]["duration"] for d in batch.to_dicts()] == [0, 7]


def test_a_column_is_laid_out_once_for_all_rules():
    batch = random_batch(2)
    ports = batch.column("destination.port")
    assert ports.values.flags.c_contiguous and batch.column("source.ip").lo.flags.c_contiguous
    assert batch.column("destination.port") is ports
