"""`live --evidence`: what passes by on a cable is cut out as it is out of a file."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command import sensor
from tests.live.namespaces import Lab
from tests.live.sensors import Actor, LiveSensor, act, tap
from tests.live.test_golden import PACE, PACES, configuration
from tests.live.test_telnet import INSIDE, TYPED, hosts
from tests.running import CAPTURES

CAPTURES_SENT = ("demo.pcap", "telnet_vlan.pcap", "telnet_qinq.pcap", "telnet_fragments.pcap",
                 "telnet_vxlan.pcap", "telnet_duplicated.pcap", "telnet_accepted_v6.pcap")
Key = tuple[Any, ...]
NETWORK_RULE = """[rule]
name = "Anything that Ended"
description = "Any connection of TCP that ended."
risk_score = 21
severity = "low"
rule_id = "8d3a4c52-9d0f-4a7e-9d5c-0d1f6e0c9a11"
type = "query"
language = "kuery"
query = "event.action:network_flow and network.transport:tcp and destination.port:8080"
"""


def index(folder: Path) -> list[dict[str, Any]]:
    """The lines of the index; every file is as its line says."""
    entries = [json.loads(line) for line in (folder / "index.ndjson").read_bytes().splitlines()]
    for entry in entries:
        octets = (folder / entry["file"]).read_bytes()
        assert hashlib.sha256(octets).hexdigest() == entry["sha256"]
        assert len(octets) == entry["bytes"]
        assert len(list(packets(folder / entry["file"]))) == entry["packets"]
    names = {"index.ndjson", *(entry["file"] for entry in entries)}
    assert {place.name for place in folder.iterdir()} == names
    return entries


def packets(path: Path) -> Iterator[bytes]:
    """The frames of a pcapng file, by its blocks (draft-ietf-opsawg-pcapng)."""
    octets, at = path.read_bytes(), 0
    while at < len(octets):
        kind, size = struct.unpack_from("<II", octets, at)
        assert struct.unpack_from("<I", octets, at + size - 4) == (size,)
        if kind == 6:
            (captured,) = struct.unpack_from("<I", octets, at + 20)
            yield octets[at + 28 : at + 28 + captured]
        at += size


def key_of(entry: dict[str, Any]) -> Key:
    """What a flow is, whenever it was."""
    ends = sorted((entry[end]["ip"], entry[end]["port"]) for end in ("source", "destination"))
    return (entry["protocol"], *map(tuple, ends))


@pytest.mark.parametrize("name", CAPTURES_SENT)
def test_the_same_frames_as_out_of_the_file(lab: Lab, tmp_path: Path, name: str) -> None:
    source, sensor_side = tap(lab)
    pace = PACES.get(name, PACE)
    expected_folder, folder = tmp_path / "expected", tmp_path / "evidence"
    run = sensor("evidence", str(CAPTURES / name), "-o", str(expected_folder), "--config",
                 str(configuration(tmp_path, 1)))  # fmt: skip
    assert run.code == 0, run.err
    manifest = json.loads((expected_folder / "manifest.json").read_bytes())
    live = LiveSensor(lab, sensor_side, tmp_path, "--config", configuration(tmp_path, pace),
                      "--evidence", folder)  # fmt: skip
    act(source, "send_frames", "wire", CAPTURES / name, pace)
    ledger = live.stop()
    found: dict[Key, list[bytes]] = {}
    for entry in index(folder):
        found.setdefault(key_of(entry), []).extend(packets(folder / entry["file"]))
    expected: dict[Key, list[bytes]] = {}
    for entry in manifest["flows"]:
        expected.setdefault(key_of(entry), []).extend(packets(expected_folder / entry["file"]))
    assert found == expected and expected
    assert ledger["evidence"]["frames_written"] == sum(map(len, expected.values()))


def test_a_session_on_any_port_is_whole(lab: Lab, tmp_path: Path) -> None:
    """What proves that it is telnet comes after the handshake: that is in the file too."""
    client, server = hosts(lab)
    Actor(lab, server, "serve_telnet", 8123, "/bin/cat")
    live = LiveSensor(lab, server, tmp_path, "--evidence", tmp_path / "evidence",
                      interfaces=("eth0",))  # fmt: skip
    assert act(client, "use_telnet", INSIDE, 8123, TYPED)["seen"]
    live.wait_for_alerts(1)
    live.stop()
    (entry,) = index(tmp_path / "evidence")
    frames = list(packets(tmp_path / "evidence" / entry["file"]))
    (flow,) = [one for one in live.flows() if one.get("destination", {}).get("port") == 8123
               and one["event"]["action"] == "network_flow"]
    assert len(frames) == flow["network"]["packets"] and entry["id"] == flow["flow"]["id"]
    assert frames[0][47] == 0x02  # SYN
    assert TYPED.encode() in b"".join(frames).replace(b"\r\0", b"")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_flow_that_no_analyzer_wants(lab: Lab, tmp_path: Path, workers: int) -> None:
    """The alert comes when it is over; its frames are among those of the last moments."""
    client, server = hosts(lab)
    rule = tmp_path / "rule.toml"
    rule.write_text(NETWORK_RULE, encoding="utf-8")
    Actor(lab, server, "serve_bytes", 8080, 100_000)
    live = LiveSensor(lab, server, tmp_path, "--evidence", tmp_path / "evidence", "--rules", rule,
                      "--workers", workers, interfaces=("eth0",))  # fmt: skip
    act(client, "send_bytes", INSIDE, 8080, 100_000)
    live.stop()
    (entry,) = index(tmp_path / "evidence")
    (flow,) = [one for one in live.flows() if one.get("destination", {}).get("port") == 8080]
    assert entry["packets"] == flow["network"]["packets"] and entry["is_whole"]
    assert entry["alerts"][0]["rule_name"] == "Anything that Ended"
    assert entry["community_id"] == flow["network"]["community_id"]


def test_the_limits(lab: Lab, tmp_path: Path) -> None:
    """A flow's file ends at its limit, and the folder's oldest files make room."""
    client, server = hosts(lab)
    settings = tmp_path / "small.toml"
    settings.write_text("[evidence]\nflow_bytes = 600\ndisk_bytes = 1500\n", encoding="utf-8")
    Actor(lab, server, "serve_telnet", 23, "/bin/cat")
    live = LiveSensor(lab, server, tmp_path, "--evidence", tmp_path / "evidence", "--config",
                      settings, interfaces=("eth0",))  # fmt: skip
    for _ in range(3):
        act(client, "use_telnet", INSIDE, 23, TYPED)
    live.wait_for_alerts(3)
    counters = live.stop()["evidence"]
    files = list((tmp_path / "evidence").glob("*.pcapng"))
    assert sum(path.stat().st_size for path in files) <= 1500 and len(files) < 3
    assert counters["files_removed"] == 3 - len(files) and counters["left_out"] > 0
    for path in files:
        assert sum(map(len, packets(path))) <= 600


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    run = sensor("live", "-i", "lo", "--evidence", str(tmp_path))
    assert run.code == 2 and "notes.txt" in run.err
