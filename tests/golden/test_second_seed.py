"""The rule on a telnet process and its connection, over a capture that tells of processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import sensor
from sensor.app.build import shipped_rules
from sensor.cli.main import commands
from tests.running import ROOT

RULE = str(Path(shipped_rules()) / "connection_to_external_network_via_telnet.toml")


def test_it_fires_outside_the_list_only_and_tells_of_both_events() -> None:
    alerts = list(sensor.replay(str(ROOT / "captures/telnet_ptcpdump.pcapng"), rules=[RULE]))
    assert len(alerts) == 1  # of three connections, two to private addresses
    document = alerts[0].document
    assert document["process"]["name"] == "telnet" and document["user"]["id"] == "1000"
    begun, connected = document["sensor"]["alert"]["events"]
    assert begun["event"]["type"] == ["start"] and begun["event"]["category"] == ["process"]
    assert connected["destination"]["ip"] == "185.199.110.153"
    assert connected["process"]["entity_id"] == begun["process"]["entity_id"]


def test_it_stays_silent_over_a_capture_without_processes() -> None:
    assert not list(sensor.replay(str(ROOT / "captures/demo.pcap"), rules=[RULE]))


@pytest.mark.parametrize(("options", "status"), [
    ((), "cannot run"), (("--host",), "runs"), (("--events",), "runs"),
])  # fmt: skip
def test_the_check_says_where_it_runs(options: tuple[str, ...], status: str) -> None:
    ended = CliRunner().invoke(commands, ["rules", "check", *options, RULE])
    assert ended.output.splitlines()[1].strip().split(":")[0] == status
