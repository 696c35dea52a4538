"""What the pages show as output is what the sensor writes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.running import ROOT, run_capture

BLOCK = re.compile(r"`captures/(?P<capture>\S+?)`|```json\n(?P<json>.*?)```", re.DOTALL)


def examples() -> list[tuple[str, dict[str, Any]]]:
    """The records in docs/verdict.md, each with the capture that was named last before it."""
    found: list[tuple[str, dict[str, Any]]] = []
    capture = ""
    for match in BLOCK.finditer((ROOT / "docs/verdict.md").read_text(encoding="utf-8")):
        capture = match["capture"] or capture
        if match["json"]:
            found.append((capture, json.loads(match["json"])))
    return found


def within(part: Any, whole: Any) -> bool:
    """Whether a document has all that `part` has."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and within(value, whole[key]) for key, value in part.items()
        )
    return bool(part == whole)


def test_there_are_examples() -> None:
    assert len(examples()) >= 3


@pytest.mark.parametrize(("capture", "shown"), examples())
def test_verdict_examples(capture: str, shown: dict[str, Any]) -> None:
    records = run_capture(ROOT / "captures" / capture).records
    assert [within(shown, record) for record in records].count(True) == 1
