"""What loading rules anew costs a sensor that goes on watching: latency of alerts, frames dropped.

    python benchmarks/live_reload.py [--rules 1500] [--rate 20000] [--changed] [--ring-mib 64]

Telnet sessions pass among other TCP traffic; each gives an alert. Then SIGHUP has so many made-up
rules loaded anew (`--changed`: others than before). Printed are the latencies of alerts, that is
`event.created` less `@timestamp`, before the reload and in it, and what the kernel had to drop.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import signal
import sys
import time
from datetime import datetime
from pathlib import Path

from live_lab import Sensor, build_blast, busy_rules, inside, percentile, start_blast, wait_for
from many_rules import write_rules

CALM_S = 8.0
SENDER, LISTENER = 0, 1
LOADED = "rules loaded: "


def latencies(path: Path) -> list[tuple[float, float]]:
    """Of each alert the time at which it was made and its latency, in seconds."""
    found = []
    for line in path.read_text().splitlines():
        document = json.loads(line)
        if document["rule"]["name"] == "Accepted Default Telnet Port Connection":
            created = datetime.fromisoformat(document["event"]["created"]).timestamp()
            known = datetime.fromisoformat(document["@timestamp"]).timestamp()
            found.append((created, created - known))
    return found


def told(name: str, found: list[float]) -> str:
    """A row of the table."""
    if not found:
        return f"| {name} | 0 | | | |"
    at = [percentile(found, share) * 1000 for share in (0.5, 0.99)]
    return f"| {name} | {len(found)} | {at[0]:.0f} | {at[1]:.0f} | {max(found) * 1000:.0f} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sensor", default=f"{sys.executable} -m sensor", metavar="COMMAND")
    parser.add_argument("--rules", type=int, default=1500)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--ring-mib", default="64")
    parser.add_argument("--changed", action="store_true")
    options = parser.parse_args()
    folder = inside()
    program = build_blast(folder)
    rules = busy_rules(folder)
    write_rules(rules, options.rules)
    alerts = folder / "alerts"
    with alerts.open("wb") as out:
        sensor = Sensor(shlex.split(options.sensor), folder, "--json", "--rules", str(rules),
                        "--ring-mib", options.ring_mib, core=LISTENER, stdout=out)  # fmt: skip
    if options.changed:
        (rules / "rule000.toml").unlink()
        write_rules(rules, options.rules, seed=5)
    sender = start_blast(program, SENDER, rate=options.rate, seconds=10_000, size=100,
                         background=950, sessions=50)  # fmt: skip
    time.sleep(CALM_S)
    begun = time.time()
    sensor.process.send_signal(signal.SIGHUP)
    wait_for(lambda: LOADED in sensor.errors_path.read_text(), "the rules", 600)
    loaded = time.time()
    time.sleep(CALM_S)
    sender.send_signal(signal.SIGTERM)
    sender.communicate()
    capture = sensor.stop()["capture"]
    print(f"reload of {options.rules} rules in {loaded - begun:.1f} s; {capture['kernel_packets']}"
          f" frames, {capture['kernel_drops']} dropped")  # fmt: skip
    print("| alerts | number | p50 ms | p99 ms | max ms |")
    print("|---|---|---|---|---|")
    found = latencies(alerts)
    print(told("before", [late for at, late in found if begun - CALM_S / 2 < at < begun]))
    print(told("in the reload", [late for at, late in found if begun <= at < loaded + 1]))
    print(told("behind it", [late for at, late in found if at >= loaded + 1]))
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
