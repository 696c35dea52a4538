"""How fast flow events go through sequences, beside a single-event rule in the same run.

    python benchmarks/sequences.py [--events 400000] [--batch 8192] [--rounds 3]

Events are made up: pairs of hosts that are refused, then accepted, among others that are accepted
only. Printed per query: events a second on one core (the best of the rounds), the ratio to the
single-event rule, the matches. Only the rule's own work is timed: predicates, joins, the walk, and
the events that are kept; neither flows nor alerts.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from sensor.config import RuleLimits
from sensor.ecs.flow_batch import FlowBatch
from sensor.memory.records import FLOW_LAYOUT, NO_VLAN
from sensor.model.addresses import V4_PREFIX, Networks
from sensor.model.flow import ACCEPTED, DENIED, FLOW_DENIED, FLOW_STARTED, FlowContext
from sensor.query import ast
from sensor.query.eql import parser as eql
from sensor.query.predicate import compile_query
from sensor.query.stateful.sample import Sampler
from sensor.query.stateful.sequence import Tracker
from sensor.rules.runners import OrderRunner, Runner, SingleRunner

SINGLE = 'network where event.action == "flow_started" and destination.port == 23'
QUERIES = {
    "single event, 1 in 100": SINGLE,
    "two steps, 1 in 50 is one": """sequence by source.ip, destination.ip with maxspan=1m
        [network where event.action == "flow_denied" and destination.port == 23]
        [network where event.action == "flow_started" and destination.port == 23]""",
    "two steps, every event is one": """sequence by source.ip, destination.ip with maxspan=1m
        [network where event.action == "flow_denied"]
        [network where event.action == "flow_started"]""",
    "two steps by one field, every event is one": """sequence by source.ip with maxspan=1m
        [network where event.action == "flow_denied"]
        [network where event.action == "flow_started"]""",
    "two steps with until": """sequence by source.ip, destination.ip with maxspan=1m
        [network where event.action == "flow_denied"]
        [network where event.action == "flow_started"] until [network where destination.port == 22]
        """,
    "missing event at the end": """sequence by source.ip, destination.ip with maxspan=50ms
        [network where event.action == "flow_denied"]
        ![network where event.action == "flow_started"]""",
    "sample": """sample by source.ip [network where event.action == "flow_denied"]
        [network where event.action == "flow_started"]""",
}
SECOND_NS = 1_000_000_000
START_NS = 1_767_323_045 * SECOND_NS


def events(count: int) -> Any:
    """Flow events, 100,000 a second: half of them refused, half accepted, of 5,000 pairs."""
    chance = np.random.default_rng(1)
    records = np.zeros(count, FLOW_LAYOUT.dtype)
    pairs = chance.integers(0, 5_000, count)
    records["orig_lo"] = V4_PREFIX | 0x0A000000 | (pairs % 500)
    records["resp_lo"] = V4_PREFIX | 0xC6336400 | (pairs // 500)
    records["resp_port"] = np.where(chance.integers(0, 50, count) == 0, 23, 443)
    records["orig_port"] = chance.integers(1024, 65536, count)
    records["protocol"], records["ip_version"] = 6, 4
    records["vlan_outer"] = NO_VLAN
    accepted = chance.integers(0, 2, count).astype(bool)
    records["verdict"] = np.where(accepted, ACCEPTED, DENIED)
    records["action"] = np.where(accepted, FLOW_STARTED, FLOW_DENIED)
    for member in ("known_ns", "first_ns", "last_ns", "decided_ns"):
        records[member] = START_NS + np.arange(count) * 10_000
    return records


def runner_of(text: str) -> Runner:
    query = eql.parse(text)
    if isinstance(query, ast.Sequence):
        return OrderRunner(Tracker(query, 360 * SECOND_NS, RuleLimits()))
    if isinstance(query, ast.Sample):
        return OrderRunner(Sampler(query, 360 * SECOND_NS, RuleLimits()))
    return SingleRunner(compile_query(query))


def run(text: str, records: Any, batch: int) -> tuple[float, int, int]:
    """Seconds of processor time, matches, evictions."""
    runner, context = runner_of(text), FlowContext(Networks(["10.0.0.0/8"]))
    matches, spent_s = 0, 0.0
    for first in range(0, len(records), batch):
        rows = FlowBatch(records[first : first + batch], context)
        start_s = time.process_time()
        matches += len(runner.matches(rows, lambda selected: selected))
        spent_s += time.process_time() - start_s
    return spent_s, matches, runner.evicted


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--events", type=int, default=400_000)
    options.add_argument("--batch", type=int, default=8_192)
    options.add_argument("--rounds", type=int, default=3)
    asked = options.parse_args()
    records = events(asked.events)
    best: dict[str, tuple[float, int, int]] = {}
    for _ in range(asked.rounds):
        for name, text in QUERIES.items():
            best[name] = min(best.get(name, (1e9, 0, 0)), run(text, records, asked.batch))
    single_s = next(iter(best.values()))[0]
    for name, (spent_s, matches, evicted) in best.items():
        print(f"{name:44} {asked.events / spent_s:12,.0f} events/s  x{spent_s / single_s:6.1f}  "
              f"{matches:9,} matches  {evicted:7,} evicted")


if __name__ == "__main__":
    main()
