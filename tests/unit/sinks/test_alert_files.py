"""Alerts as the rows of a table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import sensor
from sensor.sinks.alert_files import open_alerts
from tests.command import DEMO, quiet
from tests.conformance.sink_peers import telnet_alert


def test_alerts_are_rows(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    rows, table = (tmp_path / f"alerts.{kind}" for kind in ("csv", "parquet"))
    # Passwords are hashed with another key in each run.
    documents = quiet("--json", "--alerts", str(rows), DEMO).documents()
    with open(rows, encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    assert [json.loads(row["document"]) for row in cells] == documents
    assert [row["source_ip"] for row in cells] == [
        each.get("source", {}).get("ip", "") for each in documents]
    documents = quiet("--json", "--alerts", str(table), DEMO).documents()
    found = parquet.read_table(table).to_pylist()
    assert [json.loads(row["document"]) for row in found] == documents
    assert [row["rule_name"] for row in found] == [each["rule"]["name"] for each in documents]
    assert [row["event_severity"] for row in found] == [
        each["event"]["severity"] for each in documents]
    flows = sensor.flows(DEMO).to_dicts()
    ids = {row["flow_id"] for row in found if row["flow_id"]}
    assert ids and ids <= {flow["flow"]["id"] for flow in flows}


def test_documents_from_elsewhere_have_other_types(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    alert = telnet_alert()
    alert.document["source"] = {"ip": ["192.0.2.1", "192.0.2.2"], "port": "1024"}
    alert.document["destination"] = {"port": {"a": 1}}
    alert.document["user"] = "root"
    sink = open_alerts(str(tmp_path / "a.parquet"))
    sink.emit(alert)
    sink.close()
    (row,) = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert (row["source_ip"], row["source_port"]) == ("192.0.2.1;192.0.2.2", 1024)
    assert (row["destination_port"], row["user_name"]) == (None, None)
    assert (sink.delivered, sink.dropped, sink.error) == (1, 0, None)


def test_what_a_file_loses_is_dropped() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("only Linux has a full disk at hand")
    sink = open_alerts("/dev/full")
    for _ in range(3):
        sink.emit(telnet_alert())
    sink.close()
    sink.emit(telnet_alert())
    assert (sink.delivered, sink.dropped, sink.accounted()) == (0, 4, 4)
    assert sink.error is not None and "No space left" in sink.error
