"""Scans and sweeps: rules of the kind that Elastic ships, on captures of each.

Expected values are those of the stories in captures/scans.py: who asks how many, and when.
"""

from __future__ import annotations

from typing import Any

import pytest

import sensor
from sensor.app.build import build_replay, load_rules
from sensor.app.outputs import RunOutputs
from sensor.capture.files.discover import discover
from sensor.config import Config, RuleLimits
from tests import ecs
from tests.running import CAPTURES, ROOT

RULES = ROOT / "tests/data/rules"
PORTS, SWEEP = str(RULES / "port_scan.toml"), str(RULES / "network_sweep.toml")


def alerts(name: str, *rules: str) -> list[sensor.Alert]:
    return list(sensor.replay(str(CAPTURES / name), rules=rules or (PORTS, SWEEP)))


def test_a_port_scan_is_one_alert() -> None:
    (alert,) = alerts("port_scan.pcap")
    assert alert.document["source"] == {"ip": "192.168.1.42"}
    assert alert.document["destination"] == {"ip": "192.168.1.50"}
    assert alert.document["sensor"]["alert"]["threshold"] == {
        "field": ["destination.ip", "source.ip"], "value": ["192.168.1.50", "192.168.1.42"],
        "count": 250, "cardinality": {"field": "destination.port", "value": 250},
    }
    assert alert.message == (
        "Many Ports of One Host Probed: 192.168.1.42 -> 192.168.1.50, "
        "250 events with 250 different destination.port")
    event = alert.document["event"]
    assert (event["kind"], event["category"]) == ("alert", ["network"])
    # Probes come every 12 ms in an order of their own; all became known at the capture's end.
    assert "2026-01-02T03:04:05.678" < event["start"] < event["end"] < "2026-01-02T03:04:08.95"
    assert ecs.problems(alert.document) == []


def test_a_sweep_is_one_alert_for_each_sweeper_and_window() -> None:
    found = [(alert.document["source"]["ip"], alert.document["event"]["end"][11:16],
              alert.document["sensor"]["alert"]["threshold"]["cardinality"]["value"])
             for alert in alerts("network_sweep.pcap")]
    # The sweeps begin at 03:04:05 and, again, at 03:14:08; silence is known 65 s later.
    assert sorted(found) == [
        ("192.168.1.42", "03:04", 100), ("192.168.1.43", "03:04", 100),
        ("192.168.1.43", "03:14", 100)]


@pytest.mark.parametrize("name", ["busy_server.pcap", "demo.pcap", "background.pcap"])
def test_what_is_busy_is_no_scan(name: str) -> None:
    assert alerts(name) == []


def test_a_scan_of_one_kind_is_not_one_of_the_other() -> None:
    assert alerts("port_scan.pcap", SWEEP) == []
    assert alerts("network_sweep.pcap", PORTS) == []


@pytest.mark.parametrize("events", [1, 7, 100_000])
def test_how_events_are_handed_over_does_not_show(events: int) -> None:
    documents: list[dict[str, Any]] = []
    for name in ("port_scan.pcap", "network_sweep.pcap"):
        ruleset = load_rules([PORTS, SWEEP])
        kept = Kept()
        pipeline = build_replay(discover([CAPTURES / name]), ruleset, RunOutputs([kept]), Config())
        pipeline.handover_events = events
        pipeline.run()
        documents += [alert.document for alert in kept.alerts]
        ledger = ruleset.ledger()
        assert all("evicted" not in rule for rule in ledger.values())
    expected = [*alerts("port_scan.pcap"), *alerts("network_sweep.pcap")]
    assert documents == [alert.document for alert in expected]


class Kept:
    """A sink that is a list."""

    def __init__(self) -> None:
        self.alerts: list[sensor.Alert] = []

    def emit(self, alert: sensor.Alert) -> None:
        self.alerts.append(alert)

    def accounted(self) -> int:
        return len(self.alerts)


def test_the_ledger_tells_what_belongs_to_an_alert_already() -> None:
    ruleset = load_rules([PORTS])
    build_replay(discover([CAPTURES / "port_scan.pcap"]), ruleset, RunOutputs(()), Config()).run()
    (told,) = ruleset.ledger().values()
    # 268 probes of at most two packets: 250 make the alert, 18 come after it.
    assert (told["matches"], told["alerts"], told["absorbed"]) == (1, 1, 18)


def test_groups_that_had_to_be_forgotten_are_in_the_ledger() -> None:
    config = Config(rule=RuleLimits(threshold_groups_max=1))
    ruleset = load_rules([SWEEP], config=config)
    build_replay(discover([CAPTURES / "network_sweep.pcap"]), ruleset, RunOutputs(()), config).run()
    (told,) = ruleset.ledger().values()
    assert told["evicted"] > 0
