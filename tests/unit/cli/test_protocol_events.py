"""`--protocol-events`: what was said, as lines, as CSV and as Parquet; and before the rules."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.command import ndjson, sensor
from tests.running import CAPTURES

DEMO = str(CAPTURES / "demo.pcap")
TELNET = 12 + 13
"""Events of its telnet sessions: of three a login, two commands and the session each; of the
break-in six logins, four commands and three sessions."""
OFFICE = 12 + 12 + 1
"""DNS queries with their answers, TLS hellos, and the download: tshark counts as many with
`dns.flags.response==0`, `tls.handshake.type==1`, `http.request`."""
SOFTWARE = "OpenSSH_9.2p1"
"""Of both sides of the one SSH connection in it: captures/README.md."""
RULE = """[rule]
name = "OpenSSH server"
rule_id = "6b0d3b8e-5c5e-4f5e-9d8c-0a4f3c1f7a11"
type = "query"
language = "kuery"
severity = "low"
risk_score = 21
description = "a server that says it is OpenSSH"
query = 'event.dataset:network_traffic.ssh and ssh.server.software:OpenSSH_*'
"""


def test_lines(tmp_path: Path) -> None:
    path = tmp_path / "said.ndjson"
    run = sensor("replay", "--quiet", "--protocol-events", str(path), DEMO)
    assert run.code == 0, run.err
    events = ndjson(path)
    (event,) = [event for event in events if "ssh" in event]
    assert len(events) == 1 + TELNET + OFFICE
    assert event["ssh"]["client"]["software"] == event["ssh"]["server"]["software"] == SOFTWARE
    assert event["sensor"]["capture"]["file"] == DEMO


def test_standard_output_has_nothing_else(tmp_path: Path) -> None:
    run = sensor("replay", "--quiet", "--protocol-events", "-", DEMO)
    actions = [json.loads(line)["event"]["action"] for line in run.out.splitlines()]
    assert len(actions) == 1 + TELNET + OFFICE and actions.count("ssh_identification") == 1
    assert "Accepted Telnet" in run.err


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "said.csv"
    assert sensor("replay", "--quiet", "--protocol-events", str(path), DEMO).code == 0
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["ssh_server_software"] for row in rows].count(SOFTWARE) == 1
    assert [row["user_name"] for row in rows].count("mreyes") == 2
    stats = sensor("replay", "--quiet", "--protocol-events", str(path), "--stats", "-",
                   "--json", DEMO)
    ledger = json.loads(stats.out.splitlines()[-1])
    assert ledger["sinks"][f"protocol-events {path}"]["delivered"] == 1 + TELNET + OFFICE
    assert ledger["streams"]["events"] == 1 + TELNET + OFFICE


def test_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "said.parquet"
    assert sensor("replay", "--quiet", "--protocol-events", str(path), DEMO).code == 0
    rows = parquet.read_table(path).to_pylist()
    assert [row["ssh_server_software"] for row in rows].count(SOFTWARE) == 1
    assert [row["telnet_password_length"] for row in rows].count(12) == 3
    assert {row["telnet_login_confidence"] for row in rows} == {None, 0.98, 0.95}


def test_rules_see_them(tmp_path: Path) -> None:
    (tmp_path / "ssh.toml").write_text(RULE, encoding="utf-8")
    run = sensor("replay", "--quiet", "--json", "--rules", str(tmp_path), DEMO)
    (alert,) = run.documents()
    assert alert["rule"]["name"] == "OpenSSH server"
    assert alert["ssh"]["server"]["software"] == SOFTWARE
    check = sensor("rules", "check", str(tmp_path))
    assert check.code == 0 and "1 sound rule" in check.out, check.out


@pytest.mark.parametrize("arguments", [("--json",), ("--flows", "-")])
def test_two_cannot_share_standard_output(arguments: tuple[str, ...]) -> None:
    run = sensor("replay", "--protocol-events", "-", *arguments, DEMO)
    assert (run.code, run.out) == (2, "")
    assert "--protocol-events -" in run.err


@pytest.mark.parametrize("name", ["said.ndjson", "said.csv", "said.parquet"])
def test_a_file_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    run = sensor("replay", "--protocol-events", str(tmp_path / "none" / name), DEMO)
    assert run.code == 2
    assert "No such file" in run.err and name in run.err


def test_with_nothing_said_there_is_no_line(tmp_path: Path) -> None:
    path = tmp_path / "said.ndjson"
    capture = str(CAPTURES / "telnet_dropped.pcap")
    assert sensor("replay", "--quiet", "--protocol-events", str(path), capture).code == 0
    assert path.read_bytes() == b""
