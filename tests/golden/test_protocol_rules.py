"""Rules of the kind that is published for network traffic, on recordings of real programs.

What each must say is in tests/data/protocol_rules.toml, by hand; all rules see all recordings,
once.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import dpkt
import pytest

import sensor
from sensor.app.build import load_rules
from sensor.config import Config, RuleLimits
from tests import ecs
from tests.running import CAPTURES, ROOT

FOLDER = CAPTURES / "rules"
FILES = sorted(FOLDER.glob("*"))
BYTES_MAX = 110_000
DATA: dict[str, Any] = tomllib.loads(
    (ROOT / "tests/data/protocol_rules.toml").read_text(encoding="utf-8"))  # fmt: skip
RULES: list[dict[str, Any]] = DATA["rule"]
EVERY = [*RULES, *DATA["other"]]
OF_TYPES = ("type", "new_terms_fields", "history_window_start", "threshold", "threat_query",
            "building_block_type")  # fmt: skip
INDICATORS = ("20.30.40.99", "http://files.example/tools/x.ps1", "cider.example", "small.example",
              DATA["certificate"])  # fmt: skip
ANYTHING = "anything that was told"
Conversation = int | str


def exported(entry: dict[str, Any]) -> dict[str, Any]:
    """A rule as Kibana exports it."""
    query = entry["query"]
    for name in ("inside", "reserved", "certificate"):
        query = query.replace(f"{{{name}}}", DATA[name])
    mapping = [{"entries": [{"field": field, "type": "mapping", "value": value}]}
               for field, value in entry.get("threat_mapping", ())]  # fmt: skip
    return {
        "rule_id": entry["name"], "name": entry["name"], "description": "d", "severity": "low",
        "risk_score": 21, "type": "query", "query": query,
        "language": "eql" if entry.get("type") == "eql" else "kuery",
        **{name: entry[name] for name in OF_TYPES if name in entry},
        **({"threat_mapping": mapping, "threat_index": ["x"]} if mapping else {}),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules as a file, and the list of indicators."""
    folder = tmp_path_factory.mktemp("rules")
    rules = [*EVERY, {"name": ANYTHING, "query": "source.ip:*"}]
    (folder / "rules.ndjson").write_text("\n".join(json.dumps(exported(rule)) for rule in rules))
    (folder / "list.txt").write_text("\n".join(INDICATORS))
    return folder


@pytest.fixture(scope="module")
def alerts(folder: Path) -> list[sensor.Alert]:
    """All alerts of one run over all recordings."""
    return list(sensor.replay(
        *FILES, rules=folder / "rules.ndjson", indicators=folder / "list.txt",
        config=Config(rule=RuleLimits(max_signals=10_000, new_terms_learning_ns=0)),
        building_blocks=True))  # fmt: skip


def conversation(alert: sensor.Alert) -> Conversation:
    """The client's port; without one, the addresses."""
    ends = [alert.document.get(side, {}) for side in ("source", "destination")]
    port = ends[0].get("port")
    return int(port) if port else " > ".join(end["ip"] for end in ends if "ip" in end)


@pytest.fixture(scope="module")
def fired(alerts: list[sensor.Alert]) -> dict[str, set[Conversation]]:
    """The conversations that each rule fired on."""
    found: dict[str, set[Conversation]] = {entry["name"]: set() for entry in EVERY}
    for alert in alerts:
        found.setdefault(alert.rule_name, set()).add(conversation(alert))
    return found


def test_each_is_said_to_run(folder: Path) -> None:
    rules = load_rules([str(folder / "rules.ndjson")], indicators=[str(folder / "list.txt")])
    said = {row["name"]: (row["status"], row["reason"]) for row in rules.describe()}
    del said[ANYTHING]
    assert said == {entry["name"]: ("degraded", entry["reason"]) if "reason" in entry
                    else ("runs", "") for entry in EVERY}  # fmt: skip


@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: str(entry["name"]))
def test_it_fires_on_its_conversations_and_on_no_others(
    entry: dict[str, Any], fired: dict[str, set[Conversation]]
) -> None:
    assert fired[entry["name"]] == set(entry["fires"])
    # What comes near was really seen, or silence would say nothing.
    assert set(entry.get("silent", ())) <= fired[ANYTHING] - set(entry["fires"])


def test_there_are_those_that_packets_can_decide() -> None:
    assert len(RULES) == len({entry["name"] for entry in RULES}) == 34
    assert all(entry["fires"] and entry["silent"] for entry in RULES)


def test_alerts_are_ecs(alerts: list[sensor.Alert]) -> None:
    found = {problem for alert in alerts for problem in ecs.problems(alert.document)}
    assert found == set()


def test_no_credentials_are_told(alerts: list[sensor.Alert]) -> None:
    # What curl sends as Authorization is the Base64 form of root:x.
    assert not [alert for alert in alerts if "cm9vdDp4" in json.dumps(alert.document)]


def test_table_lists_every_recording() -> None:
    lines = (CAPTURES / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines
            if line.startswith("| rules/")]  # fmt: skip
    assert [row[0] for row in rows] == [f"rules/{path.name}" for path in FILES]
    for path, (_, _, *said) in zip(FILES, rows, strict=True):
        with path.open("rb") as file:
            count = sum(1 for _ in dpkt.pcap.Reader(file))
        assert said == ["Ethernet", "pcap micro", str(count), "recorded", "MIT"]
        assert path.stat().st_size < BYTES_MAX
