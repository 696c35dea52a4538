"""Every shipped capture gives the flows that its story tells (truth.toml, written by hand)."""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import Any

import pytest

from tests.running import CAPTURES, ROOT, run_capture

TRUTH: list[dict[str, Any]] = tomllib.loads(
    (ROOT / "tests/golden/truth.toml").read_text(encoding="utf-8")
)["capture"]


def told(document: dict[str, Any]) -> tuple[Any, ...]:
    """A flow record in the words of truth.toml."""
    flow = document["sensor"]["flow"]
    return (
        document["network"]["transport"],
        document["source"]["ip"], document["source"]["port"],
        document["destination"]["ip"], document["destination"]["port"],
        flow["verdict"], flow["evidence"], tuple(flow.get("tags", ())),
    )  # fmt: skip


def concerns(document: dict[str, Any], listed: str) -> bool:
    if document["network"]["transport"] not in ("tcp", "udp"):
        return False
    ports = (document["source"]["port"], document["destination"]["port"])
    return listed != "telnet" or 23 in ports


@pytest.mark.parametrize("truth", TRUTH, ids=lambda truth: truth["file"])
def test_flows_and_verdicts(truth: dict[str, Any]) -> None:
    run = run_capture(CAPTURES / truth["file"])
    listed = truth.get("flows_listed", "all")
    expected = Counter((*flow[:7], tuple(flow[8:])) for flow in truth["flows"])
    found = Counter()
    for document in run.records:
        if concerns(document, listed):
            *words, tags = told(document)
            # A direction that was guessed is marked; the truth does not speak of it.
            found[*words, tuple(tag for tag in tags if tag != "direction_guessed")] += 1
    if "malformed" in truth:  # malformed frames may leave flows behind, none of them accepted
        extra = found - expected
        assert not expected - found
        assert all(words[5] != "accepted" for words in extra)
        assert sum(run.ledger["anomalies"].values()) <= truth["malformed"]
    else:
        assert found == expected
        assert run.ledger["anomalies"] == {}
    assert run.ledger["duplicates"] == truth.get("duplicates", 0)
    assert run.ledger["time_backwards"] == truth.get("time_backwards", 0)


@pytest.mark.parametrize("truth", TRUTH, ids=lambda truth: truth["file"])
def test_flow_events(truth: dict[str, Any]) -> None:
    """Each flow gives its start event at most once, as its verdict says, then its record."""
    run = run_capture(CAPTURES / truth["file"])
    by_flow: dict[str, list[dict[str, Any]]] = {}
    for event in run.events:
        by_flow.setdefault(event["flow"]["id"], []).append(event)
    starts = {"accepted": "flow_started", "denied": "flow_denied", "dropped": "flow_dropped"}
    for events in by_flow.values():
        actions = [event["event"]["action"] for event in events]
        verdict = events[-1]["sensor"]["flow"]["verdict"]
        assert actions == [*([starts[verdict]] if verdict in starts else []), "network_flow"]


@pytest.mark.parametrize("truth", [t for t in TRUTH if "vlan" in t], ids=lambda t: t["file"])
def test_vlan_ids(truth: dict[str, Any]) -> None:
    network = run_capture(CAPTURES / truth["file"]).records[0]["network"]
    outer, *inner = (str(number) for number in truth["vlan"])
    assert network["vlan"]["id"] == outer
    assert [network["inner"]["vlan"]["id"]] == inner if inner else "inner" not in network


@pytest.mark.parametrize("truth", TRUTH, ids=lambda truth: truth["file"])
def test_paths_through_tunnels(truth: dict[str, Any]) -> None:
    expected = Counter(tuple(map(tuple, path)) for path in truth.get("tunnels", ()))
    found: Counter[tuple[tuple[str, ...], ...]] = Counter()
    for record in run_capture(CAPTURES / truth["file"]).records:
        if tunnel := record["sensor"].get("tunnel"):
            ids = tunnel.get("id", [""] * len(tunnel["type"]))
            path = zip(tunnel["type"], ids, tunnel["source"], tunnel["destination"], strict=True)
            found[tuple(path)] += 1
    assert found == expected
