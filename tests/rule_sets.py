"""Rules of one test: written into a folder, loaded, and fed with events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sensor.config import Config, RuleLimits
from sensor.model.alert import Alert
from sensor.query.document_rows import DocumentRows, ecs_type_of
from sensor.rules.indicators import read_indicators
from sensor.rules.rule import Resources
from sensor.rules.ruleset import RuleSet
from sensor.rules.state_store import RuleStore

_NAMES = """
@timestamp event.kind event.category event.type event.action event.id event.start event.end tags
source.ip source.port destination.ip destination.port destination.domain network.transport
"""
FIELDS = {name: ecs_type_of(name) for name in _NAMES.split()}
SECOND = 1_000_000_000
DAY = 86_400 * SECOND

COMMON: dict[str, Any] = {
    "rule_id": "r1", "name": "Test", "description": "d", "severity": "low", "risk_score": 21,
    "language": "kuery", "query": "event.action:flow_started",
}


def rule(kind: str, **keys: Any) -> dict[str, Any]:
    """A rule as Kibana exports it."""
    return {**COMMON, "type": kind, **keys}


def load(
    folder: Path, *rules: dict[str, Any] | str, indicators: tuple[str, ...] = (),
    store: RuleStore | None = None, exceptions: tuple[str, ...] = (), **limits: Any,
) -> RuleSet:
    """The rules of an export (tables) or of TOML files (texts)."""
    folder = folder / "rules"
    folder.mkdir(exist_ok=True)
    exported = [json.dumps(each) for each in rules if isinstance(each, dict)]
    if exported:
        (folder / "export.ndjson").write_text("\n".join(exported), "utf-8")
    for number, text in enumerate(each for each in rules if isinstance(each, str)):
        (folder / f"rule{number}.toml").write_text(text, "utf-8")
    return RuleSet.load(
        [str(folder)], config=Config(rule=RuleLimits(**limits)), known_fields=FIELDS,
        exceptions=exceptions, resources=Resources(store, tuple(read_indicators(indicators))),
    )


def event(second: float, **fields: Any) -> dict[str, Any]:
    """An event that the common query selects; its time stands beside it."""
    names = {name.replace("__", "."): value for name, value in fields.items()}
    return {"at": int(second * SECOND), "event.action": "flow_started", **names}


def feed(rules: RuleSet, events: list[dict[str, Any]], cut: int = 1000) -> list[Alert]:
    """The alerts of events, handed over in batches."""
    alerts = []
    for first in range(0, len(events), cut):
        part = events[first : first + cut]
        documents = [{key: value for key, value in each.items() if key != "at"} for each in part]
        alerts += rules.match(DocumentRows(documents, [each["at"] for each in part]))
    return alerts + rules.finish()
