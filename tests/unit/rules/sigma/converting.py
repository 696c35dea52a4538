"""Sigma rules as tests write them, converted, loaded and held against documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sensor.query.document_rows import DocumentRows
from sensor.rules.sigma.convert import Conversion, convert_file
from tests.rule_files import load

ID = "0c3e1f6e-6f0b-4b0e-8a54-3b7f5f0f9a01"


def sigma(detection: str, source: str = "category: webserver", extra: str = "") -> str:
    """The text of a rule; its detection is YAML of one indentation."""
    below = "\n".join(f"    {line}" for line in detection.strip("\n").split("\n"))
    return (f"title: A rule\nid: {ID}\nstatus: test\n{extra}\nlogsource:\n    {source}\n"
            f"detection:\n{below}\n")  # fmt: skip


def converted(folder: Path, text: str) -> Conversion:
    """What becomes of the one rule of a text."""
    path = folder / "rule.yml"
    path.write_text(text, encoding="utf-8")
    (found,) = convert_file(path)
    return found


def matched(folder: Path, text: str, *documents: dict[str, Any]) -> list[bool]:
    """Whether the converted rule, as it was written, alerts on each document."""
    found = converted(folder, text)
    assert not found.error and not found.refusal, found
    rules = load(folder, found.text, any_event=True)
    assert rules.rules[0].status == "runs", rules.rules[0].reason
    return [bool(rules.match(DocumentRows([document]))) for document in documents]


def http(**fields: Any) -> dict[str, Any]:
    """A document of HTTP with these fields beside."""
    return {"@timestamp": "2026-01-02T03:04:05Z", "event.dataset": "network_traffic.http",
            **fields}  # fmt: skip
