"""Measure how long it takes to cut one flow out of a capture, beside a replay of it.

    python benchmarks/evidence.py benchmarks/data/mix.pcap --sensor sensor

Named are the first flow that alerts, then all that do. The commands take turns, every round in
another order; a ratio is the median of the rounds' own.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import subprocess
import tempfile
from pathlib import Path

from run import Tool, measure


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("capture", type=Path)
    parser.add_argument("--sensor", default="sensor")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    sensor, capture = shlex.split(arguments.sensor), str(arguments.capture)
    with tempfile.TemporaryDirectory() as folder:
        alerts, out = f"{folder}/alerts.ndjson", f"{folder}/out"
        subprocess.run([*sensor, "replay", "--quiet", "--alerts", alerts, capture], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        with open(alerts, encoding="utf-8") as lines:
            flow = json.loads(next(lines))["flow"]["id"]
        cut = [*sensor, "evidence", "--quiet", capture, "-o", out]
        tools = [
            Tool("replay", [*sensor, "replay", "--quiet", capture]),
            Tool("evidence --flow ID", [*cut, "--flow", flow]),
            Tool("evidence --alerts FILE", [*cut, "--alerts", alerts]),
            Tool("evidence (rules first)", cut),
        ]
        for number in range(arguments.rounds + 1):
            for tool in tools[number % 4 :] + tools[: number % 4]:
                run = measure(tool.command)
                assert run.exit_code == 0, tool.name
                if number:  # the first warms the page cache
                    tool.runs.append(run)
        manifest = json.loads(Path(out, "manifest.json").read_bytes())
    print(f"{capture}: {arguments.capture.stat().st_size / 1e6:.0f} MB,"
          f" {len(manifest['flows'])} flows that alert\n")
    print("| command | wall s | CPU s | / replay | peak MB |\n|---|---|---|---|---|")
    for tool in tools:
        cpu_s = statistics.median(run.cpu_s for run in tool.runs)
        peak = max(run.rss_bytes for run in tool.runs) / 1e6
        print(f"| {tool.name} | {tool.wall_s():.2f} | {cpu_s:.2f} | {tool.ratio(tools[0]):.2f} |"
              f" {peak:.0f} |")


if __name__ == "__main__":
    main()
