"""Documents as JSON lines: what they say, how text and numbers are written."""

from __future__ import annotations

import json
import threading

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sensor.ecs.flow_batch import FlowBatch
from sensor.ecs.writer import render_json_lines, write_json_lines
from sensor.memory.records import NO_VLAN
from sensor.model.addresses import address_text
from sensor.model.flow import ACTIONS, FLOW_ENDED
from tests import ecs
from tests.flow_records import batch_of, context, random_batch


def document(row=None, **changes):
    return batch_of(row or {}, **changes).document(0)


def test_a_line_is_one_compact_document():
    line = render_json_lines(batch_of({}))
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert line == json.dumps(json.loads(line), separators=(",", ":")).encode() + b"\n"


def test_an_accepted_connection():
    found = document()
    assert found["source"] == {"ip": "192.0.2.10", "port": 50432, "bytes": 0, "packets": 0}
    assert found["destination"]["ip"] == "198.51.100.7"
    assert found["client"] == found["source"]
    assert found["server"] == found["destination"]
    assert found["related"] == {"ip": ["192.0.2.10", "198.51.100.7"]}
    assert found["event"]["action"] == "flow_started"
    assert found["event"]["outcome"] == "success"
    assert found["network"]["transport"] == "tcp"
    assert found["network"]["iana_number"] == "6"
    assert found["sensor"]["flow"]["confidence"] == 0.85
    assert ecs.problems(found) == []


def test_times():
    # 1767323045 is 2026-01-02T03:04:05Z (date -u -d @1767323045).
    decided = document()
    assert decided["@timestamp"] == "2026-01-02T03:04:05.500000002Z"
    assert decided["event"]["start"] == "2026-01-02T03:04:05.000000001Z"
    assert decided["event"]["end"] == "2026-01-02T03:04:06.000000003Z"
    assert decided["event"]["duration"] == 1_000_000_002
    assert document({"action": FLOW_ENDED})["@timestamp"] == "2026-01-02T03:04:06.000000003Z"


def test_created_only_live():
    batch = batch_of({}, live=True)
    batch.created_ns = 1767323047_000000000
    assert batch.document(0)["event"]["created"] == "2026-01-02T03:04:07.000000000Z"
    assert "file" not in batch.document(0)["sensor"].get("capture", {})
    batch = batch_of({})
    batch.created_ns = 1767323047_000000000
    assert "created" not in batch.document(0)["event"]


def test_vlans_are_text_and_absent_without_a_tag():
    network = document({"vlan_outer": 0, "vlan_inner": 4095})["network"]
    assert network["vlan"] == {"id": "0"}
    assert network["inner"] == {"vlan": {"id": "4095"}}
    assert "vlan" not in document({"vlan_outer": NO_VLAN})["network"]
    assert "inner" not in document()["network"]


def test_macs_only_where_the_link_has_them():
    found = document({"orig_mac": [0, 0, 0x5E, 0, 0x53, 0x23]})
    assert found["source"]["mac"] == "00-00-5E-00-53-23"
    assert found["destination"]["mac"] == "00-00-00-00-00-00"
    assert "mac" not in document()["source"]


def test_icmp_has_type_and_code_and_no_ports():
    found = document({"protocol": 1, "orig_port": 8, "resp_port": 0})
    assert found["icmp"] == found["network_traffic"]["icmp"] == {
        "version": 4, "request": {"type": 8, "code": 0}}
    assert "port" not in found["source"]
    assert "tcp_flags_orig" not in found["sensor"]["flow"]
    assert found["network"]["transport"] == "icmp"


def test_an_unknown_transport_has_its_number_only():
    network = document({"protocol": 253})["network"]
    assert network["iana_number"] == "253"
    assert "transport" not in network


def test_flags_and_history():
    flow = document({"tcp_flags": (0x1B, 0xC4), "history_seen": 0b10_0000_0101,
                     "history": list(b"ShA") + [0] * 13})["sensor"]["flow"]
    assert (flow["tcp_flags_orig"], flow["tcp_flags_resp"]) == ("FSPA", "REC")
    assert flow["history"] == "ShA"
    assert "history" not in document()["sensor"]["flow"]


def test_names_from_outside_are_escaped_and_made_valid_utf_8():
    row = {"decided_frame": 7, "decided_file": 1, "interface": 2}
    line = render_json_lines(batch_of(row, hostname='h"\x00\n\ud800'))
    assert all(octet >= 0x20 for octet in line[:-1])
    found = json.loads(line)
    assert found["sensor"]["capture"] == {"frame": 7, "file": 'b "\\\n\u00e4\ufffd.pcap'}
    assert found["observer"]["ingress"] == {"interface": {"name": "e\x01th"}}
    assert found["observer"]["hostname"] == 'h"\x00\n\ufffd'
    assert "ingress" not in document()["observer"]


def test_a_context_that_grew_is_seen():
    run = context(files=[])
    records = batch_of({"decided_frame": 1}).records
    assert "file" not in FlowBatch(records, run).document(0)["sensor"]["capture"]
    run.files.append("late.pcap")
    assert FlowBatch(records, run).document(0)["sensor"]["capture"]["file"] == "late.pcap"


def test_ids_tell_flows_and_events_apart():
    changes = [{}, {"orig_port": 1}, {"resp_port": 1}, {"protocol": 17}, {"first_ns": 1},
               {"tenant": 1}, {"first_seq": 9}, {"resp_lo": 1, "ip_version": 6},
               {"orig_hi": 1, "ip_version": 6}]
    ids = [document(change)["flow"]["id"] for change in changes]
    assert len(set(ids)) == len(ids)
    events = [document({"action": code})["event"]["id"] for code in range(len(ACTIONS))]
    assert len(set(events)) == len(events)
    assert document({"decided_ns": 5})["event"]["id"] != document()["event"]["id"]


def test_ids_do_not_depend_on_how_a_capture_is_read():
    one = document({"decided_file": 0, "interface": 1, "bytes": (7, 8)})
    other = document({"decided_file": 1, "known_ns": 77})
    assert one["flow"]["id"] == other["flow"]["id"]
    assert one["event"]["id"] == other["event"]["id"]


def test_an_id_stays_when_the_isn_becomes_known_late():
    assert document({"isn": (5, 6)})["flow"]["id"] == document()["flow"]["id"]


@pytest.mark.parametrize("seed", range(5))
def test_random_records_give_valid_documents(seed):
    batch = random_batch(seed, live=seed % 2 == 1)
    for found in batch.to_dicts():
        assert ecs.problems(found) == []


def test_the_validator_finds_faults():
    found = document()
    found["source"]["port"] = "23"
    found["event"]["category"] = "network"
    found["event"]["outcome"] = "maybe"
    found["surprise"] = 1
    names = {problem.split(":")[0] for problem in ecs.problems(found)}
    assert names == {"source.port", "event.category", "event.outcome", "surprise"}


def test_no_rows_no_lines():
    assert render_json_lines(random_batch(1, count=0)) == b""


def test_pieces_are_the_whole_and_rows_keep_their_order():
    batch = random_batch(3, count=1000)
    pieces = []
    write_json_lines(batch, lambda piece: pieces.append(bytes(piece)))
    whole = render_json_lines(batch)
    assert len(pieces) > 1
    assert b"".join(pieces) == whole
    rows = [render_json_lines(FlowBatch(batch.records[i : i + 1], batch.context))
            for i in range(1000)]
    assert b"".join(rows) == whole


def test_threads_may_render_at_once():
    batch = random_batch(6, count=400)
    expected = render_json_lines(batch)
    results = []
    threads = [threading.Thread(target=lambda: results.append(render_json_lines(batch)))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4


@given(st.integers(0, 2**64 - 1))
@example(0)
@example(2**64 - 1)
def test_numbers(value):
    assert document({"bytes": (value, 0)})["source"]["bytes"] == value


@pytest.mark.parametrize("power", range(1, 20))
def test_numbers_at_each_length(power):
    for value in (10**power - 1, 10**power):
        assert document({"bytes": (value, 0)})["source"]["bytes"] == value


@given(st.lists(st.one_of(st.just(0), st.integers(0, 0xFFFF)), min_size=8, max_size=8))
@example([0] * 8)
@example([0] * 5 + [0xFFFF, 0x7F00, 1])
@example([0] * 6 + [0x7F00, 1])
@example([1, 0, 2, 0, 3, 0, 4, 0])
@example([0, 0, 1, 0, 0, 1, 0, 0])
@example([1, 0, 0, 0, 1, 0, 0, 0])
def test_addresses(groups):
    value = int.from_bytes(b"".join(group.to_bytes(2, "big") for group in groups), "big")
    hi, lo = value >> 64, value & 2**64 - 1
    assert document({"orig_hi": hi, "orig_lo": lo})["source"]["ip"] == address_text(hi, lo)
