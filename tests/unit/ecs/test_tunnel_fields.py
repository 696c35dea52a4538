"""What documents and rules see of the tunnels that a flow came through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

import sensor
from sensor.config import Config, DecodeSettings
from sensor.ecs.flow_batch import FlowBatch
from sensor.ecs.tunnel_fields import TUNNEL_FIELDS
from sensor.model.tunnels import NAMES
from tests.ecs import problems
from tests.rule_sets import rule
from tests.running import CAPTURES, ROOT

NESTED = str(CAPTURES / "telnet_gre.pcap")
VXLAN = str(CAPTURES / "telnet_vxlan.pcap")
PLAIN = str(CAPTURES / "telnet_accepted_v4.pcap")


def values_at(document: dict[str, Any], name: str) -> list[Any]:
    value: Any = document
    for part in name.split("."):
        value = value.get(part, []) if isinstance(value, dict) else []
    return list(value)


@pytest.mark.parametrize("name", ["telnet_gre", "telnet_vxlan", "telnet_erspan"])
def test_columns_hold_what_documents_hold(name: str) -> None:
    batch = sensor.flows(str(CAPTURES / f"{name}.pcap"), PLAIN)
    documents = batch.to_dicts()
    assert documents == [orjson.loads(line) for line in batch.to_json_lines().splitlines()]
    assert any("tunnel" not in document["sensor"] for document in documents)
    for field in TUNNEL_FIELDS:
        column: Any = batch.column(field.name)
        found = [list(column.table[code]) for code in column.codes]
        assert found == [values_at(document, field.name) for document in documents], field.name
    assert [problems(document) for document in documents] == [[]] * len(documents)


def test_a_flow_without_tunnels_has_no_object_and_a_batch_of_such_no_column() -> None:
    batch = sensor.flows(PLAIN)
    assert all("tunnel" not in document["sensor"] for document in batch.to_dicts())
    assert batch.column("sensor.tunnel.type") is None
    assert FlowBatch(batch.records[:0], batch.context).column("sensor.tunnel.id") is None


def test_data_frames_have_lists() -> None:
    pytest.importorskip("pyarrow")
    table = sensor.flows(NESTED).to_arrow()
    assert sorted(table["sensor_tunnel_id"].to_pylist()) == [["77"], ["77", "5003"]]


@pytest.mark.parametrize(("query", "ports"), [
    ("sensor.tunnel.type : vxlan", [50434]),
    ("sensor.tunnel.id : 77", [50432, 50434]),
    ("sensor.tunnel.source : 10.254.0.0/16", [50434]),
    ("sensor.tunnel.type : * and not sensor.tunnel.destination : 10.254.0.2", [50432]),
])
def test_rules_can_ask_for_them(tmp_path: Path, query: str, ports: list[int]) -> None:
    asked = rule("query", query=f"event.action : network_flow and {query}")
    path = tmp_path / "rules.ndjson"
    path.write_bytes(orjson.dumps(asked) + b"\n")
    alerts = [alert.document for alert in sensor.replay(NESTED, rules=[str(path)])]
    assert sorted(document["source"]["port"] for document in alerts) == ports
    assert all(document["sensor"]["tunnel"]["type"][0] == "gre" for document in alerts)


def test_the_settings_reach_the_decoder() -> None:
    closed = Config(decode=DecodeSettings(vxlan_ports=()))
    (record,) = {document["destination"]["port"]
                 for document in sensor.flows(VXLAN, config=closed).to_dicts()}
    assert record == 4789


def test_the_page_on_tunnels_names_every_kind() -> None:
    page = (ROOT / "docs/tunnels.md").read_text(encoding="utf-8")
    for kind in NAMES[1:]:
        assert f"`{kind}`" in page
