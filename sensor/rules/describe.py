"""Rules in words for people: what `rules show` and `rules check` print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sensor.config import Config
from sensor.rules.files import Suppression
from sensor.rules.loader import read_rules
from sensor.rules.rule import Resources, Rule, Schema
from sensor.rules.types import NewTermsText, Special, ThreatText, ThresholdText, duration_text


def format_rule(rule: Rule) -> dict[str, object]:
    """Everything that `rules show` tells of a rule, as plain data in the order to print it."""
    text = rule.text
    return {
        "name": text.name, "id": text.id, "version": text.version, "file": text.path,
        "status": rule.status, "reason": rule.reason, "severity": text.severity,
        "risk_score": text.risk_score, "type": text.type, "language": text.language,
        "query": text.query.strip(),
        "needs": describe_special(text.special, text.lookback_ns),
        "suppression": _suppression(text.suppression),
        "description": text.description,
        "tags": list(text.tags), "references": list(text.references),
        "threat": [_threat_line(entry) for entry in text.threat],
        "external_list": _external(rule), "note": text.note,
        "false_positives": list(text.false_positives),
        "exceptions": [f"{item.name}: {item.comment}" for item in rule.exceptions],
    }


def describe_special(special: Special | None, window_ns: int) -> str:
    """In words for people what a rule wants beyond its query."""
    match special:
        case ThresholdText(fields, value, name, different):
            words = f"{value} event{'s'[:value != 1]} within {duration_text(window_ns)}"
            if name:
                words += f", {different} different {name} among them"
            return words + (f", for each {' and '.join(fields)}" if fields else "")
        case NewTermsText(fields, history_ns):
            return f"{' and '.join(fields)} not seen within {duration_text(history_ns)}"
        case ThreatText(mapping):
            return " or ".join(
                " and ".join(f"{entry.field} {'is not' if entry.negate else 'is'}"
                             f" {entry.indicator_field}" for entry in group)
                for group in mapping)
    return ""


def _suppression(suppression: Suppression | None) -> str:
    if suppression is None:
        return ""
    span = duration_text(suppression.duration_ns) if suppression.duration_ns else "a window"
    words = f"one alert for each {' and '.join(suppression.group_by) or 'rule'} within {span}"
    return words + ("; events that lack one alert by themselves"
                    if suppression.missing_alerts else "")


def _external(rule: Rule) -> dict[str, object] | None:
    """Which list of networks counts as not external, and why."""
    if not rule.external:
        return None
    setting = "strict_external" if rule.is_strict else "literal"
    return {"in_force": setting, "networks": list(rule.external)}


def _threat_line(entry: dict[str, object]) -> str:
    """`Lateral Movement (TA0008): Remote Services (T1021)`."""
    tactic = entry.get("tactic")
    line = f"{tactic.get('name')} ({tactic.get('id')})" if isinstance(tactic, dict) else "?"
    listed = entry.get("technique")
    techniques = [f"{technique.get('name')} ({technique.get('id')})"
                  for technique in (listed if isinstance(listed, list) else [])
                  if isinstance(technique, dict)]
    return f"{line}: {', '.join(techniques)}" if techniques else line


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One line of `rules check`; status is `error` for what `load` would refuse."""

    file: str
    name: str
    status: str
    reason: str


def check_paths(
    paths: Iterable[str], *, config: Config, known_fields: Mapping[str, str],
    any_event: bool = False, resources: Resources | None = None,
) -> list[CheckRow]:
    """The contents of rule files: each rule with its status, and each error."""
    rules, errors = read_rules(paths, config, Schema(known_fields, any_event), resources)
    rows = [CheckRow(rule.text.path, rule.text.name, rule.status, rule.reason) for rule in rules]
    rows += [CheckRow(error.path, "", "error", text)
             for text, error in {str(error): error for error in errors}.items()]
    return sorted(rows, key=lambda row: row.file)
