"""What the kernel has to drop at a rate of frames, for the sensor and for tcpdump in turn.

    python benchmarks/live_drops.py [--rates 300000,0] [--seconds 10] [--rounds 3]

Frames of 100 octets pass on a cable; who listens is bound to the second core, the generator to the
first. The sensor and `tcpdump -w /dev/null` take turns, with rings of the same size. The kernel
copies frames into the ring on the generator's core. A rate of 0 is as many as the generator gives.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import signal
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from live_lab import Sensor, blast, build_blast, busy_rules, inside, pinned

RING_MIB = 64
SENDER, LISTENER = 0, 1
BACKGROUND, SESSIONS = 999, 1
SEEN = re.compile(r"(\d+) packets received by filter")
DROPPED = re.compile(r"(\d+) packets dropped by kernel")


def sensor_run(folder: Path, command: list[str], program: Path, load: dict[str, int]) -> Any:
    """Drops, packets and CPU seconds of the sensor."""
    rules = busy_rules(folder)
    sensor = Sensor(command, folder, "--json", "--rules", str(rules), "--ring-mib", str(RING_MIB),
                    core=LISTENER)  # fmt: skip
    before_s = sensor.cpu_s()
    sent = blast(program, SENDER, **load)
    cpu_s = sensor.cpu_s() - before_s
    memory = sensor.memory_bytes()
    ledger = sensor.stop()
    capture = ledger["capture"]
    alerts = sum(rule["alerts"] for rule in ledger["rules"].values())
    return {"drops": capture["kernel_drops"], "seen": capture["kernel_packets"],
            "cpu": cpu_s / sent["seconds"], "sent": sent, "mb": memory / 1e6,
            "alerts": alerts}  # fmt: skip


def tcpdump_run(program: Path, load: dict[str, int]) -> Any:
    """The same of tcpdump."""
    tcpdump = subprocess.Popen(
        [*pinned(LISTENER), "tcpdump", "-i", "tap", "-n", "-B", str(RING_MIB * 1024),
         "-w", "/dev/null"], stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert tcpdump.stderr is not None
    for line in tcpdump.stderr:
        if "listening on" in line:
            break
    sent = blast(program, SENDER, **load)
    tcpdump.send_signal(signal.SIGINT)
    said = tcpdump.stderr.read()
    tcpdump.wait()
    seen, dropped = SEEN.search(said), DROPPED.search(said)
    assert seen and dropped, said
    return {"drops": int(dropped[1]), "seen": int(seen[1]), "sent": sent}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sensor", default=f"{sys.executable} -m sensor", metavar="COMMAND")
    parser.add_argument("--rates", default="300000,0")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    folder = inside()
    program = build_blast(folder)
    results = []
    print("| asked frames/s | who | sent frames/s | dropped, each round | share | CPU |")
    print("|---|---|---|---|---|---|")
    for rate in map(int, options.rates.split(",")):
        load = {"rate": rate, "seconds": options.seconds, "size": 100, "background": BACKGROUND,
                "sessions": SESSIONS}  # fmt: skip
        runs: dict[str, list[Any]] = {"sensor": [], "tcpdump": []}
        for _ in range(options.rounds):
            runs["sensor"].append(
                sensor_run(folder, shlex.split(options.sensor), program, load)
            )
            runs["tcpdump"].append(tcpdump_run(program, load))
        for who, found in runs.items():
            per_s = statistics.median(run["sent"]["frames_per_s"] for run in found)
            drops = [run["drops"] for run in found]
            share = sum(drops) / sum(run["sent"]["frames"] for run in found)
            cpu = f"{statistics.median(run['cpu'] for run in found):.0%}" if who == "sensor" else ""
            print(f"| {rate or 'as many as it can'} | {who} | {per_s:.0f} |"
                  f" {', '.join(map(str, drops))} | {share:.2%} | {cpu} |")  # fmt: skip
        results.append({"rate": rate, **runs})
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
