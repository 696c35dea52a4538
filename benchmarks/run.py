"""Measure the sensor beside other tools on one capture, and its alerts against the exact truth.

    python benchmarks/run.py benchmarks/data/mix.pcap --sensor "sensor"

Prints tables in Markdown. The tools take turns, every round in another order, and every ratio is
the median of the rounds' own ratios, so that what slows the machine for a while slows both sides.
The exit code is 1 if an alert or a verdict differs from the truth.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import random
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Nothing large may be imported here: the kernel counts the parent's memory at the time of the fork
# into the peak of the child.

TELNET_RULE = "Accepted Default Telnet Port Connection"
EXTERNAL_RULE = "Accepted Telnet Connection to External Network"
MB = 1_000_000
SENSOR, TCPDUMP, NFPCAPD = "sensor replay --quiet", "tcpdump 'tcp port 23'", "nfpcapd"


@dataclass(frozen=True)
class Run:
    """One run of one command."""

    wall_s: float
    cpu_s: float
    rss_bytes: int
    exit_code: int


@dataclass
class Tool:
    """A command to measure; `share` is the part of the capture that it is given."""

    name: str
    command: list[str]
    share: float = 1.0
    output: Path | None = None  # a file that it appends to, removed before each run
    runs: list[Run] = field(default_factory=list)

    def wall_s(self) -> float:
        """Median wall time, scaled to the whole capture."""
        return statistics.median(run.wall_s for run in self.runs) / self.share

    def ratio(self, other: Tool) -> float:
        """The median over the rounds of this tool's wall time over the other's."""
        pairs = zip(self.runs, other.runs, strict=False)
        return statistics.median(
            (mine.wall_s / self.share) / (theirs.wall_s / other.share) for mine, theirs in pairs
        )


def measure(command: list[str]) -> Run:
    """Run a command to its end with its output thrown away."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu_s = usage.ru_utime + usage.ru_stime
    return Run(wall_s, cpu_s, usage.ru_maxrss * 1024, process.returncode)


def make_tools(args: argparse.Namespace, scratch: Path) -> tuple[list[Tool], list[Tool]]:
    """The tools that take turns on the whole capture, and the slow ones for one turn on a slice."""
    capture, sensor = str(args.capture), shlex.split(args.sensor)
    nfdump_folder = scratch / "nfpcapd"
    nfdump_folder.mkdir()
    flows_path = scratch / "flows.ndjson"
    turns = [
        Tool("cat", ["cat", capture]),
        Tool(TCPDUMP, ["tcpdump", "-nr", capture, "-w", "/dev/null", "tcp port 23"]),
        Tool(NFPCAPD, ["nfpcapd", "-r", capture, "-l", str(nfdump_folder)]),
        Tool(SENSOR, [*sensor, "replay", "--quiet", capture]),
        Tool(f"{SENSOR} --flows /dev/null", [
            *sensor, "replay", "--quiet", "--flows", "/dev/null", capture,
        ]),
        Tool(f"{SENSOR} --flows FILE", [
            *sensor, "replay", "--quiet", "--flows", str(flows_path), capture,
        ], output=flows_path),
    ]
    piece, share = make_slice(args.capture, scratch, args.slice_packets, args.packets)
    loop = Path(__file__).parent / "dpkt_loop.py"
    slow = [
        Tool("dpkt loop", [sys.executable, str(loop), piece], share),
        Tool("tshark -q -z conv,tcp", ["tshark", "-r", piece, "-q", "-z", "conv,tcp"], share),
    ]
    return [tool for tool in turns if present(tool)], [tool for tool in slow if present(tool)]


def present(tool: Tool) -> bool:
    """Whether the tool's program is installed; says so if it is not."""
    if shutil.which(tool.command[0]):
        return True
    print(f"{tool.name}: {tool.command[0]} is not installed, left out", file=sys.stderr)
    return False


def make_slice(capture: Path, scratch: Path, wanted: int, total: int) -> tuple[str, float]:
    """The capture's first packets as a file, and the part of the whole that they are."""
    if wanted >= total or not shutil.which("tcpdump"):
        return str(capture), 1.0
    piece = scratch / "slice.pcap"
    cut = ["tcpdump", "-nr", str(capture), "-c", str(wanted), "-w", str(piece)]
    subprocess.run(cut, check=True, stderr=subprocess.DEVNULL)
    return str(piece), wanted / total


def take_turns(turns: list[Tool], slow: list[Tool], rounds: int) -> None:
    """Run every tool once a round, in an order that differs from round to round."""
    order = random.Random(1)
    for number in range(rounds + 1):
        for tool in order.sample(turns, len(turns)):
            if tool.output is not None:
                tool.output.unlink(missing_ok=True)
            run = measure(tool.command)
            if run.exit_code != 0:
                print(f"{tool.name}: exit code {run.exit_code}", file=sys.stderr)
            if number > 0:  # the first round warms the page cache
                tool.runs.append(run)
            print(f"round {number}: {tool.name}: {run.wall_s:.2f} s", file=sys.stderr)
    for tool in slow:
        tool.runs.append(measure(tool.command))
        print(f"{tool.name}: {tool.runs[0].wall_s:.2f} s", file=sys.stderr)


def print_speed(tools: list[Tool], packets: int) -> None:
    """The table of times, rates, ratios and peaks."""
    by_name = {tool.name: tool for tool in tools}
    columns = [by_name[name] for name in (TCPDUMP, NFPCAPD) if name in by_name]
    head = ["tool", "wall s", "CPU s", "M packets/s", *(f"/ {t.name}" for t in columns), "peak MB"]
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for tool in tools:
        cpu_s = statistics.median(run.cpu_s for run in tool.runs) / tool.share
        peak = max(run.rss_bytes for run in tool.runs) / MB
        scaled = "" if tool.share == 1 else f" (scaled from {tool.share:.0%} of the packets)"
        cells = [
            tool.name + scaled, f"{tool.wall_s():.2f}", f"{cpu_s:.2f}",
            f"{packets / tool.wall_s() / 1e6:.2f}",
            *(f"{tool.ratio(other):.2f}" for other in columns), f"{peak:.0f}",
        ]
        print("| " + " | ".join(cells) + " |")


def flow_key(source: str, source_port: int, destination: str, destination_port: int) -> str:
    """A 5-tuple in one spelling of its addresses."""
    ends = (ipaddress.ip_address(source), source_port, ipaddress.ip_address(destination))
    return f"{ends[0]} {ends[1]} > {ends[2]} {destination_port}"


def expected_alerts(truth: dict[str, Any]) -> Counter[tuple[str, str]]:
    """One alert for every accepted telnet flow, and one more if it goes outside."""
    alerts: Counter[tuple[str, str]] = Counter()
    for flow in truth["telnet"]["accepted"]:
        key = flow_key(
            flow["source"], flow["source_port"], flow["destination"], flow["destination_port"]
        )
        alerts[TELNET_RULE, key] += 1
        if flow["external"]:
            alerts[EXTERNAL_RULE, key] += 1
    return alerts


def read_alerts(path: Path) -> Counter[tuple[str, str]]:
    """The alerts that the sensor wrote, by rule and 5-tuple."""
    alerts: Counter[tuple[str, str]] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        document = json.loads(line)
        source, destination = document["source"], document["destination"]
        key = flow_key(source["ip"], source["port"], destination["ip"], destination["port"])
        alerts[document["rule"]["name"], key] += 1
    return alerts


def check_truth(sensor: str, capture: Path, scratch: Path) -> tuple[list[str], Run]:
    """What the sensor says of a capture that is not true, and the run in which it said so."""
    truth = json.loads(Path(f"{capture}.truth.json").read_text())
    alerts_path, stats_path = scratch / "alerts.ndjson", scratch / "stats.json"
    for path in (alerts_path, stats_path):
        path.unlink(missing_ok=True)
    outputs = ["--alerts", str(alerts_path), "--stats", str(stats_path)]
    run = measure([*shlex.split(sensor), "replay", "--quiet", *outputs, str(capture)])
    if run.exit_code != 0 or not alerts_path.exists():
        return [f"the sensor's exit code is {run.exit_code}"], run
    found, expected = read_alerts(alerts_path), expected_alerts(truth)
    wrong = [f"missing {n} x {key}" for key, n in (expected - found).items()]
    wrong += [f"unexpected {n} x {key}" for key, n in (found - expected).items()]
    flows = json.loads(stats_path.read_text())["flows"]
    for name, count in truth.get("flows", {}).items():
        if flows.get(name) != count:
            wrong.append(f"flows {name}: {flows.get(name)}, in truth {count}")
    print(f"{capture.name}: {found.total()} alerts, {expected.total()} in truth", file=sys.stderr)
    return wrong, run


def print_truth(capture: Path, wrong: list[str], run: Run) -> None:
    """One line on a capture, and the first of what was wrong."""
    result = "exactly the truth" if not wrong else f"{len(wrong)} differences from the truth"
    peak = run.rss_bytes / MB
    print(f"- {capture.name}: {result}; {run.wall_s:.2f} s, {peak:.0f} MB at most.")
    for line in wrong[:10]:
        print(f"    - {line}")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data = Path(__file__).parent / "data"
    parser.add_argument("capture", type=Path, nargs="?", default=data / "mix.pcap")
    parser.add_argument("--sensor", default="sensor", help="the command, with its first options")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--flood", type=Path, help="a capture of make_flood.py, to check as well")
    parser.add_argument("--slice-packets", type=int, default=500_000, help="for tshark and dpkt")
    parser.add_argument("--check-only", action="store_true", help="only compare with the truth")
    args = parser.parse_args()
    args.packets = json.loads(Path(f"{args.capture}.truth.json").read_text())["packets"]
    return args


def main() -> int:
    """Measure and check; 1 if anything the sensor said was not true."""
    args = parse_arguments()
    failed = False
    with tempfile.TemporaryDirectory(prefix="sensor-bench-") as folder:
        scratch = Path(folder)
        if not args.check_only:
            turns, slow = make_tools(args, scratch)
            take_turns(turns, slow, args.rounds)
            print_speed([*turns, *slow], args.packets)
            print()
        for capture in (args.capture, args.flood):
            if capture is not None:
                wrong, run = check_truth(args.sensor, capture, scratch)
                print_truth(capture, wrong, run)
                failed = failed or bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
