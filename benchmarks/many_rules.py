"""What a hundred rules cost: the same capture with them and with the shipped ones, in turns.

    python benchmarks/make_mix.py benchmarks/data
    python benchmarks/many_rules.py benchmarks/data/mix.pcap [--rules 100] [--rounds 3] [--profile]

The rules are made up, half KQL and half EQL, as people write them: ports, networks, verdicts,
directions, patterns, exceptions inside the query; no two are alike. Printed: the best wall time of
each set, the ratio, how many of the rules fired, how many alerts. The aim: a ratio of at most 1.5.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

from sensor.app.build import build_replay, load_rules, shipped_rules
from sensor.app.outputs import RunOutputs
from sensor.capture.files.discover import discover
from sensor.config import Config

RULE = """
[rule]
rule_id = "bench-{number}"
name = "Benchmark {number}"
description = "d"
severity = "low"
risk_score = 21
type = "{kind}"
language = "{language}"
query = '''{query}'''
"""
PORTS = (
    21, 22, 23, 25, 53, 69, 88, 110, 111, 123, 135, 137, 139, 143, 161, 389, 445, 465,
    512, 513, 514, 515, 554, 587, 636, 873, 993, 995, 1080, 1433, 1521, 1723, 1883, 2049,
    2375, 2379, 3128, 3306, 3389, 4444, 5000, 5060, 5432, 5555, 5900, 5985, 6379, 6667,
    7001, 8000, 8080, 8443, 8888, 9000, 9092, 9200, 9999, 10250, 11211, 27017, 31337,
    50050,
)  # fmt: skip
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16",
           "100.64.0.0/10", "224.0.0.0/4", "fc00::/7", "fe80::/10", "::1")  # fmt: skip


def kql(chance: random.Random) -> str:
    """A rule in KQL."""
    ports = chance.sample(PORTS, chance.randint(1, 6))
    wanted = " or ".join(map(str, ports))
    host = f"10.{chance.randint(0, 255)}.{chance.randint(0, 255)}.{chance.randint(1, 254)}"
    return chance.choice((
        "event.category:(network or network_traffic) and event.type:connection and not "
        "event.action:(flow_denied or flow_dropped or network_flow or flow_terminated) and "
        f"destination.port:({wanted}) and not destination.ip:{host}",
        "event.action:flow_started and network.direction:inbound and "
        f"destination.port:({wanted}) and not source.ip:({' or '.join(PRIVATE[:3])})",
        f"event.action:flow_denied and network.transport:tcp and destination.port:({wanted}) and "
        f"source.ip:{host}/24",
        f"event.action:flow_* and not event.action:flow_d* and destination.port >= {ports[0]} and "
        f"destination.port <= {ports[0] + 10} and network.direction:(outbound or external)",
        f"event.action:network_flow and source.bytes > {chance.randint(1, 50)}000000 and not "
        f'destination.ip:({" or ".join(PRIVATE[:3])} or {host}) and network.transport:udp',
    ))


def eql(chance: random.Random) -> str:
    """A rule in EQL."""
    ports = chance.sample(PORTS, chance.randint(1, 6))
    wanted = ", ".join(map(str, ports))
    inside = ", ".join(f'"{cidr}"' for cidr in PRIVATE)
    return chance.choice((
        f'network where event.action == "flow_started" and destination.port in ({wanted}) and '
        f"not cidrmatch(destination.ip, {inside})",
        f'network where event.type == "denied" and destination.port in ({wanted}) and '
        f'cidrmatch(source.ip, "10.{chance.randint(0, 255)}.0.0/16", "192.168.0.0/16")',
        'network where event.action : "flow_s*" and network.transport == "tcp" and '
        f"destination.port == {ports[0]} and source.port < 1024",
        f'network where event.action in ("flow_started", "flow_denied") and '
        f'destination.port >= {ports[0]} and network.direction == "outbound" and not '
        f'cidrmatch(destination.ip, {inside}) and source.port == {chance.choice(PORTS)}',
        f'network where event.action == "network_flow" and destination.bytes > '
        f'{chance.randint(1, 50)}000000 and network.type like "ipv?" and destination.port != 443',
    ))


def write_rules(folder: Path, count: int, seed: int = 4) -> None:
    """So many different rules as TOML files."""
    chance = random.Random(seed)
    seen: set[str] = set()
    while len(seen) < count:
        kind = "eql" if len(seen) % 2 else "query"
        query = (eql if kind == "eql" else kql)(chance)
        if query in seen:
            continue
        text = RULE.format(number=len(seen), kind=kind, query=query,
                           language="eql" if kind == "eql" else "kuery")
        (folder / f"rule{len(seen):03}.toml").write_text(text, "utf-8")
        seen.add(query)


def run(capture: str, rules: str, profile: bool = False) -> tuple[float, int, int]:
    """Seconds from the first packet to the last alert; rules that fired; alerts."""
    config = Config()
    ruleset = load_rules([rules], (), config)
    pipeline = build_replay(discover([capture]), ruleset, RunOutputs(()), config)
    if profile:
        import cProfile  # noqa: PLC0415

        with cProfile.Profile() as profiler:
            pipeline.run()
        import pstats  # noqa: PLC0415

        pstats.Stats(profiler).sort_stats("tottime").print_stats(32)
        return 0.0, 0, 0
    started = time.perf_counter()
    pipeline.run()
    seconds = time.perf_counter() - started
    counts = [row["alerts"] for row in ruleset.ledger().values()]
    return seconds, sum(map(bool, counts)), sum(counts)


def main() -> None:
    """Run both sets in turns and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("capture")
    parser.add_argument("--rules", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_rules(Path(folder), arguments.rules)
        if arguments.profile:
            run(arguments.capture, folder, profile=True)
            return
        sets = {"shipped": shipped_rules(), f"{arguments.rules} rules": folder}
        best: dict[str, float] = {}
        told: dict[str, tuple[int, int]] = {}
        for _ in range(arguments.rounds):
            for name, rules in sets.items():
                seconds, fired, alerts = run(arguments.capture, rules)
                best[name] = min(seconds, best.get(name, seconds))
                told[name] = fired, alerts
        for name, seconds in best.items():
            print(f"{name:>12}: {seconds:.2f} s, {told[name][0]} fired, {told[name][1]} alerts")
        few, many = best.values()
        print(f"       ratio: {many / few:.2f}")


if __name__ == "__main__":
    main()
