"""The files for Prometheus and Grafana: of the right form, and about metrics that there are."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sensor.monitoring.metrics import StatusCollector
from tests.running import ROOT
from tests.unit.monitoring.test_metrics import STATUS

OTHERS = {"up"}
"""What Prometheus knows of each target by itself."""
METRIC = re.compile(r"\b(sensor_\w+|up)\b")
DURATION = re.compile(r"([0-9]+(ms|s|m|h|d|w|y))+")


def served() -> dict[str, set[str]]:
    """The labels of each metric."""
    found = {}
    for family in StatusCollector(lambda: STATUS, "1").collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = set(family.samples[0].labels)
    return found


def check(expression: str) -> None:
    """An expression is about metrics that there are, rates are of counters, brackets match."""
    names = METRIC.findall(expression)
    assert names and set(names) <= served().keys() | OTHERS, expression
    for inner in re.findall(r"(?:rate|increase)\((\w+)", expression):
        assert inner.endswith("_total"), expression
    for group, metric in re.findall(r"by \((\w+)\) \(\w+\((\w+)", expression):
        assert group in served()[metric], expression
    for one, other in ("()", "[]", "{}"):
        assert expression.count(one) == expression.count(other), expression


def test_prometheus_rules() -> None:
    yaml = pytest.importorskip("yaml")
    content = yaml.safe_load((ROOT / "systemd/prometheus-rules.yml").read_text("utf-8"))
    assert content.keys() == {"groups"}
    rules = [rule for group in content["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 5
    for rule in rules:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch("[A-Z][A-Za-z]+", rule["alert"])
        assert DURATION.fullmatch(rule.get("for", "1m"))
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        check(rule["expr"])
        labels = set.union({"instance", "job"}, *(
            served().get(name, set()) for name in METRIC.findall(rule["expr"])))
        told = rule["annotations"]
        assert told["summary"].endswith(".")
        for text in told.values():
            assert set(re.findall(r"\$labels\.(\w+)", text)) <= labels, text


def run_promtool(rules: Path) -> str:
    """What Prometheus' own tool says of a file of rules."""
    run = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True,
                         check=False)  # fmt: skip
    return run.stdout if run.returncode == 0 else f"FAILED: {run.stdout}{run.stderr}"


@pytest.mark.needs("promtool")
def test_prometheus_takes_the_rules() -> None:
    assert "SUCCESS: 12 rules found" in run_promtool(ROOT / "systemd/prometheus-rules.yml")


@pytest.mark.needs("promtool")
def test_prometheus_takes_the_expressions_of_the_dashboard(tmp_path: Path) -> None:
    """As rules; Grafana puts a duration where it has a variable for one."""
    board = json.loads((ROOT / "systemd/grafana-dashboard.json").read_text("utf-8"))
    found = [re.sub(r"\$__(rate_interval|range)\b", "5m", one) for one in expressions(board)]
    rules = [{"record": f"panel:{at}", "expr": one} for at, one in enumerate(found)]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), "utf-8")
    assert f"SUCCESS: {len(rules)} rules found" in run_promtool(file)
    rules[0]["expr"] += ")"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), "utf-8")
    assert run_promtool(file).startswith("FAILED")


def expressions(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("expr"), str):
            yield node["expr"]
        for value in node.values():
            yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)


def test_the_dashboard() -> None:
    board = json.loads((ROOT / "systemd/grafana-dashboard.json").read_text("utf-8"))
    assert board["title"] and board["uid"] and board["schemaVersion"] >= 36
    panels = board["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    places = set()
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}  # fmt: skip
        assert not cells & places, panel["title"]
        places |= cells
        assert panel["title"] and panel["targets"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    for expression in expressions(board):
        check(expression)
    assert {item["name"] for item in board["templating"]["list"]} == {"datasource", "instance"}
    used = set(METRIC.findall(" ".join(expressions(board)))) - OTHERS
    assert len(used) > 15
