"""Shipped captures as other taps would have taken them: what is still known stays the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sensor.app.build import load_rules
from sensor.app.outputs import RunOutputs
from sensor.config import INTERNAL_NETWORKS, FlowLimits
from sensor.decode import Decoder
from sensor.engine.pipeline import Pipeline
from sensor.engine.rule_stage import RuleStage
from sensor.flowtable.table import FlowTable
from sensor.model.addresses import Networks
from sensor.model.alert import Alert
from sensor.model.flow import EVIDENCE, FLOW_ENDED, VERDICTS, FlowContext
from tests.reshaping import Reshape, Reshaped, cut_at, doubled, lossy, one_side, plain
from tests.running import CAPTURES, Run, run_capture

PATHS = sorted(path for path in CAPTURES.iterdir() if path.suffix in (".pcap", ".pcapng"))
OF_ALL = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)


def run_reshaped(path: Path, reshape: Reshape) -> Run:
    return run_capture(Reshaped(path, reshape))


def flows_of(run: Run, *without: str) -> list[dict[str, Any]]:
    left_out = {"decided_frame", "known_ns", *without}
    return [
        {name: row[name].tolist() for name in row.dtype.names if name not in left_out}
        for row in run.rows
    ]


class Kept:
    """A sink."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def emit(self, alert: Alert) -> None:
        self.alerts.append(alert)

    def accounted(self) -> int:
        return len(self.alerts)


def alerts_of(path: Path, reshape: Reshape) -> Counter[tuple[str, str, str]]:
    """Rule, source and destination of each alert of the shipped rules."""
    kept = Kept()
    context = FlowContext(internal=Networks(INTERNAL_NETWORKS))
    outlet = RuleStage(load_rules(), RunOutputs([kept]), context)
    Pipeline(Reshaped(path, reshape), Decoder().decode, FlowTable(FlowLimits()), outlet).run()
    return Counter(
        (one.document["rule"]["name"], one.document.get("source", {}).get("ip", ""),
         one.document.get("destination", {}).get("ip", "")) for one in kept.alerts
    )  # fmt: skip


@OF_ALL
def test_every_frame_twice(path: Path) -> None:
    once, twice = run_reshaped(path, plain), run_reshaped(path, doubled)
    assert flows_of(twice) == flows_of(once)
    assert twice.ledger["frames"] == 2 * once.ledger["frames"]
    assert twice.ledger["packets"] - twice.ledger["duplicates"] == (
        once.ledger["packets"] - once.ledger["duplicates"])
    assert alerts_of(path, doubled) == alerts_of(path, plain)


QUOTED = {EVIDENCE.index(f"icmp_{what}")
          for what in ("prohibited", "port_unreachable", "unreachable")}  # fmt: skip
ICMP = (1, 58)


def known_of(run: Run, octets: int, enough: int) -> list[dict[str, Any]]:
    """What a snapshot length of 64 to 96 octets leaves of final records.

    Options of a SYN may be cut off, and with them its window scale; so may payload, and what it
    proves and tells. Of an ICMP error the quote may
    be cut off: a flow that rests on one may be told otherwise, and the error be a flow of its own.
    Of TCP over IPv6, 64 octets leave nothing: its flags are the 67th and 68th. In a fragment, 8
    octets further on, 68 are too few as well.
    """
    left_out = ("window", "window_scales", "decided_frame", "known_ns", "application",
                "pending_isn")  # fmt: skip
    return sorted(
        ({name: row[name].tolist() for name in row.dtype.names if name not in left_out}
         for row in run.rows
         if row["action"] == FLOW_ENDED and row["evidence"] not in QUOTED
         and row["protocol"] not in ICMP
         and not (octets < enough and row["ip_version"] == 6 and row["protocol"] in (6, 17))),
        key=lambda flow: (flow["first_ns"], flow["orig_port"]),
    )  # fmt: skip


DEEP = ("erspan", "geneve", "gre", "gtp", "ip_in_ip", "mpls", "pppoe", "pptp", "vxlan", "wireless")
"""Captures in which so much stands in front of TCP that 96 octets may end before its flags."""


@OF_ALL
@pytest.mark.parametrize("octets", [64, 68, 96])
def test_a_short_snapshot_length(path: Path, octets: int) -> None:
    if path.stem.removeprefix("telnet_") in DEEP:
        octets += 128
    whole, short = run_reshaped(path, plain), run_reshaped(path, cut_at(octets))
    quoted = {(row["orig_lo"], row["orig_port"]) for row in whole.rows if row["evidence"] in QUOTED}
    enough = 96 if "fragments" in path.name else 68
    known = [flow for flow in known_of(short, octets, enough)
             if (flow["orig_lo"], flow["orig_port"]) not in quoted]  # fmt: skip
    assert known == known_of(whole, octets, enough)
    beyond = set(short.ledger["anomalies"]) - set(whole.ledger["anomalies"])
    assert beyond <= ({"header_not_captured"} if octets < enough else set())
    cut = cut_at(octets)
    has_v6 = any(row["ip_version"] == 6 and row["protocol"] == 6 for row in whole.rows)
    if not quoted and not (has_v6 and octets < enough):
        assert alerts_of(path, cut) == alerts_of(path, plain)


def verdicts_of(run: Run) -> Counter[str]:
    return Counter(
        VERDICTS[row["verdict"]] for row in run.rows
        if row["action"] == FLOW_ENDED and row["protocol"] not in ICMP
    )


def accepted_of(run: Run) -> set[tuple[int, ...]]:
    return {tuple(int(row[name]) for name in ("orig_lo", "resp_lo", "orig_port", "resp_port"))
            for row in run.rows
            if row["action"] == FLOW_ENDED and VERDICTS[row["verdict"]] == "accepted"}  # fmt: skip


DEMO = CAPTURES / "demo.pcap"


@pytest.mark.parametrize("clients", [True, False], ids=["clients", "servers"])
@pytest.mark.parametrize("every", [0, 10], ids=["whole", "lossy"])
def test_one_side_of_every_flow(clients: bool, every: int) -> None:
    """Rows 12 to 15: what took an answer is accepted, what has none is not called dropped."""
    side = one_side(clients)
    run = run_reshaped(DEMO, lossy(every, side) if every else side)
    assert run.ledger["seen"]["one_sided"]
    found = verdicts_of(run)
    assert found["dropped"] == 0
    assert found["accepted"] >= 15
    assert accepted_of(run) <= accepted_of(run_reshaped(DEMO, plain))


def test_a_tenth_of_all_frames_is_missing() -> None:
    run = run_reshaped(DEMO, lossy(10))
    assert run.ledger["seen"]["lossy"] and not run.ledger["seen"]["one_sided"]
    assert verdicts_of(run)["dropped"] == 0
    whole = run_reshaped(DEMO, plain)
    assert accepted_of(run) <= accepted_of(whole)
    assert len(accepted_of(run)) >= len(accepted_of(whole)) - 5


@OF_ALL
def test_whole_captures_are_not_called_lossy(path: Path) -> None:
    seen = run_reshaped(path, plain).ledger["seen"]
    assert not seen["lossy"]
    assert seen["one_sided"] == ("one_sided" in path.name)
