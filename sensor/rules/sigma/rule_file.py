"""A converted rule as a rule file: TOML in the layout of Elastic's detection rules."""

from __future__ import annotations

import re
import uuid
from datetime import date

from sigma.rule import SigmaRule

from sensor.base.escape import harmless
from sensor.model.alert import SEVERITIES

ATTACK = "https://attack.mitre.org"
TACTICS = {
    "reconnaissance": ("TA0043", "Reconnaissance"),
    "resource-development": ("TA0042", "Resource Development"),
    "initial-access": ("TA0001", "Initial Access"), "execution": ("TA0002", "Execution"),
    "persistence": ("TA0003", "Persistence"),
    "privilege-escalation": ("TA0004", "Privilege Escalation"),
    "defense-evasion": ("TA0005", "Defense Evasion"),
    "credential-access": ("TA0006", "Credential Access"), "discovery": ("TA0007", "Discovery"),
    "lateral-movement": ("TA0008", "Lateral Movement"), "collection": ("TA0009", "Collection"),
    "command-and-control": ("TA0011", "Command and Control"),
    "exfiltration": ("TA0010", "Exfiltration"), "impact": ("TA0040", "Impact"),
}  # fmt: skip
"""The tactics of ATT&CK for enterprises, as tags of Sigma name them. Source: attack.mitre.org."""
_TECHNIQUE = re.compile(r"t[0-9]{4}(?:\.[0-9]{3})?")
_LEVELS = {"informational": ("low", 1), "medium": ("medium", SEVERITIES["medium"]),
           "high": ("high", SEVERITIES["high"]),
           "critical": ("critical", SEVERITIES["critical"])}  # fmt: skip
_UNLEVELLED = ("low", SEVERITIES["low"])

Value = str | int | list[str]


def rule_file(rule: SigmaRule, query: str, origin: str) -> str:
    """The text of the file. `query` is EQL, `origin` names the file that the rule comes from."""
    severity, risk_score = _LEVELS.get(str(rule.level), _UNLEVELLED)
    keys: dict[str, Value] = {
        "rule_id": id_of(rule, query), "name": _line(rule.title),
        "description": str(rule.description or "").strip() or _line(rule.title),
        "type": "eql", "language": "eql", "version": 1, "severity": severity,
        "risk_score": risk_score,
        "author": [name.strip() for name in str(rule.author or "").split(",") if name.strip()],
        "license": str(rule.license or ""), "references": [str(item) for item in rule.references],
        "false_positives": [str(item) for item in rule.falsepositives],
        "tags": [str(tag) for tag in rule.tags],
    }
    lines = [f"# Converted from {harmless(origin)}, a Sigma rule.", "[metadata]"]
    lines += [f'{key} = "{value:%Y/%m/%d}"' for key, value in (
        ("creation_date", rule.date), ("updated_date", rule.modified)) if isinstance(value, date)]
    lines += ['maturity = "production"', "", "[rule]"]
    lines += [f"{key} = {toml(value)}" for key, value in keys.items() if value not in ("", [])]
    lines += [f"query = {_query(query)}", *_threats([str(tag) for tag in rule.tags])]
    return "\n".join(lines) + "\n"


def id_of(rule: SigmaRule, query: str) -> str:
    """The rule's own id; of one without, an id that is made of its title and its query."""
    return str(rule.id or uuid.uuid5(uuid.NAMESPACE_URL, _known(f"{rule.title}\n{query}")))


def toml(value: Value) -> str:
    """A value as TOML has it, in one line, with nothing in it that is not plainly visible."""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    escaped = _known(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}"
                         for sign in escaped) + '"'  # fmt: skip


def _query(query: str) -> str:
    """The query as people can read it, where TOML lets it stand as it is."""
    text = _known(query)
    if "'''" in text or not text.replace("\n", "").isprintable():
        return toml(text)
    return f"'''\n{text}\n'''"


def _known(text: str) -> str:
    """The text without halves of surrogate pairs, which YAML can name and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def _line(text: object) -> str:
    return " ".join(str(text or "").split()) or "Sigma rule"


def _threats(tags: list[str]) -> list[str]:
    """The tables of tactics and techniques.

    Tags do not say to which of several tactics a technique belongs, nor what it is called.
    """
    names = [tag.lower().removeprefix("attack.").replace("_", "-") for tag in tags
             if tag.lower().startswith("attack.")]  # fmt: skip
    tactics = list(dict.fromkeys(name for name in names if name in TACTICS))
    techniques: dict[str, list[str]] = {}
    for name in names:
        if _TECHNIQUE.fullmatch(name):
            parent, _, below = name.upper().partition(".")
            techniques.setdefault(parent, []).extend([f"{parent}.{below}"] if below else [])
    lines = []
    for name in tactics:
        number, words = TACTICS[name]
        lines += [*_threat(), "", "[rule.threat.tactic]", *_named(number, words, "tactics")]
    if techniques and len(tactics) != 1:
        lines += _threat()
    for number, belows in techniques.items():
        lines += ["", "[[rule.threat.technique]]", *_named(number, number, "techniques")]
        for below in dict.fromkeys(belows):
            lines += ["", "[[rule.threat.technique.subtechnique]]",
                      *_named(below, below, "techniques")]  # fmt: skip
    return lines


def _threat() -> list[str]:
    return ["", "[[rule.threat]]", 'framework = "MITRE ATT&CK"']


def _named(number: str, name: str, kind: str) -> list[str]:
    place = number.replace(".", "/")
    return [f'id = "{number}"', f'name = "{name}"', f'reference = "{ATTACK}/{kind}/{place}/"']
