"""The ledger that --stats writes: its shape, its sums, the errors of inputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.command import ACCEPTED, DEMO, quiet
from tests.unit.cli.bad_input import file_of

PORT = "Accepted Default Telnet Port Connection"

# The shape that scripts rely on; a list stands for any number of what is in it.
LEDGER: dict[str, Any] = {
    "frames": 0, "bytes": 0, "packets": 0, "anomalies": {}, "non_ip_frames": 0, "duplicates": 0,
    "time_backwards": 0, "tunnels": {"paths": 0, "refused": 0},
    "flows": {"total": 0, "accepted": 0, "denied": 0, "dropped": 0, "attempted": 0, "unknown": 0,
              "evicted": 0, "peak": 0},
    "rules": {}, "sinks": {},
    "capture": {"kernel_packets": 0, "kernel_drops": 0, "ring_freezes": 0},
    "inputs": [], "first_packet": "", "last_packet": "",
    "elapsed_s": 0.0, "packets_per_s": 0.0, "rss_peak_bytes": 0,
}  # fmt: skip


def same_shape(found: Any, wanted: Any) -> None:
    """Every member of `wanted` is in `found`, with the same type."""
    assert type(found) is type(wanted), (found, wanted)
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            same_shape(found[key], value)


def test_stats_have_the_shape_that_scripts_rely_on(tmp_path: Path) -> None:
    stats = tmp_path / "stats.json"
    assert quiet("--stats", str(stats), DEMO).code == 0
    (line,) = stats.read_text(encoding="utf-8").splitlines()
    ledger = json.loads(line)
    same_shape(ledger, LEDGER)
    rules = {entry["name"]: entry for entry in ledger["rules"].values()}
    assert rules[PORT]["alerts"] == rules[PORT]["matches"] == 6
    for entry in rules.values():
        same_shape(entry, {"name": "", "matches": 0, "alerts": 0, "excepted": 0, "suppressed": 0})
    assert ledger["sinks"] == {"console": {"delivered": 12, "dropped": 0, "retried": 0}}
    assert ledger["inputs"] == [{"path": DEMO, "error": None}]
    verdicts = ("accepted", "denied", "dropped", "attempted", "unknown")
    assert ledger["flows"]["total"] == sum(ledger["flows"][name] for name in verdicts)
    assert ledger["frames"] == ledger["packets"] + ledger["non_ip_frames"] + sum(
        ledger["anomalies"].values())  # fmt: skip
    assert ledger["first_packet"] < ledger["last_packet"]
    assert ledger["first_packet"].endswith("Z")


def test_stats_of_a_capture_without_packets(tmp_path: Path) -> None:
    empty = tmp_path / "header_only.pcap"
    empty.write_bytes(Path(ACCEPTED).read_bytes()[:24])
    ended = quiet("--json", "--stats", "-", str(empty))
    ledger = json.loads(ended.out)
    assert ended.code == 0 and ledger["frames"] == 0 and ledger["first_packet"] is None


def test_the_ledger_holds_the_errors_too(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"")
    ended = quiet("--json", "--stats", "-", path)
    (entry,) = json.loads(ended.out)["inputs"]
    assert ended.code == 1 and entry["path"] == path and "empty file" in entry["error"]
