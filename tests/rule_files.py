"""Rule files as tests write them, and events of flows for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sensor.config import Config
from sensor.query.document_rows import ecs_type_of
from sensor.rules.rule import RulesError
from sensor.rules.ruleset import RuleSet
from tests.running import ROOT

_NAMES = """
@timestamp event.kind event.category event.type event.action event.dataset event.id event.outcome
source.ip source.port destination.ip destination.port network.transport network.protocol
network.direction source.packets destination.packets network.packets sensor.flow.verdict
sensor.flow.evidence
"""
FIELDS = {name: ecs_type_of(name) for name in _NAMES.split()}
SHIPPED = str(ROOT / "rules")
RULE: dict[str, Any] = {
    "rule_id": "r1", "name": "Exported", "description": "d", "type": "query", "language": "kuery",
    "severity": "low", "risk_score": 21, "query": "destination.port:23",
}
ITEM = {"item_id": "i", "list_id": "l", "name": "n", "description": "known", "entries": [
    {"field": "source.ip", "type": "match", "operator": "included", "value": "192.0.2.1"}]}
EVENT = {"@timestamp": "2026-01-02T03:04:05Z", "destination": {"port": 23}}
SECOND = 1_000_000_000


def flow(action: str = "flow_started", ip: str = "8.8.4.4", **more: Any) -> dict[str, Any]:
    types = {
        "flow_started": ["connection", "start", "allowed"],
        "flow_denied": ["connection", "start", "denied"],
        "flow_dropped": ["connection", "start", "denied"],
        "network_flow": ["connection", "end"],
    }
    return {
        "@timestamp": "2026-01-02T03:04:05.678901000Z",
        "event": {"kind": "event", "category": ["network"], "dataset": "network_traffic.flow",
                  "type": types[action], "action": action, "id": f"{action}/{ip}"},
        "source": {"ip": "192.0.2.10", "port": 50432}, "destination": {"ip": ip, "port": 23},
        "network": {"transport": "tcp", "direction": "outbound"},
        "sensor": {"flow": {"verdict": "accepted", "evidence": "handshake"}},
        **more,
    }


def rule_text(query: str = "destination.port:23", extra: str = "", **keys: Any) -> str:
    table = {"rule_id": "r1", "name": "Test rule", "description": "d", "type": "query",
             "language": "kuery", "severity": "medium", "risk_score": 47, **keys}
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items() if value is not None]
    return "[metadata]\n[rule]\n" + "\n".join(lines) + f"\nquery = '''\n{query}\n'''\n{extra}"


def load(folder: Path, *texts: str, config: Config | None = None, **options: Any) -> RuleSet:
    for number, text in enumerate(texts):
        (folder / f"rule{number}.toml").write_text(text, "utf-8")
    return RuleSet.load([str(folder)], config=config or Config(), known_fields=FIELDS, **options)


def shipped(**settings: Any) -> RuleSet:
    return RuleSet.load([SHIPPED], config=Config(**settings), known_fields=FIELDS)


def errors(folder: Path, *texts: str) -> list[str]:
    with pytest.raises(RulesError) as caught:
        load(folder, *texts)
    return [str(error) for error in caught.value.errors]


def of_files(*rules: Path, exceptions: tuple[Path, ...] = ()) -> RuleSet:
    return RuleSet.load(map(str, rules), exceptions=map(str, exceptions), config=Config(),
                        known_fields=FIELDS)  # fmt: skip


def written(path: Path, *values: Any) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def suppressed(group_by: str, unit: str = "m") -> str:
    return (f"[rule.alert_suppression]\ngroup_by = ['{group_by}']\n"
            f"duration = {{ value = 5, unit = '{unit}' }}\n")  # fmt: skip
