"""The telnet rule alerts once on each accepted connection, in the words of then and of now.

`seed_text_then.kql` is the rule's condition as the project was given it. `seed_text_now.kql` says
in our words what later versions of that rule ask for besides: no event that ends or denies, no
single-packet netflow record, no other proven protocol. Our events must suit both.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import sensor
from tests.running import CAPTURES, ROOT

TEXTS = {name: (ROOT / f"tests/data/seed_text_{name}.kql").read_text(encoding="utf-8")
         for name in ("then", "now")}  # fmt: skip
TRUTH: list[dict[str, Any]] = tomllib.loads(
    (ROOT / "tests/golden/truth.toml").read_text(encoding="utf-8")
)["capture"]

RULE = """[rule]
rule_id = "telnet"
name = "telnet"
type = "query"
language = "kuery"
severity = "medium"
risk_score = 47
version = 1
description = "telnet"
max_signals = 10000
query = '''
{query}'''
"""

Ends = tuple[str, str, int, str, int]


def accepted(truth: dict[str, Any]) -> Counter[Ends]:
    """By the truth, the accepted flows whose responder is at port 23."""
    return Counter((flow[0], *flow[1:5]) for flow in truth["flows"]
                   if flow[5] == "accepted" and flow[4] == 23)  # fmt: skip


def alerted(capture: str, rule: Path) -> Counter[Ends]:
    found: Counter[Ends] = Counter()
    for alert in sensor.replay(capture, rules=[str(rule)]):
        source, destination = alert.document["source"], alert.document["destination"]
        found[alert.document["network"]["transport"], source["ip"], source["port"],
              destination["ip"], destination["port"]] += 1  # fmt: skip
    return found


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("truth", TRUTH, ids=lambda truth: truth["file"])
def test_one_alert_for_each_accepted_connection(
    truth: dict[str, Any], text: str, tmp_path: Path
) -> None:
    rule = tmp_path / "telnet.toml"
    rule.write_text(RULE.format(query=TEXTS[text]), encoding="utf-8")
    assert alerted(str(CAPTURES / truth["file"]), rule) == accepted(truth)


def test_the_shipped_rule_keeps_the_condition_word_for_word() -> None:
    path = ROOT / "rules/accepted_default_telnet_port_connection.toml"
    query = tomllib.loads(path.read_text(encoding="utf-8"))["rule"]["query"]
    assert query.strip() == TEXTS["then"].strip()
